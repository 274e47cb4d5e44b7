"""``auto``: the choice of an estimator within a time. Pure maths.

First the default of each family on one part of the rows, then the better ones on all parts; a candidate whose first
parts are clearly worse than the best is discarded. Then the families' other hyperparameters, then draws around the
three best families. At last the best are joined, if that helps by more than chance.

What is tried, in which order and with which seeds, depends on the seed and on scores alone. Only how far it gets
depends on the time.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from shared.contracts.tuning import Auto, StoppingReason
from trainer.candidate_measuring import HeldOutAnswers
from trainer.ensembling import Library, crossed_scores, is_better, select
from trainer.leaderboard import Leaderboard, Trial
from trainer.portfolio import BASELINES, Family, require_families, without_class_weights
from trainer.search_space import draw
from trainer.searching import Choice, TuningRows, choice_of
from trainer.tuning_hooks import TuningWatch

TRIED_LIMIT: Final = 200
"""Candidates that are tried at most, where nothing else is said."""
MEMBER_LIMIT: Final = 8
"""So many of the best may become members of an ensemble."""

_REFINED: Final = 3
_CLEAR_SHARE: Final = 0.05
"""Of what the best is better than the baseline: less is not clearly worse."""
_CLEAR_DEVIATIONS: Final = 2.0
_REFITTING: Final = 1.5
"""How much longer than a fit on a part the last fit takes, on all rows."""


class Choosing:
    """One choice."""

    def __init__(self, rows: TuningRows, auto: Auto, board: Leaderboard, watch: TuningWatch) -> None:
        self._rows = rows
        self._auto = auto
        self._board = board
        self._watch = watch
        self._splits = rows.parts(auto.cross_validation)
        self._measuring = rows.measuring(self._splits, board.objective)
        self._answers: dict[int, list[HeldOutAnswers]] = {}
        self._stopped: StoppingReason | None = None
        self._families = self._fitting_families()
        self._limit = (auto.max_models or TRIED_LIMIT) + self._has_baseline()

    def run(self) -> Choice:
        """Choose.

        Raises:
            EstimatorRejected: No candidate could be had, or there are too few rows for so many parts.
        """
        self._try_defaults()
        for estimator, hyperparameters in self._further():
            if self._is_over():
                break
            self._measure_all(self._add(estimator, hyperparameters))
        if self._auto.has_ensemble and self._stopped != "cancelled":
            self._join()
        self._watch.tell("chosen", is_last=True)
        return choice_of(self._board, "auto", self._watch.elapsed_s, self._stopped)

    def _fitting_families(self) -> list[Family]:
        """The families that suit the table and the command."""
        plan, row_count = self._rows.plan, len(self._rows.split.train)
        families = require_families(self._auto, self._rows.prepared.task)
        suited = [one for one in families if one.row_limit is None or row_count <= one.row_limit] or families
        if plan.threshold is not None and plan.calibration is None:
            suited = [one for one in suited if one.has_probabilities] or suited
        return [without_class_weights(one) for one in suited] if plan.class_weight is not None else suited

    def _has_baseline(self) -> bool:
        """Whether the baseline is tried; it does not count, for nobody means it who wants a model."""
        return BASELINES[self._rows.prepared.task] in {family.estimator for family in self._families}

    def _try_defaults(self) -> None:
        """Each default on the first part, then all of them on the others, the better ones first."""
        trials = []
        for family in self._families[: self._limit]:
            trial = self._add(family.estimator, family.default)
            trials.append(trial)
            self._measure(trial, 0)
            # one is measured to its end at once, so that there is something to keep whenever the time is over
            if self._board.best is None:
                self._measure_all(trial)
            if self._is_over():
                return
        for trial in sorted((one for one in trials if one.scores), key=lambda one: -self._board.merit(one)):
            if self._is_over():
                return
            self._measure_all(trial)

    def _further(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What is tried after the defaults, in order."""
        for family in self._families:
            if self._is_promising(family):
                for hyperparameters in family.others:
                    yield family.estimator, hyperparameters
        yield from self._draws()

    def _is_promising(self, family: Family) -> bool:
        """Whether the default of a family was not clearly worse than the best."""
        return any(
            one.is_complete and not one.is_discarded for one in self._board.trials if one.estimator == family.estimator
        )

    def _draws(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        families = {family.estimator: family for family in self._families if family.space}
        ranked = dict.fromkeys(one.estimator for one in self._board.ranking() if one.estimator in families)
        best = list(ranked)[:_REFINED]
        for number in range(TRIED_LIMIT if best else 0):
            family = families[best[number % len(best)]]
            random = np.random.default_rng([self._rows.plan.seed, number])
            yield family.estimator, {key: draw(dimension, random) for key, dimension in family.space.items()}

    def _add(self, estimator: str, hyperparameters: Mapping[str, Any]) -> Trial:
        return self._board.add(estimator, hyperparameters, len(self._splits))

    def _is_over(self) -> bool:
        """Whether no further candidate may be tried; the last fit needs its share of the time, too."""
        if self._is_full():
            return True
        best = self._board.best
        if not self._must_stop() and best is not None and self._watch.left_s < _REFITTING * best.mean_fit_s:
            self._stopped = "time_budget"
        return self._stopped is not None

    def _is_full(self) -> bool:
        is_full = len(self._board.trials) >= self._limit
        return is_full and not any(self._is_open(one) for one in self._board.trials)

    @staticmethod
    def _is_open(trial: Trial) -> bool:
        return trial.error is None and not trial.is_discarded and len(trial.scores) < trial.part_count

    def _measure_all(self, trial: Trial) -> None:
        while self._is_open(trial):
            self._measure(trial, len(trial.scores))
            if self._is_open(trial):
                trial.is_discarded = self._is_clearly_worse(trial)
            if self._is_open(trial) and self._must_stop():
                return

    def _must_stop(self) -> bool:
        self._stopped = self._watch.stopping()
        return self._stopped is not None

    def _measure(self, trial: Trial, number: int) -> None:
        found = self._measuring.measure(trial, number)
        if found is not None:
            self._answers.setdefault(trial.number, []).append(found)
        self._watch.step(f"{trial.estimator} (candidate {trial.number}), part {number + 1} of {trial.part_count}")
        self._forget()

    def _forget(self) -> None:
        """Keep the answers of those that may become members only."""
        kept = {one.number for one in self._board.ranking()[:MEMBER_LIMIT]}
        kept |= {one.number for one in self._board.trials if self._is_open(one)}
        self._answers = {number: answers for number, answers in self._answers.items() if number in kept}

    def _is_clearly_worse(self, trial: Trial) -> bool:
        """Whether the first parts leave little hope: worse than the best by more than its parts differ, and by more
        than a share of what that is better than the baseline.
        """
        best = self._board.best
        if best is None or best is trial:
            return False
        count = len(trial.scores)
        merits = [np.mean([self._board.objective.merit(one) for one in each.values[:count]]) for each in (best, trial)]
        spread = float(np.std(best.values, ddof=1)) if len(best.values) > 1 else 0.0
        baseline = self._baseline()
        gap = self._board.merit(best) - self._board.merit(baseline) if baseline is not None else 0.0
        return bool(merits[0] - merits[1] > max(_CLEAR_DEVIATIONS * spread, _CLEAR_SHARE * abs(gap)))

    def _baseline(self) -> Trial | None:
        name = BASELINES[self._rows.prepared.task]
        return next((one for one in self._board.trials if one.estimator == name and one.scores), None)

    def _join(self) -> None:
        """Try an ensemble of the best: from answers that are there already, without a fit."""
        plan, best = self._rows.plan, self._board.best
        is_weighed = plan.sample_weight is not None or plan.class_weight is not None  # votes pass no weights on
        members = [one for one in self._board.ranking()[:MEMBER_LIMIT] if self._can_join(one)]
        if best is None or is_weighed or len(members) < 2 or len(self._splits) < 2:
            return
        library = self._library(members)
        scores = crossed_scores(library)
        if not is_better(scores, best.scores, self._board.objective):
            return
        weights = select(library, range(len(self._splits)))
        joined = [(one, weight) for one, weight in zip(members, weights, strict=True) if weight]
        if len(joined) > 1:
            trial = self._add(*self._voting(joined))
            trial.scores = scores
            trial.fit_s = [sum(one.mean_fit_s for one, _ in joined)]

    def _can_join(self, trial: Trial) -> bool:
        answers = self._answers.get(trial.number, [])
        is_classification = self._rows.is_classification
        return len(answers) == len(self._splits) and (
            not is_classification or all(one.probabilities is not None for one in answers)
        )

    def _library(self, members: list[Trial]) -> Library:
        truth = [self._measuring.parts.targets(part)[1] for part in range(len(self._splits))]
        is_classification = self._rows.is_classification
        answers = [
            [
                np.asarray(one.probabilities if is_classification else one.answers, dtype=np.float64)
                for one in self._answers[member.number]
            ]
            for member in members
        ]
        return Library(self._board.objective, truth, answers)

    def _voting(self, joined: list[tuple[Trial, int]]) -> tuple[str, dict[str, Any]]:
        members = [
            {
                "name": f"candidate_{one.number}",
                "estimator": one.estimator,
                "hyperparameters": dict(one.hyperparameters),
            }
            for one, _ in joined
        ]
        weights = [weight for _, weight in joined]
        if self._rows.is_classification:
            return "VotingClassifier", {"estimators": members, "voting": "soft", "weights": weights}
        return "VotingRegressor", {"estimators": members, "weights": weights}
