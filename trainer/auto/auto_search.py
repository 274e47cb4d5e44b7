"""``auto``: the choice of an estimator within a time. Pure maths.

First the default of each family on samples of growing size, then, the cheap and the promising ones first, on all
rows of the first fold; then on as many folds as are needed to distinguish candidates. Then the families' other
hyperparameters, then draws from the spaces of the best families. Finally the best are joined, if that helps by more
than chance.

Fits run side by side in separate processes. No fit begins that would not end in time, and one that overruns its
share is killed. What is tried, in which order and with which seeds, depends on the seed and on scores alone. Only how
far it gets depends on the time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from joblib import cpu_count

from modelbus.shared.contracts.commands.tuning import Auto, StoppingReason
from modelbus.trainer.auto.auto_candidates import TRIED_LIMIT, AutoCandidates, Further
from modelbus.trainer.auto.auto_time import AutoTime, Finishing, Stage
from modelbus.trainer.auto.baseline_notes import baseline_notes
from modelbus.trainer.auto.discarding import Discarding
from modelbus.trainer.auto.fit_pool import FitPool, fit_pool
from modelbus.trainer.auto.joining import Joining
from modelbus.trainer.auto.portfolio import BASELINES, Family, families_for
from modelbus.trainer.auto.racing import MEMBER_LIMIT, Racing
from modelbus.trainer.fitting.spreading import is_spread
from modelbus.trainer.tuning.fit_costs import ladder
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.search import Choice, TuningRows, choice_of
from modelbus.trainer.tuning.tuning_hooks import TuningWatch

_BATCH: Final = 4
"""Number of further candidates that are tried before scores are compared; the same for any number of cores, so that
the same is tried on each machine."""
_ENOUGH_ROWS: Final = 2_500
"""This many held-out rows, of as many folds as needed, distinguish candidates."""

_FEW_ROWS: Final = 1_000
"""With fewer held-out rows in all folds together, chance decides between the best candidates."""


class AutoSearch:
    """One choice."""

    def __init__(
        self, rows: TuningRows, auto: Auto, board: Leaderboard, watch: TuningWatch, pool: FitPool | None = None
    ) -> None:
        """Args:
        rows: The rows of the choice.
        auto: The options of the choice.
        board: Takes the candidates.
        watch: Knows the time, and reports the progress.
        pool: Runs the fits; None takes what suits the machine.
        """
        self._rows = rows
        self._auto = auto
        self._board = board
        self._watch = watch
        self._splits = rows.splits_of(auto.cross_validation)
        self._families = families_for(auto, rows.plan, rows.prepared.task, len(rows.split.train))
        self._baseline_name = BASELINES[rows.prepared.task]
        is_baseline_tried = any(one.estimator == self._baseline_name for one in self._families)
        self._limit = (auto.max_models or TRIED_LIMIT) + is_baseline_tried
        self._measuring = rows.measuring(self._splits, board.objective, needs_probabilities=rows.needs_probabilities)
        self._defaults: dict[str, Trial] = {}
        """By estimator: the first candidate of its family."""
        self._candidates = AutoCandidates(self._families, board, rows.plan.seed)
        self._time = AutoTime(board, watch, self._finishing(), lambda trial: self._defaults.get(trial.estimator))
        self._time.has_ensemble = self._may_join()
        self._time.joins_families = self._has_few_rows()
        self._race = Racing(self._measuring, board, watch, self._time, pool or fit_pool(is_spread=is_spread()))
        self._discarding = Discarding(board, self._baseline, self._race.error_of, self._time.is_cheap)

    def run(self) -> Choice:
        """Choose.

        Raises:
            EstimatorRejected: No candidate could be fitted, or there are too few rows for the number of folds.
        """
        self._try_defaults()
        self._explore()
        self._complete()
        if self._may_join() and self._stopped() != "cancelled":
            joining = Joining(
                self._rows,
                self._measuring,
                self._board,
                self._race.answers,
                self._time,
                has_few_rows=self._has_few_rows(),
            )
            joining.join(lambda: self._watch.remaining_s)
        self._leave_unaffordable()
        self._watch.tell("chosen", is_last=True)
        found = choice_of(self._board, "auto", self._watch.elapsed_s, self._stopped())
        return replace(found, warnings=baseline_notes(self._board, self._baseline_name, self._watch.budget_s))

    # --- what comes after, and when it is over ---

    def _finishing(self) -> Finishing:
        """What comes after the choice; encodes the first fold, to measure the time that takes."""
        plan, split, first = self._rows.plan, self._rows.split, self._splits[0]
        self._first_fold = self._measuring.folds.encoded(0, "standard")
        encode_s = self._measuring.folds.row_s * len(split.train)
        fit_count = max(1, plan.calibration.cross_validation.folds - 1) if plan.calibration is not None else 1
        if plan.threshold is not None:
            fit_count *= plan.threshold.cross_validation.folds
        answered = len(split.hold_out) or len(first.hold_out)
        return Finishing(
            len(split.train),
            fit_count,
            answered / len(first.hold_out),
            encode_s,
            cpu_count(),
            fold_shape=self._first_fold.train.shape,
        )

    def _may_join(self) -> bool:
        plan = self._rows.plan
        is_weighed = plan.sample_weight is not None or plan.class_weight is not None  # votes pass no weights on
        return self._auto.has_ensemble and not is_weighed

    def _has_few_rows(self) -> bool:
        return sum(len(one.hold_out) for one in self._splits) < _FEW_ROWS

    def _stopped(self) -> StoppingReason | None:
        reason = self._watch.stopping()
        return "time_budget" if reason is None and self._time.is_short else reason

    def _is_over(self) -> bool:
        return self._watch.stopping() is not None

    # --- the families' defaults ---

    def _try_defaults(self) -> None:
        trials = [self._add(one, one.default) for one in self._families[: self._limit]]
        self._defaults = {trial.estimator: trial for trial in trials}
        entrants = [trial for trial in trials if trial is not self._baseline()]
        samples = self._samples()
        for stage in samples:
            self._measure_baseline(stage)
            self._race.measure([(trial, stage) for trial in self._by_promise(entrants)])
            self._discarding.discard_hopeless(entrants)
            entrants = [trial for trial in entrants if not trial.is_discarded]
        self._measure_baseline(self._whole(0))
        ordered = self._by_promise(entrants)
        # those that lead on the samples bring their other hyperparameters along, so that no core waits for a slow one
        others = self._candidates.others(self._candidates.leading(ordered)) if samples else iter(())
        ordered += [self._add(*one) for one in self._with_room(others)]
        self._race.measure([(trial, self._whole(0)) for trial in ordered])
        if self._board.best is None:
            self._insist(entrants)
        self._deepen(ordered)

    def _samples(self) -> list[Stage]:
        return [Stage(0, size, is_sample=True) for size in ladder(*self._first_fold.train.shape)]

    def _whole(self, fold: int) -> Stage:
        return Stage(fold, len(self._splits[fold].train))

    def _measure_baseline(self, stage: Stage) -> None:
        trial = self._baseline()
        if trial is not None and trial.error is None and (stage.is_sample or len(trial.scores) == stage.fold):
            self._race.measure_here(trial, stage)

    def _baseline(self) -> Trial | None:
        return self._defaults.get(self._baseline_name)

    def _by_promise(self, trials: Sequence[Trial]) -> list[Trial]:
        """The best on samples first, as it may be all that is needed; then the cheap ones before the slow ones."""
        row_count = self._whole(0).row_count
        best = next((one for one in self._board.ranking() if one in trials and one.sampled), None)
        rest = [trial for trial in trials if trial is not best]
        ordered = sorted(rest, key=lambda one: self._time.expected_s(one, row_count) or 0.0)
        return [*([] if best is None else [best]), *ordered]

    def _insist(self, trials: Sequence[Trial]) -> None:
        """Measure one candidate, however long it takes, where there is no baseline to fall back on."""
        stage = (self._samples() or [self._whole(0)])[0]
        for trial in sorted(trials, key=self._time.finish_s):
            if trial.error is None:
                trial.stopped = trial.skipped = None
                self._race.measure_here(trial, stage)
            if self._board.best is not None:
                return

    # --- further candidates ---

    def _explore(self) -> None:
        further = self._candidates.further()
        while not self._is_over():
            batch = [self._add(*one) for one in islice(self._with_room(further), _BATCH)]
            if not batch:
                return
            stage = self._stage_of_best()
            self._race.measure([(trial, stage) for trial in batch])
            if not stage.is_sample:
                self._deepen(batch)

    def _stage_of_best(self) -> Stage:
        """The stage on which further candidates are measured first: that of the best."""
        best = self._board.best
        if best is not None and not best.scores and best.sampled:
            return Stage(0, max(best.sampled), is_sample=True)
        return self._whole(0)

    def _with_room(self, found: Iterator[Further]) -> Iterator[Further]:
        """The candidates for which there is time, up to the limit."""
        for family, chosen in found:
            if len(self._board.trials) >= self._limit:
                return
            probe = Trial(0, family.estimator, family.made_of(chosen), 0)
            if self._time.obstacle(probe, self._stage_of_best()) is None:
                yield family, chosen

    def _add(self, family: Family, chosen: Mapping[str, Any]) -> Trial:
        return self._board.add(family.estimator, family.made_of(chosen), len(self._splits))

    # --- further folds ---

    def _deepen(self, trials: Sequence[Trial]) -> None:
        """Measure the better ones on as many folds as are needed to distinguish them."""
        needed = min(len(self._splits), -(-_ENOUGH_ROWS // len(self._splits[0].hold_out)))
        self._discarding.discard_worse(trials)
        for fold in range(1, needed):
            self._measure_further(self._ready_for(fold, trials)[:MEMBER_LIMIT], fold)
            self._discarding.discard_worse(trials)

    def _complete(self) -> None:
        """Measure the remaining candidates on all folds, if there is time."""
        for fold in range(1, len(self._splits)):
            self._measure_further(self._ready_for(fold, self._board.trials), fold)
            self._discarding.discard_worse(self._board.trials)

    def _measure_further(self, trials: Sequence[Trial], fold: int) -> None:
        if trials and not self._is_over():
            self._measure_baseline(self._whole(fold))
            self._race.measure([(trial, self._whole(fold)) for trial in trials])

    def _ready_for(self, fold: int, trials: Sequence[Trial]) -> list[Trial]:
        """The trials that were measured on all folds before this one, the best first."""
        wanted = set(map(id, trials)) - {id(self._baseline())}
        return [one for one in self._board.ranking() if id(one) in wanted and len(one.scores) == fold]

    # --- the end ---

    def _leave_unaffordable(self) -> None:
        """Exclude the best candidate while its last fit would not end in time."""
        left: list[Trial] = []
        best = self._board.best
        while best is not None and best is not self._baseline() and not self._time.can_finish(best):
            if len(self._board.ranking()) == 1:  # there is nothing else
                return
            best.stopped = "its fit on all rows would not end within the time budget"
            self._time.is_short = True
            left.append(best)
            best = self._board.best
        if left and best is self._baseline():
            quickest = min(left, key=self._time.finish_s)
            if self._time.can_finish(quickest, is_last_resort=True):
                quickest.stopped = None
