"""Learns a model from training rows: the search first, then the fit, then the threshold.

In cross-validation, all of this is repeated for each fold, including the search (nested cross-validation).
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
from modelbus.shared.plural import agreeing
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
"""The weight of a search in the progress, in fits."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """A model and how it was fitted."""

    model: FittedModel
    choice: Choice | None
    """The result of the search or the automatic choice, if there was one."""
    threshold: dict[str, Any] | None
    fit_s: float
    """Seconds that its own fit took, without the search."""
    notes: list[str]
    """Warnings."""


@dataclass(frozen=True)
class Stretch:
    """An interval of the job's progress, within 0 to 1."""

    begin: float
    end: float

    def within(self, *weights: float) -> Iterator["Stretch"]:
        """Divide it into consecutive intervals, proportional to the weights."""
        done, total = 0.0, sum(weights)
        for weight in weights:
            yield Stretch(self._at(done / total), self._at((done + weight) / total))
            done += weight

    def reporting(self, report: ReportCallback) -> ReportCallback:
        """A callback that takes fractions of the interval and reports fractions of the job."""
        return lambda fraction, words: report(None if fraction is None else self._at(fraction), words)

    def _at(self, fraction: float) -> float:
        return self.begin + (self.end - self.begin) * fraction


class Trainer:
    """Learns models from training rows, according to a plan."""

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
            stretch: The interval of the job's progress.
            is_fold: Whether this is a fold of cross-validation, whose leaderboard is not published.
            prefix: Text before the activity in progress messages.

        Raises:
            InvalidCommand, EstimatorRejected, SignatureMismatch, JobOutOfMemory: The rows cannot be learnt from.
        """
        plan = self._plan
        folds = plan.threshold.cross_validation.folds if plan.threshold is not None else 0
        tuning, own, thresholding = stretch.within(_TUNING_WEIGHT if plan.tuning is not None else 0, 1, folds)
        choice = self._tune(split, tuning, is_fold=is_fold, prefix=prefix) if plan.tuning is not None else None
        estimator = self._estimator(choice, is_fold=is_fold)
        unfitted = clone(estimator) if plan.threshold is not None else None
        started = time.perf_counter()
        notes: list[str] = []
        with on_all_cores(estimator) if isinstance(plan.tuning, Auto) else nullcontext():
            model = self._work.fit(
                estimator, split, begin=own.begin, end=own.end, activity=f"{prefix}fitting", notes=notes
            )
        fit_s = time.perf_counter() - started
        if plan.threshold is None:
            return Learnt(model, choice, None, fit_s, notes)
        found = self._threshold(unfitted, split, thresholding, prefix, notes)
        signature = model.signature.model_copy(update={"threshold": found["value"]})
        return Learnt(replace(model, signature=signature), choice, found, fit_s, notes)

    def _estimator(self, choice: Choice | None, *, is_fold: bool) -> Any:
        """The estimator to fit, unfitted."""
        if choice is None:
            return clone(self._prepared.estimator) if is_fold else self._prepared.estimator
        estimator = self._prepared.make(choice.estimator, choice.hyperparameters)
        plan = self._plan
        if plan.threshold is not None and plan.calibration is None and not hasattr(estimator, PROBABILITIES):
            problem = f"a threshold needs probabilities, which {choice.estimator} does not have: add calibration"
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
            assert isinstance(tuning, Auto)  # the only other kind
            return AutoSearch(rows, tuning, board, watch).run()

    def _threshold(
        self, estimator: Any, split: Split, stretch: Stretch, prefix: str, notes: list[str]
    ) -> dict[str, Any]:
        """Find the threshold on rows that the fits did not see, split like the hold-out: at random, by time or by
        group.

        Raises:
            EstimatorRejected: There are too few rows for this number of folds, or all folds lack a class.
        """
        aim, values = self._plan.threshold, self._prepared.known.values
        assert aim is not None  # checked by the caller
        folds = aim.cross_validation.folds
        truth, probabilities, skipped = [], [], []
        for number, fold in enumerate(self._folds(split, folds)):
            if len(np.unique(values[fold.train])) < 2 or not len(fold.hold_out):
                skipped.append(number + 1)
                continue
            activity = f"{prefix}finding the threshold, fold {number + 1} of {folds}: fitting"
            begin, end = (stretch.begin + (stretch.end - stretch.begin) * (number + more) / folds for more in (0, 1))
            model = self._work.fit(clone(estimator), fold, begin=begin, end=end, activity=activity)
            truth.append(values[fold.hold_out])
            probabilities.append(self._work.probabilities(model, fold)[:, 1])
        found = np.concatenate([np.empty(0, dtype=np.int64), *truth])
        if len(np.unique(found)) < 2:
            raise EstimatorRejected(f"a threshold cannot be found in {folds} folds: the folds lack a class")
        if skipped:
            named = f"{agreeing(len(skipped), 'fold', 'folds')} {', '.join(map(str, skipped))}"
            were = agreeing(len(skipped), "was", "were")
            notes.append(f"threshold: {named} of {folds} {were} skipped for lack of rows or of a class to fit on")
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
        for fitted, held_out in indices:
            yield Split(split.train[fitted], split.train[held_out])
