"""From training rows to a model: what is to be tuned is tuned, then it is fitted, then its threshold is found.

The same for all training rows and, in cross-validation, for each fold of them: so that what cross-validation measures
is all of it, the search included (nested cross-validation).
"""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.base import clone

from modelbus.shared.contracts.commands.tuning import Auto, Search
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.trainer.auto.auto_search import AutoSearch
from modelbus.trainer.fitting.cross_validation import fold_indices
from modelbus.trainer.fitting.fit_progress import ReportCallback
from modelbus.trainer.fitting.fold_fitting import FoldFitter
from modelbus.trainer.fitting.last_fit import on_all_cores
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.fitting.prepared_fit import PROBABILITIES, PreparedFit
from modelbus.trainer.rows.splitting import Split
from modelbus.trainer.tuning.leaderboard import Leaderboard
from modelbus.trainer.tuning.search import Choice, HyperparameterSearch, TuningRows
from modelbus.trainer.tuning.threshold_search import best_threshold
from modelbus.trainer.tuning.tuning_hooks import TuningHooks, TuningWatch

_TUNING_WEIGHT: Final = 20
"""How many fits' share of the progress a search gets."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """A model and how it came about."""

    model: FittedModel
    choice: Choice | None
    """What was found, where there was something to find."""
    threshold: dict[str, Any] | None
    fit_s: float
    """Seconds that its own fit took."""
    notes: list[str]
    """What should be known of how it came about."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of the job's progress, from 0 to 1."""

    begin: float
    end: float

    def within(self, *weights: float) -> Iterator["Stretch"]:
        """Stretches one after the other, each as long as its weight has it."""
        done, total = 0.0, sum(weights)
        for weight in weights:
            yield Stretch(self._at(done / total), self._at((done + weight) / total))
            done += weight

    def reporting(self, report: ReportCallback) -> ReportCallback:
        """Takes fractions of the stretch, and reports those of the job."""
        return lambda fraction, words: report(None if fraction is None else self._at(fraction), words)

    def _at(self, fraction: float) -> float:
        return self.begin + (self.end - self.begin) * fraction


