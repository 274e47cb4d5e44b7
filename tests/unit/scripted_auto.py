"""`auto` on a clock of the tests: fits take the seconds and show the scores that a test says."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.contracts.commands.tuning import Auto
from modelbus.trainer.auto.auto_search import AutoSearch
from modelbus.trainer.auto.auto_time import Stage
from modelbus.trainer.auto.fit_pool import Finished, FitTask
from modelbus.trainer.fitting.fold_fitting import FoldFitter
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.training.preparing import prepare
from modelbus.trainer.tuning.candidate_measuring import HeldOutAnswers, Measurement
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.search import Choice, TuningRows
from modelbus.trainer.tuning.tuning_hooks import TuningHooks, TuningWatch

Say = Callable[[Trial, Stage], float]


def numbers_frame(row_count: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(row_count, 3)), columns=list("abc"))
    return frame.assign(y=frame["a"] + random.normal(0, 0.1, row_count))


class ScriptedPool:
    """Runs tasks one after the other, on the clock of the test."""

    def __init__(self, seconds: Say, scores: Say) -> None:
        self.now = 0.0
        self.begun: list[tuple[str, int]] = []
        self.killed: list[tuple[str, int]] = []
        self.limits: list[tuple[str, float]] = []
        self.answered: Callable[[Stage], Any] = lambda _stage: np.zeros(1)
        self._seconds = seconds
        self._scores = scores

    def run(self, tasks: Iterable[FitTask], is_over: Callable[[], bool]) -> Iterator[Finished]:
        for task in tasks:
            trial, stage = task.subject
            needed_s = self._seconds(trial, stage)
            self.limits.append((trial.estimator, task.limit_s))
            self.begun.append((trial.estimator, stage.row_count))
            self.now += min(needed_s, task.limit_s)
            if needed_s > task.limit_s:
                self.killed.append((trial.estimator, stage.row_count))
                yield Finished(task.subject, "overran", None, task.limit_s)
            else:
                found = HeldOutAnswers(self.answered(stage), None)
                answer = Measurement(self._scores(trial, stage), None, found, fit_s=needed_s)
                yield Finished(task.subject, "done", answer, needed_s)
            if is_over():
                return


class ScriptedAuto:
    """One choice."""

    def __init__(self, row_count: int, seconds: Say, scores: Say, *, budget_s: float, **fields: Any) -> None:
        frame = numbers_frame(row_count)
        auto = Auto(time_budget_s=budget_s, has_ensemble=False, **fields)
        column = ColumnSchema(name="y", type="real", missing=0, distinct=9)
        features = [column.model_copy(update={"name": name}) for name in "abc"]
        plan = FitPlan("y", features, column, "auto", task="regression", tuning=auto, seed=1)
        prepared = prepare(frame, plan)
        work = FoldFitter(frame, plan, prepared, lambda *_: None)
        rows = TuningRows(frame, plan, prepared, work, prepared.split)
        self.pool = ScriptedPool(seconds, scores)
        self.seconds = seconds
        self.row_count = len(prepared.split.train)
        self.board = Leaderboard(rows.objective(), ranks_unfinished=True)
        watch = TuningWatch(
            self.board,
            TuningHooks(),
            lambda *_: None,
            budget_s=budget_s,
            keeps_best=False,
            clock=lambda: self.pool.now,
        )
        self.rows = rows
        self.choosing = AutoSearch(rows, auto, self.board, watch, self.pool)

    def run(self) -> Choice:
        return self.choosing.run()

    def total_s(self, choice: Choice) -> float:
        """Seconds from the beginning to the fitted model."""
        best = next(one for one in self.board.trials if one.number == choice.number)
        is_baseline = choice.estimator == "DummyRegressor"
        return self.pool.now + (0.0 if is_baseline else self.seconds(best, Stage(0, self.row_count)))
