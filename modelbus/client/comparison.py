"""Evaluations side by side."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from modelbus.client.frames import frame_of_columns
from modelbus.client.shown.html_parts import panel, table
from modelbus.client.typed_answers import Result
from modelbus.shared.contracts import Task

if TYPE_CHECKING:
    import pandas as pd


class ComparedEvaluation(Result):
    """One of the evaluations."""

    id: str
    model: str | None
    """None for an evaluation of predictions in a dataset."""
    version: int | None
    dataset: str
    task: Task
    row_count: int | None
    dropped_row_count: int | None = None
    positive_class: Any = None
    created_at: datetime


class ComparedMetric(Result):
    """One metric of all evaluations."""

    metric: str
    is_higher_better: bool | None
    """None where neither direction is better."""
    values: list[float | None]
    """In the order of the evaluations."""
    differences: list[float | None]
    """The differences to the first evaluation."""
    best: list[str]
    """The ids of the best evaluations."""


class Comparison(Result):
    """Evaluations side by side."""

    evaluations: list[ComparedEvaluation]
    metrics: list[ComparedMetric]
    warnings: list[str]
    """Reasons to doubt the comparison."""

    def _repr_html_(self) -> str:
        ids = [evaluation.id for evaluation in self.evaluations]
        facts = {one.id: one.dataset if one.model is None else f"{one.model}@{one.version}" for one in self.evaluations}
        rows = [[metric.metric, *metric.values] for metric in self.metrics]
        bold = [
            (number, place + 1)
            for number, metric in enumerate(self.metrics)
            for place, name in enumerate(ids)
            if name in metric.best
        ]
        return panel("comparison", facts, table(("metric", *ids), rows, bold=bold), notes=self.warnings)

    def to_frame(self) -> "pd.DataFrame":
        """One row per metric, one column per evaluation id."""
        ids = [evaluation.id for evaluation in self.evaluations]
        rows = [metric.values for metric in self.metrics]
        columns = {name: [row[place] for row in rows] for place, name in enumerate(ids)}
        return frame_of_columns(columns, [metric.metric for metric in self.metrics], "metric")
