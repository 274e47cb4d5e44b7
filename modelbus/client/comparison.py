"""Evaluations side by side, as the gateway answers them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from modelbus.client.frames import frame_of_columns
from modelbus.client.typed_answers import Result
from modelbus.shared.contracts import Task

if TYPE_CHECKING:
    import pandas as pd


class ComparedEvaluation(Result):
    """What one of them is of."""

    id: str
    model: str | None
    """None where predictions were measured that a dataset holds."""
    version: int | None
    dataset: str
    task: Task
    row_count: int | None
    dropped_row_count: int | None = None
    positive_class: Any = None
    created_at: datetime


class ComparedMetric(Result):
    """One metric of all of them."""

    metric: str
    is_higher_better: bool | None
    """None where neither more nor less is better."""
    values: list[float | None]
    """In the order of the evaluations."""
    differences: list[float | None]
    """To the first one's."""
    best: list[str]
    """The ids of the best."""


class Comparison(Result):
    """Evaluations side by side."""

    evaluations: list[ComparedEvaluation]
    metrics: list[ComparedMetric]
    warnings: list[str]
    """What makes the comparison doubtful."""

    def to_frame(self) -> "pd.DataFrame":
        """One row a metric, one column an evaluation, named by its id."""
        ids = [evaluation.id for evaluation in self.evaluations]
        rows = [metric.values for metric in self.metrics]
        columns = {name: [row[place] for row in rows] for place, name in enumerate(ids)}
        return frame_of_columns(columns, [metric.metric for metric in self.metrics], "metric")
