"""Evaluations in MongoDB."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from modelbus.shared.contracts.documents.job_documents import ErrorDocument, FileDocument
from modelbus.shared.contracts.records.job_records import JobStatus


class ListedEvaluation(TypedDict):
    """An evaluation without its tables."""

    _id: str
    """The id."""
    id: str
    status: JobStatus
    owner: str
    correlation_id: str
    model: NotRequired[str | None]
    version: NotRequired[int | None]
    artifact_sha256: NotRequired[str | None]
    dataset: str
    dataset_sha256: NotRequired[str | None]
    task: NotRequired[str | None]
    options: NotRequired[dict[str, Any]]
    row_count: NotRequired[int | None]
    dropped_row_count: NotRequired[int | None]
    dropped: NotRequired[dict[str, int]]
    weight_sum: NotRequired[float | None]
    metrics: NotRequired[dict[str, float | None] | None]
    undefined: NotRequired[dict[str, str]]
    classes: NotRequired[list[Any] | None]
    positive_class: NotRequired[Any]
    maximum_metrics: NotRequired[dict[str, dict[str, float]] | None]
    best_threshold: NotRequired[dict[str, Any] | None]
    residuals: NotRequired[dict[str, float | None] | None]
    plots: NotRequired[list[str]]
    report: NotRequired[dict[str, dict[str, int]] | None]
    warnings: NotRequired[list[str]]
    error: NotRequired[ErrorDocument | None]
    created_at: datetime


class EvaluationDocument(ListedEvaluation):
    """A complete evaluation."""

    intervals: NotRequired[dict[str, dict[str, Any]] | None]
    per_class: NotRequired[list[dict[str, Any]] | None]
    confusion: NotRequired[dict[str, Any] | None]
    hit_ratios: NotRequired[list[dict[str, Any]] | None]
    thresholds: NotRequired[list[dict[str, Any]] | None]
    gains: NotRequired[list[dict[str, Any]] | None]
    slices: NotRequired[list[dict[str, Any]] | None]
    files: NotRequired[list[FileDocument]]
    """The plots."""


class StoredEvaluation(TypedDict):
    """The owner and the files of an evaluation."""

    _id: str
    owner: str
    correlation_id: str
    files: NotRequired[list[FileDocument]]
