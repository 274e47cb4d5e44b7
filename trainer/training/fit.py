"""Fit an estimator on a table and measure it on held-out rows. Pure maths: frames and plans in, values out."""

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

_CUT_SHORT = "cross-validation was cut short, because the job was cancelled and was to keep the best"


@dataclass(frozen=True, eq=False)
class FitOutcome:
    """A model and how it came about."""

    model: FittedModel
    """Fitted on the training part alone, so that the metrics are of this very model and of no sibling."""
    metrics: Metrics
    """On the held-out rows."""
    cross_validation: dict[str, Any] | None
    """What ``cross_validate`` answered, if it was asked for."""
    row_count: int
    """Rows that the model was fitted on."""
    fit_s: float
    """Seconds that encoder and estimator took to fit."""
    warnings: list[str]
    """What the fit warned of, each sentence once."""
    train_indices: RowIndices
    """Positions in the frame of the rows that were trained on, shape (row_count,); empty where they were streamed."""
    hold_out_indices: RowIndices
    """Positions in the frame of the rows that were held out; none where another dataset is measured on, or where
    they were streamed."""
    hold_out: pd.DataFrame
    """The rows that were measured on, with their target."""
    measured_indices: RowIndices
    """Where these stand in the table that they were taken from, this one or another, shape (n_measured,)."""
    held_out: HeldOutRows
    """How they were held out."""
    choice: Choice | None = None
    """What was found, where there was something to find."""
    threshold: dict[str, Any] | None = None
    """How the threshold was found, where there is one."""


def fit_model(
    frame: pd.DataFrame,
    plan: FitPlan,
    *,
    hold_out_frame: pd.DataFrame | None = None,
    report: ReportCallback = lambda _fraction, _message: None,
    hooks: TuningHooks = TuningHooks(),  # noqa: B008 - frozen
) -> FitOutcome:
    """Fit an estimator and measure it.

    Rows without a target are left out, with a warning. The rest is split; encoder and estimator see the training part
    only, and so does a search. The same arguments give a model with the same predictions to the last bit, as long as
    no time budget ends a search.

    Args:
        frame: The dataset's rows, with the columns that the plan needs.
        plan: What is to be fitted, and how.
        hold_out_frame: The rows of the dataset to measure on, where the plan names one.
        report: Takes how far the work is; may be called by another thread.
        hooks: What a search tells, and when it is to stop.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: Hyperparameters, task, columns, weights or target cannot be what the plan says.
        EstimatorRejected: The data cannot be learnt from, or the estimator refused it, in its own words.
        JobOutOfMemory: The fit needs more memory than there is.
    """
    require_columns(plan, frame.columns)
    with gathered_warnings() as notes:
        prepared = prepare(frame, plan)
        known, split = prepared.known, prepared.split
        notes.extend(known.notes)
        work = FoldFitter(frame, plan, prepared, report)
        learning = Trainer(frame, plan, prepared, work, hooks, report)
        folds = plan.cross_validation.folds if plan.cross_validation is not None else 0
        own, apart = Stretch(0, MEASURING_FRACTION).within(1, folds)
        learnt = learning.learn(split, own, is_fold=False)
        notes.extend(learnt.choice.warnings if learnt.choice is not None else [])
        validated = None
        if plan.cross_validation is not None:
            validated = _cross_validated(learning, work, plan, prepared, apart, hooks)
            notes.extend(fold_notes(validated) if validated else [_CUT_SHORT])
        notes.extend(learnt.notes)
        held_out, told = describe_hold_out(prepared, len(hold_out_frame) if hold_out_frame is not None else 0)
        notes.extend(told)
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
    """Cross-validation is not to go on."""


def _cross_validated(
    learning: Trainer,
    work: FoldFitter,
    plan: FitPlan,
    prepared: PreparedFit,
    stretch: Stretch,
    hooks: TuningHooks,
) -> dict[str, Any] | None:
    """What ``cross_validate`` answers; None where the job is to end early."""
    assert plan.cross_validation is not None  # it is what asks for this
    folds = plan.cross_validation.folds
    stretches = list(stretch.within(*[1.0] * folds))

    def measure(of_fold: Split, fold: int) -> Metrics:
        _require_time(plan, hooks)
        prefix = f"cross-validating, fold {fold + 1} of {folds}: "
        learnt = learning.learn(of_fold, stretches[fold], is_fold=True, prefix=prefix)
        _require_time(plan, hooks)  # else it would be measured what a search found in no time
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
