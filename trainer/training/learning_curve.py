"""The learning curve of a training: how good the model becomes with fewer rows. Pure maths: no bus, no store."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from modelbus.shared.contracts import HoldOut
from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.tabular.metrics.measured import Metrics
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.fitting.fit_warnings import gathered_warnings
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.splitting import Groups, RowIndices, read_groups
from modelbus.trainer.training.fit import FitOutcome, fit_model
from modelbus.trainer.training.preparing import prepare

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class LearningPoint:
    """A model that was fitted on some of the training rows."""

    row_count: int
    fit_s: float
    """Seconds that the fit took."""
    training_metrics: Metrics
    """On the rows that it was fitted on."""
    metrics: Metrics
    """On the hold-out, the same for all points."""


def measure_learning_curve(
    frame: pd.DataFrame,
    plan: FitPlan,
    fractions: Sequence[float],
    *,
    hold_out_frame: pd.DataFrame | None = None,
    report: Progress = lambda _fraction, _message: None,
) -> list[LearningPoint]:
    """Fit on ever more of the training rows, and measure each model on all held-out rows.

    The rows of a point are among those of the next one: the first of a random order; where the hold-out is the latest
    rows, the latest of the others; where it is whole groups, the first groups of a random order, as many as come
    nearest to the fraction.

    Args:
        frame: The dataset's rows, with the columns that the plan needs.
        plan: The training.
        fractions: Of the training rows, rising.
        hold_out_frame: The rows of the dataset to measure on, where the plan names one.
        report: Takes how far the work is.

    Raises:
        InvalidCommand, EstimatorRejected: The training cannot be repeated.
    """
    with gathered_warnings():
        prepared = prepare(frame, plan)
    train = prepared.known.rows[prepared.split.train]
    if hold_out_frame is None:
        hold_out_frame = frame.iloc[prepared.known.rows[prepared.split.hold_out]]
    # All rows that a point is given are fitted on: what is held out is apart already. They keep their order of time.
    whole = replace(plan, hold_out=HoldOut(dataset="apart"), cross_validation=None)
    groups = read_groups(frame, plan.group_column, train)
    points = []
    for number, fraction in enumerate(fractions):
        rows = _first(train, groups, fraction, plan)
        report(number / len(fractions), f"fitting on {len(rows)} of {len(train)} rows")
        part = frame.iloc[rows]
        outcome = _fitted(part, whole, hold_out_frame, len(train))
        measured = score(outcome.model, part).metrics
        points.append(LearningPoint(outcome.row_count, outcome.fit_s, measured, outcome.metrics))
    return points


def _first(train: RowIndices, groups: Groups | None, fraction: float, plan: FitPlan) -> RowIndices:
    count = max(1, math.floor(fraction * len(train) + 0.5))
    if plan.time_schema is not None:
        return train[len(train) - count :]
    random = np.random.default_rng(plan.seed)
    if groups is not None:
        # Some rows of every group would tell the model of all of them: few rows would look better than they are.
        order = random.permutation(int(groups.max()) + 1)
        reached = np.cumsum(np.bincount(groups)[order])
        first = order[: int(np.argmin(np.abs(reached - count))) + 1]
        return train[np.isin(groups, first)]
    chosen = random.permutation(len(train))[:count]
    # In the order of the training itself, which the encoder's folds depend on: all rows give the very same model.
    return train[np.sort(chosen)]


def _fitted(part: pd.DataFrame, plan: FitPlan, hold_out: pd.DataFrame, train_count: int) -> FitOutcome:
    try:
        return fit_model(part, plan, hold_out_frame=hold_out)
    except EstimatorRejected as error:
        problem = f"with {len(part)} of {train_count} rows: {error.message}"
        raise EstimatorRejected(problem, details=error.details) from error
