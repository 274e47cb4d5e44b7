"""Fits an estimator on a table and measures it on held-out rows. Pure maths: frames and plans in, values out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.contracts.records.model_records import HeldOutRows
from modelbus.shared.tabular.metrics.measured import Metrics
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.fitting.cross_validation import cross_validate, fold_notes
from modelbus.trainer.fitting.fit_progress import MEASURING_FRACTION, ReportCallback
from modelbus.trainer.fitting.fit_warnings import gathered_warnings
from modelbus.trainer.fitting.fold_fitting import FoldFitter
from modelbus.trainer.fitting.held_out import describe_hold_out
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.fitting.plan_checks import require_columns
from modelbus.trainer.fitting.prepared_fit import PreparedFit
from modelbus.trainer.rows.data_notes import notes_on
from modelbus.trainer.rows.splitting import RowIndices, Split
from modelbus.trainer.training.learning import Stretch, Trainer
from modelbus.trainer.training.preparing import prepare
from modelbus.trainer.tuning.search import Choice
from modelbus.trainer.tuning.tuning_hooks import TuningHooks

_CUT_SHORT = "cross-validation was not completed, because the job was cancelled with keep_best_on_cancel"


@dataclass(frozen=True, eq=False)
class FitOutcome:
    """A model and how it was fitted."""

    model: FittedModel
    """Fitted on the training rows only, so that the metrics describe this very model."""
    metrics: Metrics
    """On the held-out rows."""
    cross_validation: dict[str, Any] | None
    """The result of ``cross_validate``, if the plan has cross-validation."""
    row_count: int
    """The number of training rows."""
    fit_s: float
    """Seconds that encoder and estimator took to fit."""
    warnings: list[str]
    """The warnings of the fit, each once."""
    train_indices: RowIndices
    """Positions of the training rows in the frame, shape (row_count,); empty if they were streamed."""
    hold_out_indices: RowIndices
    """Positions of the held-out rows in the frame; empty if the model is measured on another dataset, or if rows were
    streamed."""
    hold_out: pd.DataFrame
    """The rows that the model was measured on, with their target."""
    measured_indices: RowIndices
    """Positions of these rows in their own table, shape (n_measured,)."""
    held_out: HeldOutRows
    """How they were held out."""
    choice: Choice | None = None
    """The result of the search or the automatic choice, if there was one."""
    threshold: dict[str, Any] | None = None
    """The threshold and how it was found, if the plan has one."""


def fit_model(
    frame: pd.DataFrame,
    plan: FitPlan,
    *,
    hold_out_frame: pd.DataFrame | None = None,
    report: ReportCallback = lambda _fraction, _message: None,
    hooks: TuningHooks = TuningHooks(),  # noqa: B008 - frozen
) -> FitOutcome:
    """Fit an estimator and measure it.

    Rows without a target are excluded, with a warning. The rest is split; encoder, estimator and search see only the
    training rows. The same arguments give a model with identical predictions, to the last bit, unless a time budget
    ends a search.

    Args:
        frame: The dataset's rows, with the columns that the plan needs.
        plan: The plan of the fit.
        hold_out_frame: The rows of the hold-out dataset, if the plan names one.
        report: Takes the progress; may be called from another thread.
        hooks: The callbacks of a search.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: Hyperparameters, task, columns, weights or target are invalid for this dataset.
        EstimatorRejected: The data cannot be learnt from, or the estimator rejected it.
        JobOutOfMemory: The fit needs more memory than the job may use.
    """
    require_columns(plan, frame.columns)
    with gathered_warnings() as notes:
        prepared = prepare(frame, plan)
        known, split = prepared.known, prepared.split
        notes.extend(known.notes)
        work = FoldFitter(frame, plan, prepared, report)
        learning = Trainer(frame, plan, prepared, work, hooks, report)
        folds = plan.cross_validation.folds if plan.cross_validation is not None else 0
        own, validating = Stretch(0, MEASURING_FRACTION).within(1, folds)
        learnt = learning.learn(split, own, is_fold=False)
        notes.extend(learnt.choice.warnings if learnt.choice is not None else [])
        validated = None
        if plan.cross_validation is not None:
            validated = _cross_validated(learning, work, plan, prepared, validating, hooks)
            notes.extend(fold_notes(validated) if validated else [_CUT_SHORT])
        notes.extend(learnt.notes)
        held_out, warnings = describe_hold_out(prepared, len(hold_out_frame) if hold_out_frame is not None else 0)
        notes.extend(warnings)
        train_rows, hold_out_rows = known.rows[split.train], known.rows[split.hold_out]
        notes.extend(notes_on(frame, plan.columns, plan.target, known, split.train, plan.alerts))
        report(MEASURING_FRACTION, "measuring")
        model = learnt.model
        if hold_out_frame is None:
            metrics = work.measure(model, split)
        else:
            scores = score(model, hold_out_frame)
            metrics = scores.metrics
            notes.extend(scores.warnings)
    return FitOutcome(
        model,
        metrics,
        validated,
        len(train_rows),
        learnt.fit_s,
        list(notes),
        train_rows,
        hold_out_rows,
        frame.iloc[hold_out_rows] if hold_out_frame is None else hold_out_frame,
        hold_out_rows if hold_out_frame is None else np.arange(len(hold_out_frame), dtype=np.int64),
        held_out,
        learnt.choice,
        learnt.threshold,
    )


class _CutShortError(Exception):
    """Cross-validation has to end early."""


def _cross_validated(
    learning: Trainer,
    work: FoldFitter,
    plan: FitPlan,
    prepared: PreparedFit,
    stretch: Stretch,
    hooks: TuningHooks,
) -> dict[str, Any] | None:
    """The result of ``cross_validate``; None if the job ends early."""
    assert plan.cross_validation is not None  # checked by the caller
    folds = plan.cross_validation.folds
    stretches = list(stretch.within(*[1.0] * folds))

    def measure(of_fold: Split, fold: int) -> Metrics:
        _require_time(plan, hooks)
        prefix = f"cross-validating, fold {fold + 1} of {folds}: "
        learnt = learning.learn(of_fold, stretches[fold], is_fold=True, prefix=prefix)
        _require_time(plan, hooks)  # a search that was stopped at once has no meaningful result
        return work.measure(learnt.model, of_fold)

    try:
        return cross_validate(
            prepared.split,
            prepared.known.values,
            measure,
            folds=folds,
            classes=prepared.classes if prepared.task == "classification" else None,
            is_ordered=plan.time_schema is not None,
            seed=plan.seed,
            groups=prepared.groups,
        )
    except _CutShortError:
        return None


def _require_time(plan: FitPlan, hooks: TuningHooks) -> None:
    if plan.tuning is not None and hooks.is_stop_asked():
        raise _CutShortError