class Trainer:
    """Learns from training rows as a plan says."""

    def __init__(
        self,
        frame: pd.DataFrame,
        plan: FitPlan,
        prepared: PreparedFit,
        work: FoldFitter,
        hooks: TuningHooks,
        report: ReportCallback,
    ) -> None:
        self._frame = frame
        self._plan = plan
        self._prepared = prepared
        self._work = work
        self._hooks = hooks
        self._report = report
        runs = 1 + (plan.cross_validation.folds if plan.cross_validation is not None else 0)
        budget_s = plan.tuning.time_budget_s if plan.tuning is not None else None
        self._budget_s = budget_s / runs if budget_s is not None else None

    def learn(self, split: Split, stretch: Stretch, *, is_fold: bool, prefix: str = "") -> Learnt:
        """Learn from a split's training rows.

        Args:
            split: Positions among the rows that can be learnt from.
            stretch: The fraction of the job that this is.
            is_part: In cross-validation, which tells no leaderboard.
            prefix: What to say before what is being done.

        Raises:
            InvalidCommand, EstimatorRejected, SignatureMismatch, JobOutOfMemory: It cannot be learnt.
        """
        plan = self._plan
        folds = plan.threshold.cross_validation.folds if plan.threshold is not None else 0
        tuning, own, apart = stretch.within(_TUNING_WEIGHT if plan.tuning is not None else 0, 1, folds)
        choice = self._tune(split, tuning, is_fold=is_fold, prefix=prefix) if plan.tuning is not None else None
        estimator = self._estimator(choice, is_fold=is_fold)
        unfitted = clone(estimator) if plan.threshold is not None else None
        started = time.perf_counter()
        notes: list[str] = []
        with on_all_cores(estimator) if isinstance(plan.tuning, Auto) else nullcontext():
            model = self._work.fit(estimator, split, begin=own.begin, end=own.end, what=f"{prefix}fitting", notes=notes)
        fit_s = time.perf_counter() - started
        if plan.threshold is None:
            return Learnt(model, choice, None, fit_s, notes)
        found = self._threshold(unfitted, split, apart, prefix, notes)
        signature = model.signature.model_copy(update={"threshold": found["value"]})
        return Learnt(replace(model, signature=signature), choice, found, fit_s, notes)

    def _estimator(self, choice: Choice | None, *, is_fold: bool) -> Any:
        """What is to be fitted, unfitted."""
        if choice is None:
            return clone(self._prepared.estimator) if is_fold else self._prepared.estimator
        estimator = self._prepared.make(choice.estimator, choice.hyperparameters)
        plan = self._plan
        if plan.threshold is not None and plan.calibration is None and not hasattr(estimator, PROBABILITIES):
            problem = (
                f"{choice.estimator} has no probabilities to set a threshold on: add calibration, which gives some"
            )
            raise InvalidCommand(problem, details=[{"where": "threshold", "problem": problem}])
        return estimator

    def _tune(self, split: Split, stretch: Stretch, *, is_fold: bool, prefix: str) -> Choice:
        tuning = self._plan.tuning
        rows = TuningRows(self._frame, self._plan, self._prepared, self._work, split)
        board = Leaderboard(rows.objective(), ranks_unfinished=isinstance(tuning, Auto))
        hooks = TuningHooks(self._hooks.is_stop_asked) if is_fold else self._hooks
        keeps_best = tuning is not None and tuning.keep_best_on_cancel
        watch = TuningWatch(
            board,
            hooks,
            stretch.reporting(self._report),
            budget_s=self._budget_s,
            keeps_best=keeps_best,
            prefix=prefix,
        )
        with watch.running():
            if isinstance(tuning, Search):
                return HyperparameterSearch(rows, tuning, board, watch).run()
            assert isinstance(tuning, Auto)  # there are these two
            return AutoSearch(rows, tuning, board, watch).run()

    def _threshold(
        self, estimator: Any, split: Split, stretch: Stretch, prefix: str, notes: list[str]
    ) -> dict[str, Any]:
        """Find the threshold on rows that the fits did not see, parted as the hold-out is: at random, by time or group.

        Raises:
            EstimatorRejected: Too few rows for so many folds, or all folds lack a class.
        """
        aim, values = self._plan.threshold, self._prepared.known.values
        assert aim is not None  # it is what asks for this
        folds = aim.cross_validation.folds
        truth, probabilities, left_out = [], [], []
        for number, fold in enumerate(self._folds(split, folds)):
            if len(np.unique(values[fold.train])) < 2 or not len(fold.hold_out):
                left_out.append(number + 1)
                continue
            what = f"{prefix}finding the threshold, fold {number + 1} of {folds}: fitting"
            begin, end = (stretch.begin + (stretch.end - stretch.begin) * (number + more) / folds for more in (0, 1))
            model = self._work.fit(clone(estimator), fold, begin=begin, end=end, what=what)
            truth.append(values[fold.hold_out])
            probabilities.append(self._work.probabilities(model, fold)[:, 1])
        found = np.concatenate([np.empty(0, dtype=np.int64), *truth])
        if len(np.unique(found)) < 2:
            raise EstimatorRejected(f"a threshold cannot be found in {folds} folds: one of them lacks a class")
        if left_out:
            named = ", ".join(map(str, left_out))
            notes.append(f"threshold: fold {named} of {folds} was left out, as it lacks rows, or a class to fit on")
        return best_threshold(found, np.concatenate(probabilities), aim)

    def _folds(self, split: Split, folds: int) -> Iterator[Split]:
        """The training rows in folds, as positions among all rows."""
        plan, prepared = self._plan, self._prepared
        indices = fold_indices(
            prepared.known.values[split.train],
            folds,
            True,
            is_ordered=plan.time_schema is not None,
            seed=plan.seed,
            groups=prepared.groups[split.train] if prepared.groups is not None else None,
        )
        for fitted, apart in indices:
            yield Split(split.train[fitted], split.train[apart])
