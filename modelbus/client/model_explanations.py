"""What is said about a model: the results of ``shared/contracts/records/explanation_results.py``, with their tables."""

from typing import TYPE_CHECKING, Any, Final

from pydantic import PrivateAttr

from modelbus.client.frames import frame_of_columns
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


class Importance(ImportanceResult):
    """How important the columns are, the most important first."""

    def to_frame(self) -> "pd.DataFrame":
        """One row a column of the model: ``mean`` and ``standard_deviation`` of how much worse the metric got."""
        names = ("mean", "standard_deviation")
        table = {name: [getattr(one, name) for one in self.columns] for name in names}
        return frame_of_columns(table, [one.column for one in self.columns], "column")


class Dependence(DependenceResult):
    """How the mean answer depends on a column."""

    def to_frame(self) -> "pd.DataFrame":
        """One row a value of the column, one column an output; the last row is without a value, where rows lack one."""
        has_missing = any(curve.missing is not None for curve in self.curves)
        index = [*self.x, *([None] if has_missing else [])]
        table = {curve.name: [*curve.y, *([curve.missing] if has_missing else [])] for curve in self.curves}
        return frame_of_columns(table, index, self.column)


class ModelExplanation(ModelExplanationResult):
    """Which columns a model answers by, and how its answers depend on them."""

    importance: Importance | None
    partial_dependence: list[Dependence] | None  # type: ignore[assignment]  # frozen, so nobody puts another one in


class PredictionExplanation(PredictionExplanationResult):
    """What each column contributes to the answers for some rows."""

    _index: Any = PrivateAttr(None)

    def with_index(self, index: Any) -> "PredictionExplanation":
        """The same explanation, for a frame with that index."""
        same = self.model_copy()
        same._index = index
        return same

    def to_frame(self) -> "pd.DataFrame":
        """One row for each row, output and column: ``given``, ``contribution``, ``standard_error``.

        ``base_value`` and all contributions of a row and an output add up to ``value``. ``row`` is the label that the
        row had in the frame that was asked about, else its number.
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


class Learning(LearningResult):
    """How good a version would have become with fewer rows."""

    def to_frame(self) -> "pd.DataFrame":
        """One row a number of training rows: ``training_<metric>``, ``hold_out_<metric>``, and ``fit_s``, seconds."""
        table: dict[str, list[Any]] = {}
        for curve in self.curves:
            table |= {f"training_{curve.name}": curve.training, f"hold_out_{curve.name}": curve.hold_out}
        return frame_of_columns({**table, "fit_s": self.fit_s}, self.x, "row_count")


class Drift(DriftResult):
    """Whether rows are still like those that a version was trained on."""

    def to_frame(self) -> "pd.DataFrame":
        """One row a finding: ``type``, ``has_drifted``, and each statistic.

        A statistic is NaN where it is unknown, as ``warnings`` say, and where it says nothing of that type. The index
        is the column's name; the last row, ``(predictions)``, is of what is predicted, where it could be.
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
