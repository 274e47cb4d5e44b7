"""The results: what a job that succeeded has found out, one shape for each command.

A worker writes them as plain documents; these models describe and document them, and tests hold real results against
them.
"""

from typing import Any

from pydantic import Field

from modelbus.shared.contracts.base import Contract, Task
from modelbus.shared.contracts.commands.tuning import StoppingReason
from modelbus.shared.contracts.records.dataset_records import Alert, ColumnSchema, DatasetRecord
from modelbus.shared.contracts.records.evaluation_records import EvaluationRecord
from modelbus.shared.contracts.records.explanation_results import (
    DriftResult,
    LearningResult,
    ModelExplanationResult,
    PredictionExplanationResult,
)
from modelbus.shared.contracts.records.model_records import Comparison, VersionRecord

Incidents = dict[str, dict[str, int]]
"""What had to be done to the rows, rows by column: `coerced`, `unseen`, `missing` and `extra`."""


class DatasetResult(Contract):
    """Of ProfileDataset."""

    dataset: DatasetRecord


class PreviewResult(Contract):
    """Of PreviewDataset: how the file would be read, and its first rows."""

    row_count: int = Field(ge=0)
    """Rows that were read; of a file that was cut, those of its beginning."""
    format: str
    encoding: str | None = None
    delimiter: str | None = None
    compression: str | None = None
    """How the file was compressed: `gzip`, `zip`, `bzip2`, `xz` or `zstd`."""
    sheet: str | None = None
    """The sheet that was read, for workbooks."""
    columns: list[ColumnSchema]
    alerts: list[Alert] = []
    warnings: list[str] = []
    skipped_row_count: int = 0
    skipped_rows: list[dict[str, Any]] = []
    is_truncated: bool
    """Whether only the file's beginning was read."""
    rows: list[dict[str, Any]]


class RowsResult(Contract):
    """Of ReadRows: a page."""

    dataset: str
    offset: int = Field(ge=0)
    limit: int = Field(ge=1)
    row_count: int = Field(ge=0)
    """Rows of the whole dataset."""
    columns: list[str]
    rows: list[dict[str, Any]]
    next: int | None
    """The offset of the following page; null after the last one."""


class ExportResult(Contract):
    """Of ExportDataset."""

    dataset: str
    format: str
    row_count: int = Field(ge=0)
    size_bytes: int = Field(ge=0)
    sha256: str
    blobs: dict[str, str]
    """By format, the id of the stored file."""


class TrainingResult(Contract):
    """Of TrainModel and RetrainModel."""

    version: VersionRecord
    is_champion: bool
    """Whether the alias `champion` points at it now."""
    comparison: Comparison | None = None
    """How it was decided whether the champion moves; absent where nothing was to be compared."""
    stopped_early: StoppingReason | None = None
    """Why a search, or the choice of an estimator, ended before its end; it kept the best so far."""


class CheckResult(Contract):
    """Of CheckTraining: what the training would take."""

    is_valid: bool
    estimator: str
    task: Task
    candidate_count: int | None = None
    """Candidates that a search would try at most."""
    features: list[str]
    free_text: list[str] = []
    """Of them, those that would be read as free text."""
    classes: list[Any] | None = None
    row_count: int
    """Rows to fit on."""
    hold_out_row_count: int
    streamed: bool
    epochs: int | None = None
    encoded_feature_count: int
    minimum_memory_bytes: int
    expected_memory_bytes: int
    memory_limit_bytes: int
    warnings: list[str] = []


class PredictionResult(Contract):
    """Of Predict: one entry for each row, in the order of the rows."""

    model: str
    version: int
    predictions: list[Any]
    """Labels, values, `inlier` or `outlier`, or the numbers of clusters."""
    classes: list[Any] | None = None
    """The labels in the order of the probabilities, where these were asked for."""
    probabilities: list[list[float]] | None = None
    scores: list[Any] | None = None
    report: Incidents
    """What had to be done to the rows, rows by column: `coerced`, `unseen`, `missing`, `extra`."""
    warnings: list[str] = []
    """What makes the answer doubtful, such as many values that did not occur in training."""


class DatasetPredictionResult(Contract):
    """Of PredictDataset."""

    model: str
    version: int
    dataset: str
    row_count: int
    report: Incidents
    """What had to be done to the rows, rows by column."""
    warnings: list[str] = []
    """What makes the predictions doubtful: columns of another type than in training, many unseen values."""
    blobs: dict[str, str]
    """By format, the id of the stored file."""


class EvaluationResult(Contract):
    """Of EvaluateModel and EvaluatePredictions."""

    evaluation: EvaluationRecord


RESULTS: dict[str, type[Contract]] = {
    "ProfileDataset": DatasetResult,
    "PreviewDataset": PreviewResult,
    "ReadRows": RowsResult,
    "ExportDataset": ExportResult,
    "TrainModel": TrainingResult,
    "RetrainModel": TrainingResult,
    "CheckTraining": CheckResult,
    "Predict": PredictionResult,
    "PredictDataset": DatasetPredictionResult,
    "EvaluateModel": EvaluationResult,
    "EvaluatePredictions": EvaluationResult,
    "ExplainModel": ModelExplanationResult,
    "ExplainPrediction": PredictionExplanationResult,
    "MeasureLearningCurve": LearningResult,
    "ReportDrift": DriftResult,
}
"""By command, what its job's `result` holds."""
