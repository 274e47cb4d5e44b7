"""Fitting and measuring on a split of a table's rows: the whole training set, or a fold of it in cross-validation."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import Signature
from modelbus.shared.plural import counted
from modelbus.shared.tabular.metrics.measured import Metrics
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.fitting.calibrating import FoldIndices, calibrated, calibration_folds, forget_folds
from modelbus.trainer.fitting.estimator_fitting import fit_rows
from modelbus.trainer.fitting.fit_progress import FitReporter, ReportCallback
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.fitting.prepared_fit import PreparedFit
from modelbus.trainer.rows.splitting import Split
from modelbus.trainer.rows.weighting import Weights, require_weighable, weigh_classes


class FoldFitter:
    """Fits and measures models on splits of the rows."""

    def __init__(self, frame: pd.DataFrame, plan: FitPlan, prepared: PreparedFit, report: ReportCallback) -> None:
        self._frame = frame
        self._plan = plan
        self._prepared = prepared
        self._report = report

    def fit(
        self,
        estimator: Any,
        split: Split,
        *,
        begin: float,
        end: float,
        activity: str,
        notes: list[str] | None = None,
    ) -> FittedModel:
        """Fit on a split's training rows, with calibration if the plan has one.

        Args:
            estimator: Unfitted.
            split: Positions among the rows that can be learnt from.
            begin: The fraction of the job that is done before.
            end: The fraction that is done after.
            activity: The activity, for people, such as ``fitting``.
            notes: Collects warnings about the fit.

        Raises:
            EstimatorRejected, SignatureMismatch, JobOutOfMemory: As ``fit_rows``.
        """
        plan, known = self._plan, self._prepared.known
        target = known.values[split.train]
        weights = self.weigh(estimator, split)
        sentence = f"{activity} {type(estimator).__name__} on {counted(len(split.train), 'row')}"
        fitted = calibrated(estimator, plan.calibration, self._calibration_folds(split, notes))
        with FitReporter(self._report, sentence, begin, end).running() as on_step:
            encoder = fit_rows(
                fitted,
                self._frame.iloc[known.rows[split.train]],
                target if plan.target is not None else None,
                plan.columns,
                task=self._prepared.task,
                seed=plan.seed,
                weights=weights,
                on_step=on_step,
            )
        forget_folds(fitted, plan.calibration)
        return FittedModel(encoder, fitted, self.signature)

    def _calibration_folds(self, split: Split, notes: list[str] | None) -> FoldIndices | None:
        plan, prepared = self._plan, self._prepared
        if plan.calibration is None:
            return None
        found, warnings = calibration_folds(
            prepared.known.values[split.train],
            plan.calibration,
            is_ordered=plan.time_schema is not None,
            groups=prepared.groups[split.train] if prepared.groups is not None else None,
            seed=plan.seed,
        )
        if notes is not None:
            notes += warnings
        return found

    @property
    def signature(self) -> Signature:
        """The signature of the models."""
        plan, prepared = self._plan, self._prepared
        return Signature(
            columns=plan.columns,
            target=plan.target,
            target_column=plan.target_column,
            task=prepared.task,
            classes=prepared.classes,
        )

    def weigh(self, estimator: Any, split: Split) -> Weights | None:
        """The weight of each of a split's training rows, shape (n_rows,); None if all are equal.

        Args:
            estimator: Unfitted; the plan's class weights are set on it if it has such a hyperparameter.
            split: Positions among the rows that can be learnt from.

        Raises:
            InvalidCommand: The plan has weights, and the estimator does not accept any.
        """
        require_weighable(estimator, self._plan.sample_weight)
        known, weights = self._prepared.known, self._prepared.weights
        of_rows = weights[split.train] if weights is not None else None
        return weigh_classes(estimator, self._plan.class_weight, known.classes, known.values[split.train], of_rows)

    def measure(self, model: FittedModel, split: Split) -> Metrics:
        """Measure a model on a split's held-out rows."""
        return score(model, self._held_out(split)).metrics

    def probabilities(self, model: FittedModel, split: Split) -> npt.NDArray[np.float64]:
        """The probability of each class for a split's held-out rows, shape (n_rows, n_classes)."""
        matrix, _ = model.encoder.transform(self._held_out(split))
        _, found = model.answers(matrix, has_probabilities=True)
        assert found is not None  # requested above
        return found

    def _held_out(self, split: Split) -> pd.DataFrame:
        return self._frame.iloc[self._prepared.known.rows[split.hold_out]]
