"""Candidates measured side by side, each as far as its time allows."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from modelbus.trainer.auto.auto_time import AutoTime, Stage
from modelbus.trainer.auto.fit_pool import Finished, FitPool, FitTask
from modelbus.trainer.tuning.candidate_measuring import CandidateMeasuring, HeldOutAnswers, Measurement
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.tuning_hooks import TuningWatch

MEMBER_LIMIT = 8
"""Number of the best candidates that may become members of an ensemble; their answers are all kept."""

Entry = tuple[Trial, Stage]
"""A candidate, and what to measure it on."""


class Racing:
    """Measures candidates and records their scores on the leaderboard."""

    def __init__(
        self,
        measuring: CandidateMeasuring,
        board: Leaderboard,
        watch: TuningWatch,
        time: AutoTime,
        pool: FitPool,
    ) -> None:
        self._measuring = measuring
        self._board = board
        self._watch = watch
        self._time = time
        self._pool = pool
        self._early: dict[int, dict[int, Measurement]] = {}
        """By candidate and fold: measurements that are waiting for those of earlier folds."""
        self.answers: dict[int, dict[int, HeldOutAnswers]] = {}
        """By candidate and fold: its answers, as long as it may become a member. Folds may be missing for one that
        could not become a member for a while.
        """

    def measure(self, entries: Sequence[Entry]) -> None:
        """Measure candidates side by side. A fit that would not end in time is skipped, one that overruns is killed."""
        for fold in sorted({stage.fold for _, stage in entries}):
            self._measuring.folds.encoded(fold, "standard")  # here, so that all processes share it
        self._time.note_encoding(self._measuring.folds.row_s)
        for finished in self._pool.run(self._tasks(entries), lambda: self._watch.stopping() is not None):
            self._note(finished)
        self._forget()  # not before all have ended: what is kept must not depend on which of them was first
        self._weigh_chance()

    def measure_here(self, trial: Trial, stage: Stage) -> None:
        """Measure one that takes no time, such as a baseline, in this process."""
        self._keep(trial, stage, self._measuring.take(trial, stage.fold, stage.row_count if stage.is_sample else None))
        self._forget()
        self._say(trial, stage)

    def error_of(self, trial: Trial, other: Trial) -> float | None:
        """The standard error of the difference between the scores of two candidates, over groups of the rows that both
        answered; None if their answers were discarded.
        """
        own, others = (self.answers.get(one.number, {}) for one in (trial, other))
        gains: list[float] = []
        for fold in sorted(own.keys() & others.keys()):
            truth = self._measuring.folds.targets(fold)[1]
            gains.extend(self._measuring.gains(truth, own[fold], others[fold]))
        return float(np.std(gains, ddof=1)) / len(gains) ** 0.5 if len(gains) > 1 else None

    def _weigh_chance(self) -> None:
        """A candidate that is ahead of the best of those measured on most folds, but was measured on fewer, must be
        ahead by more than chance.
        """
        for trial in self._board.trials:
            trial.handicap = 0.0
        ranking = self._board.ranking()
        most = max((len(one.scores) for one in ranking), default=0)
        surest = next((one for one in ranking if len(one.scores) == most), None)
        for trial in ranking:
            if trial is surest or surest is None:
                return
            if trial.scores:
                trial.handicap = self.error_of(trial, surest) or 0.0

    def _tasks(self, entries: Sequence[Entry]) -> Iterator[FitTask]:
        for trial, stage in entries:
            if self._watch.stopping() is not None:
                return
            if trial.error is not None or trial.stopped is not None:
                continue
            trial.skipped = self._time.obstacle(trial, stage)
            if trial.skipped is None:
                row_count = stage.row_count if stage.is_sample else None
                work = partial(self._measuring.take, trial, stage.fold, row_count)
                yield FitTask((trial, stage), work, self._time.limit_s(trial, stage))

    def _note(self, finished: Finished) -> None:
        trial, stage = finished.subject
        if finished.ending == "done":
            self._keep(trial, stage, finished.answer)
        elif finished.ending == "overran":
            self._time.is_short = True
            trial.costs.note_overrun(stage.row_count, finished.elapsed_s)
            taken = f"{finished.elapsed_s:.1f} s"
            words = f"its fit on {stage.row_count:,} rows was killed after {taken} because it took too long"
            if trial.scores:  # it was quick enough on other folds
                trial.skipped = words
            else:
                trial.stopped = words
        elif finished.ending == "raised":
            trial.fail(finished.answer)
        elif finished.ending == "crashed":
            trial.fail("the process that fitted it crashed or ran out of memory")
        self._say(trial, stage)

    def _keep(self, trial: Trial, stage: Stage, found: Measurement) -> None:
        if found.error is not None or found.score is None:
            trial.fail(found.error or "it has no score")
            return
        trial.costs.note(stage.row_count, found.fit_s + found.answer_s, found.answer_s, found.store_s)
        if stage.is_sample:
            trial.sampled[stage.row_count] = found.score
            return
        early = self._early.setdefault(trial.number, {})
        early[stage.fold] = found
        while (next_one := early.pop(len(trial.scores), None)) is not None:
            if next_one.found is not None:
                self.answers.setdefault(trial.number, {})[len(trial.scores)] = next_one.found
            trial.scores.append(next_one.score)
            trial.fit_s.append(next_one.fit_s)

    def _forget(self) -> None:
        """Discard the answers of all candidates but possible members."""
        leading = [*self._board.ranking()[: 2 * MEMBER_LIMIT], *self._board.best_of_families()]
        kept = {one.number for one in leading}
        self.answers = {number: answers for number, answers in self.answers.items() if number in kept}

    def _say(self, trial: Trial, stage: Stage) -> None:
        what = f"{stage.row_count:,} rows of fold" if stage.is_sample else "fold"
        self._watch.step(f"{trial.estimator} (candidate {trial.number}), {what} {stage.fold + 1} of {trial.fold_count}")
