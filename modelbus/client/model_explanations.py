"""Explanations, learning curves and drift reports, with their tables."""

from typing import TYPE_CHECKING, Any, Final

from pydantic import PrivateAttr

from modelbus.client.frames import frame_of_columns
from modelbus.client.shown.short_texts import Shown
from modelbus.shared.contracts.records.explanation_results import (
    DependenceResult,
    DriftFinding,
    DriftResult,
    ImportanceResult,
    LearningResult,
    ModelExplanationResult,
    PredictionExplanationResult,
)

if TYPE_CHECKING:
    import pandas as pd

_STATISTICS: Final = ("psi", "kolmogorov_smirnov", "jensen_shannon", "missing_rate", "unseen_rate")
_CONTRIBUTION_COLUMNS: Final = (
    *("row", "prediction", "output", "base_value", "value"),
    *("column", "given", "contribution", "standard_error"),
)


class Importance(Shown, ImportanceResult):
    """The importance of the columns, most important first."""

    def to_frame(self) -> "pd.DataFrame":
        """One row per column: ``mean`` and ``standard_deviation`` of the loss in the metric."""
        names = ("mean", "standard_deviation")
        table = {name: [getattr(one, name) for one in self.columns] for name in names}
        return frame_of_columns(table, [one.column for one in self.columns], "column")


class Dependence(Shown, DependenceResult):
    """The partial dependence on a column."""

    def to_frame(self) -> "pd.DataFrame":
        """One row per value of the column, one column per output; a last row for missing values, if there are any."""
        has_missing = any(curve.missing is not None for curve in self.curves)
        index = [*self.x, *([None] if has_missing else [])]
        table = {curve.name: [*curve.y, *([curve.missing] if has_missing else [])] for curve in self.curves}
        return frame_of_columns(table, index, self.column)


class ModelExplanation(Shown, ModelExplanationResult):
    """The importance of a model's columns, and their partial dependence."""

    importance: Importance | None
    partial_dependence: list[Dependence] | None  # type: ignore[assignment]  # frozen, so it is never assigned to


class PredictionExplanation(Shown, PredictionExplanationResult):
    """The contribution of each column to the predictions for some rows."""

    _index: Any = PrivateAttr(None)

    def with_index(self, index: Any) -> "PredictionExplanation":
        """The same explanation, with the index of the frame that was passed in."""
        same = self.model_copy()
        same._index = index
        return same

    def to_frame(self) -> "pd.DataFrame":
        """One row per row, output and column: ``given``, ``contribution``, ``standard_error``.

        ``base_value`` and all contributions of a row and an output sum to ``value``. ``row`` is the row's label in the
        frame that was passed in, else its number.
        """
        labels = range(len(self.rows)) if self._index is None else self._index
        table: dict[str, list[Any]] = {name: [] for name in _CONTRIBUTION_COLUMNS}
        for label, row in zip(labels, self.rows, strict=True):
            for output in row.explanations:
                for one in output.columns:
                    head = (label, row.prediction, output.output, output.base_value, output.value)
                    cells = (*head, one.column, one.given, one.contribution, one.standard_error)
                    for name, cell in zip(_CONTRIBUTION_COLUMNS, cells, strict=True):
                        table[name].append(cell)
        return frame_of_columns(table)


class Learning(Shown, LearningResult):
    """A learning curve: a version's metrics after training on fewer rows."""

    def to_frame(self) -> "pd.DataFrame":
        """One row per number of training rows: ``training_<metric>``, ``hold_out_<metric>``, ``fit_s`` in seconds."""
        table: dict[str, list[Any]] = {}
        for curve in self.curves:
            table |= {f"training_{curve.name}": curve.training, f"hold_out_{curve.name}": curve.hold_out}
        return frame_of_columns({**table, "fit_s": self.fit_s}, self.x, "row_count")


class Drift(Shown, DriftResult):
    """A drift report: rows compared with those that a version was trained on."""

    def to_frame(self) -> "pd.DataFrame":
        """One row per column: ``type``, ``has_drifted``, and each statistic.

        A statistic is NaN where it does not apply to the type, or could not be computed (see ``warnings``). The index
        is the column's name; a last row, ``(predictions)``, is about the predictions, if they could be compared.
        """
        found = [*self.columns, *([self.predictions] if self.predictions is not None else [])]
        names = [*(one.name for one in self.columns), *(["(predictions)"] if self.predictions is not None else [])]
        table: dict[str, list[Any]] = {
            "type": [one.type for one in found],
            "has_drifted": [one.has_drifted for one in found],
            **{name: [_statistic(one, name) for one in found] for name in _STATISTICS},
        }
        return frame_of_columns(table, names, "column")


def _statistic(finding: DriftFinding, name: str) -> float:
    values = (one.value for one in finding.statistics if one.name == name and one.value is not None)
    return next(values, float("nan"))
