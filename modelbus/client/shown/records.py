"""The records of ``shared/contracts`` as the client gives them: short in a console, readable in a notebook."""

from typing import Any, ClassVar, Final

from pydantic import PrivateAttr

from modelbus.client.shown.html_parts import panel, table
from modelbus.client.shown.short_texts import Shown
from modelbus.shared.contracts import (
    ColumnSchema,
    DatasetRecord,
    EstimatorRecord,
    EvaluationRecord,
    ModelRecord,
    VersionRecord,
)
from modelbus.shared.contracts.records.dataset_records import DatasetSummary
from modelbus.shared.contracts.records.job_records import JobSummary
from modelbus.shared.contracts.records.plot_points import Plot
from modelbus.shared.contracts.records.results import CheckResult, PreviewResult

_CLASS_LIMIT: Final = 20
"""Classes of a confusion matrix that is shown."""
_COLUMN_HEADINGS: Final = ("column", "type", "missing", "distinct", "minimum", "maximum", "most frequent")


class Dataset(Shown, DatasetRecord):
    """A dataset: schema, profile, warnings, alerts."""

    shown_fields: ClassVar = ("name", "row_count", "columns", "target", "format", "warnings", "alerts", "created_at")

    def _repr_html_(self) -> str:
        facts = {
            "rows": self.row_count,
            "columns": len(self.columns),
            "format": self.format,
            "target": self.target,
            "skipped rows": self.skipped_row_count or None,
            "created": self.created_at,
        }
        notes = [*self.warnings, *(alert.message for alert in self.alerts)]
        return panel(f"dataset {self.name}", facts, columns_table(self.columns), notes=notes)


class DatasetEntry(Shown, DatasetSummary):
    """A dataset in a list, without its columns."""

    shown_fields: ClassVar = ("name", "row_count", "target", "format", "created_at")


class Preview(Shown, PreviewResult):
    """How a file would be read: its columns and first rows."""

    def _repr_html_(self) -> str:
        facts = {"rows": self.row_count, "format": self.format, "encoding": self.encoding, "delimiter": self.delimiter}
        names = [column.name for column in self.columns]
        rows = table(names, [[row.get(name) for name in names] for row in self.rows])
        notes = [*self.warnings, *(alert.message for alert in self.alerts)]
        return panel("preview", facts, columns_table(self.columns), rows, notes=notes)


class Model(Shown, ModelRecord):
    """A model: the numbers of its versions, and its aliases."""


class Version(Shown, VersionRecord):
    """A version of a model, with its lineage."""

    shown_fields: ClassVar = (
        "model",
        "version",
        "estimator",
        "hyperparameters",
        "dataset",
        "row_count",
        "metrics",
        "warnings",
    )

    @property
    def reference(self) -> str:
        """The version as ``predict`` and ``evaluate`` take it, such as ``churn@3``."""
        return f"{self.model}@{self.version}"

    def _repr_html_(self) -> str:
        facts = {
            "estimator": self.estimator,
            "hyperparameters": self.hyperparameters,
            "dataset": self.dataset,
            "target": self.signature.target,
            "rows": self.row_count,
            "fitted in": f"{self.fit_s:.2f} s",
            "tags": self.tags,
            "note": self.note,
            "created": self.created_at,
        }
        measured = table(("metric", "hold-out"), list(self.metrics.items())) if self.metrics else ""
        return panel(f"model version {self.reference}", facts, measured, notes=self.warnings)


class TrainingCheck(Shown, CheckResult):
    """What a training would need."""


class Evaluation(Shown, EvaluationRecord):
    """A model version, or predictions, measured on a dataset."""

    shown_fields: ClassVar = ("id", "status", "model", "version", "dataset", "row_count", "metrics", "warnings")

    def _repr_html_(self) -> str:
        facts = {
            "model": None if self.model is None else f"{self.model}@{self.version}",
            "dataset": self.dataset,
            "status": None if self.status == "succeeded" else self.status,
            "rows": self.row_count,
            "left out": self.dropped_row_count or None,
            "positive class": self.positive_class,
            "created": self.created_at,
        }
        notes = [*([self.error.message] if self.error else []), *self.warnings]
        return panel(f"evaluation {self.id}", facts, self._metrics_table(), self._confusion_table(), notes=notes)

    def _metrics_table(self) -> str:
        if not self.metrics:
            return ""
        if not self.intervals:
            return table(("metric", "value"), list(self.metrics.items()))
        found = {name: self.intervals.get(name, {}) for name in self.metrics}
        rows = [[name, value, found[name].get("low"), found[name].get("high")] for name, value in self.metrics.items()]
        return table(("metric", "value", "low", "high"), rows)

    def _confusion_table(self) -> str:
        labels = (self.confusion or {}).get("labels") or []
        if not 0 < len(labels) <= _CLASS_LIMIT:
            return ""
        counts = (self.confusion or {}).get("counts") or []
        rows = [[label, *row] for label, row in zip(map(str, labels), counts, strict=False)]
        return table(("true \\ predicted", *map(str, labels)), rows)


class Estimator(Shown, EstimatorRecord):
    """An estimator, with a JSON Schema of its hyperparameters."""


class JobEntry(Shown, JobSummary):
    """A job in a list."""


class DrawnPlot(Shown, Plot):
    """A plot: the points behind it, and the picture that a notebook shows."""

    _svg: str | None = PrivateAttr(None)

    def with_svg(self, svg: str | None) -> "DrawnPlot":
        """The same plot with its picture."""
        same = self.model_copy()
        same._svg = svg
        return same

    def _repr_svg_(self) -> str | None:
        return self._svg


def columns_table(columns: list[ColumnSchema]) -> str:
    """The columns of a dataset as HTML."""
    rows = [[one.name, one.type, one.missing, one.distinct, one.minimum, one.maximum, _top(one.top)] for one in columns]
    return table(_COLUMN_HEADINGS, rows)


def _top(top: list[dict[str, Any]]) -> str:
    return ", ".join(f"{one.get('value')} ({one.get('count')})" for one in top[:3])
