"""The results of succeeded jobs, one model for each command.

Workers write them as plain documents; these models document them, and tests check real results against them.
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
"""The adjustments to the rows: the number of rows with `coerced`, `unseen`, `missing` and `extra` values, by column."""


class DatasetResult(Contract):
    """The result of ProfileDataset."""

    dataset: DatasetRecord


class PreviewResult(Contract):
    """The result of PreviewDataset: how the file would be read, and its first rows."""

    row_count: int = Field(ge=0)
    """The number of rows read; for a truncated file, those of its beginning."""
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
    """Whether only the beginning of the file was read."""
    rows: list[dict[str, Any]]


class RowsResult(Contract):
    """The result of ReadRows: a page."""

    dataset: str
    offset: int = Field(ge=0)
    limit: int = Field(ge=1)
    row_count: int = Field(ge=0)
    """The number of rows of the dataset."""
    columns: list[str]
    rows: list[dict[str, Any]]
    next: int | None
    """The offset of the next page; null on the last page."""


class ExportResult(Contract):
    """The result of ExportDataset."""

    dataset: str
    format: str
    row_count: int = Field(ge=0)
    size_bytes: int = Field(ge=0)
    sha256: str
    blobs: dict[str, str]
    """The id of the stored file by format."""


class TrainingResult(Contract):
    """The result of TrainModel and RetrainModel."""

    version: VersionRecord
    is_champion: bool
    """Whether the alias `champion` now points at the version."""
    comparison: Comparison | None = None
    """The comparison with the champion; absent if nothing was compared."""
    stopped_early: StoppingReason | None = None
    """The reason why a search or the choice of an estimator ended early, with the best candidate so far."""


class CheckResult(Contract):
    """The result of CheckTraining: the estimated cost of the training."""

    is_valid: bool
    estimator: str
    task: Task
    candidate_count: int | None = None
    """The maximum number of candidates of the search."""
    features: list[str]
    free_text: list[str] = []
    """The features that would be encoded as free text."""
    classes: list[Any] | None = None
    row_count: int
    """The number of training rows."""
    hold_out_row_count: int
    streamed: bool
    epochs: int | None = None
    encoded_feature_count: int
    minimum_memory_bytes: int
    expected_memory_bytes: int
    memory_limit_bytes: int
    warnings: list[str] = []


class PredictionResult(Contract):
    """The result of Predict: one entry for each row, in the order of the rows."""

    model: str
    version: int
    predictions: list[Any]
    """The predictions: classes, numbers, `inlier` or `outlier`, or cluster numbers."""
    classes: list[Any] | None = None
    """The classes in the order of the probabilities, if requested."""
    probabilities: list[list[float]] | None = None
    scores: list[Any] | None = None
    report: Incidents
    """The adjustments to the rows: the number of rows with `coerced`, `unseen`, `missing` and `extra` values, by
    column."""
    warnings: list[str] = []
    """Doubts about the predictions, such as many values unseen in training."""
    kept: dict[str, list[Any]] | None = None
    """The kept columns, with one unchanged value per row; null where a row has none."""


class DatasetPredictionResult(Contract):
    """The result of PredictDataset."""

    model: str
    version: int
    dataset: str
    row_count: int
    report: Incidents
    """The adjustments to the rows: the number of affected rows, by column."""
    warnings: list[str] = []
    """Doubts about the predictions, such as columns of another type than in training or many unseen values."""
    blobs: dict[str, str]
    """The id of the stored file by format."""


class EvaluationResult(Contract):
    """The result of EvaluateModel and EvaluatePredictions."""

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
"""The model of the job's `result`, by command."""
