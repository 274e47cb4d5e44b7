"""The learning curve of a training: the model's quality by the number of training rows. Pure maths."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from modelbus.shared.contracts import HoldOut
from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.plural import counted
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
    """The measurement of a model that was fitted on some of the training rows."""

    row_count: int
    fit_s: float
    """Seconds that the fit took."""
    training_metrics: Metrics
    """Metrics on the rows that it was fitted on."""
    metrics: Metrics
    """Metrics on the hold-out, which is the same for all points."""


def measure_learning_curve(
    frame: pd.DataFrame,
    plan: FitPlan,
    fractions: Sequence[float],
    *,
    hold_out_frame: pd.DataFrame | None = None,
    report: Progress = lambda _fraction, _message: None,
) -> list[LearningPoint]:
    """Fit on increasing numbers of training rows, and measure each model on all held-out rows.

    The rows of a point are a subset of those of the next one. With a random hold-out, they are the first in a random
    order; with a hold-out by time, the latest training rows; with a hold-out by group, the first groups in a random
    order, as many as come nearest to the fraction.

    Args:
        frame: The dataset's rows, with the columns that the plan needs.
        plan: The plan of the training.
        fractions: Fractions of the training rows, ascending.
        hold_out_frame: The rows of the hold-out dataset, if the plan names one.
        report: Takes the progress.

    Raises:
        InvalidCommand, EstimatorRejected: The training cannot be repeated.
    """
    with gathered_warnings():
        prepared = prepare(frame, plan)
    train = prepared.known.rows[prepared.split.train]
    if hold_out_frame is None:
        hold_out_frame = frame.iloc[prepared.known.rows[prepared.split.hold_out]]
    # All rows of a point are fitted on, because the hold-out is excluded already. They stay in chronological order.
    whole = replace(plan, hold_out=HoldOut(dataset="hold_out"), cross_validation=None)
    groups = read_groups(frame, plan.group_column, train)
    points = []
    for number, fraction in enumerate(fractions):
        rows = _first(train, groups, fraction, plan)
        report(number / len(fractions), f"fitting on {len(rows):,} of {counted(len(train), 'row')}")
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
        # Rows of every group would leak information about all groups, and few rows would look better than they are.
        order = random.permutation(int(groups.max()) + 1)
        reached = np.cumsum(np.bincount(groups)[order])
        first = order[: int(np.argmin(np.abs(reached - count))) + 1]
        return train[np.isin(groups, first)]
    chosen = random.permutation(len(train))[:count]
    # In the order of the training itself, on which the encoder's folds depend: all rows give the same model.
    return train[np.sort(chosen)]


def _fitted(part: pd.DataFrame, plan: FitPlan, hold_out: pd.DataFrame, train_count: int) -> FitOutcome:
    try:
        return fit_model(part, plan, hold_out_frame=hold_out)
    except EstimatorRejected as error:
        problem = f"with {len(part):,} of {counted(train_count, 'row')}: {error.message}"
        raise EstimatorRejected(problem, details=error.details) from error
