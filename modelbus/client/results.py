"""What the gateway answers beside its records (``shared/contracts/records.py``): typed, frozen, in memory.

A field that a later release adds is passed over. Nothing here sends or receives.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from modelbus.client.tables import frame_of_columns
from shared.contracts import Alert, ColumnSchema, ErrorRecord, JobStatus, Progress, Task, VersionRecord

if TYPE_CHECKING:
    import pandas as pd


class Result(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, protected_namespaces=())


class DatasetSummary(Result):
    """A dataset without its columns."""

    name: str
    row_count: int
    format: str
    size_bytes: int
    target: str | None = None
    correlation_id: str
    created_at: datetime
    warnings: list[str] = []
    alerts: list[Alert] = []


class DatasetPreview(Result):
    """How a file would be read, from its beginning."""

    format: str
    encoding: str | None = None
    delimiter: str | None = None
    row_count: int
    """Rows of the beginning that was looked at."""
    columns: list[ColumnSchema]
    rows: list[dict[str, Any]]
    is_cut: bool
    """Whether there is more of the file: types may still change with it."""
    warnings: list[str] = []
    alerts: list[Alert] = []
    skipped_row_count: int = 0
    skipped_rows: list[dict[str, Any]] = []
    """The first 100 rows that cannot be read: `where`, `problem`, `expected`."""


class RowPage(Result):
    """Some rows of a dataset."""

    dataset: str
    offset: int
    row_count: int
    """Rows of the whole dataset."""
    columns: list[str]
    rows: list[dict[str, Any]]
    next: int | None
    """The offset of the following page; None after the last one."""

    def to_frame(self) -> "pd.DataFrame":
        """The rows as a frame; its index has the rows' numbers. Dates are text, as JSON has them."""
        columns = {name: [row[name] for row in self.rows] for name in self.columns}
        return frame_of_columns(columns, range(self.offset, self.offset + len(self.rows)))


class EstimatorSummary(Result):
    """An estimator without its hyperparameters."""

    name: str
    task: Task
    description: str


class TrainedVersion(Result):
    """What a training made."""

    version: VersionRecord
    is_champion: bool
    """Whether `champion` points at it now."""
    comparison: dict[str, Any] | None = None
    """With `promote="if_better"`: `metric`, `own`, `champion` and `champion_version`."""

    @property
    def reference(self) -> str:
        """The version as ``predict`` and ``evaluate`` take it, such as ``churn@3``."""
        return f"{self.version.model}@{self.version.version}"

    @property
    def metrics(self) -> dict[str, float | None]:
        """Measured on the rows that were held out."""
        return self.version.metrics


class TrainingCheck(Result):
    """What a training would take."""

    is_valid: bool
    estimator: str
    task: Task
    features: list[str]
    classes: list[Any] | None = None
    row_count: int
    hold_out_row_count: int
    least_memory_bytes: int
    likely_memory_bytes: int
    memory_limit_bytes: int
    streamed: bool
    warnings: list[str] = []


class VersionUsage(Result):
    """What a version has answered so far."""

    model: str
    version: int
    requests: int = 0
    rows: int = 0
    report: dict[str, dict[str, int]] = {}
    """Rows by incident (coerced, unseen, missing, extra) and column."""
    updated_at: datetime | None = None


class Predictions(Result):
    """The answers for some rows, in their order."""

    model: str
    version: int
    predictions: list[Any]
    """One label or number a row."""
    classes: list[Any] | None = None
    """The classes, in the order of the probabilities and scores."""
    probabilities: list[list[float]] | None = None
    """Shape (rows, classes)."""
    scores: list[Any] | None = None
    """One number a row, or one for each class."""
    report: dict[str, dict[str, int]] = {}
    """What had to be done to the rows: how many were coerced, unseen, missing or extra, by column."""
    correlation_id: str | None = None

    _index: Any = PrivateAttr(None)

    def __len__(self) -> int:
        return len(self.predictions)

    def with_index(self, index: Any) -> "Predictions":
        """The same answers, for a frame with that index."""
        same = self.model_copy()
        same._index = index
        return same

    def to_frame(self) -> "pd.DataFrame":
        """A frame with ``prediction``, and ``probability_<class>``, ``score`` or ``score_<class>`` if asked for.

        Its index is that of the frame that was asked about.
        """
        columns: dict[str, Any] = {"prediction": self.predictions}
        for name, figures in (("probability", self.probabilities), ("score", self.scores)):
            if figures and isinstance(figures[0], list):
                by_class = zip(*figures, strict=True)
                columns |= {f"{name}_{label}": one for label, one in zip(self.classes or [], by_class, strict=True)}
            elif figures is not None:
                columns[name] = figures
        return frame_of_columns(columns, self._index)


class PredictionReport(Result):
    """What a prediction of a whole dataset left: a table to be downloaded."""

    correlation_id: str
    model: str
    version: int
    dataset: str
    row_count: int
    report: dict[str, dict[str, int]] = {}


class JobSummary(Result):
    """A job without its specification, result and history."""

    correlation_id: str
    command: str
    status: JobStatus
    attempt: int
    progress: Progress | None = None
    error: ErrorRecord | None = None
    created_at: datetime
    finished_at: datetime | None = None


class ServiceReport(Result):
    """Which consumers are alive, and what waits."""

    version: str
    services: list[dict[str, Any]]
    """One for each instance: `service`, `is_alive`, `silent_s`, ..."""
    queues: dict[str, int | None]
    """Messages that wait, by queue; None when the broker is away."""
