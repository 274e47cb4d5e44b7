"""Models and their versions in MongoDB."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from modelbus.shared.contracts.base import Task
from modelbus.shared.contracts.documents.dataset_documents import WrittenColumnDocument


class SignatureColumnDocument(WrittenColumnDocument):
    """A column that a version requires."""

    is_free_text: NotRequired[bool]


class SignatureDocument(TypedDict):
    """The inputs and outputs of a version."""

    columns: list[SignatureColumnDocument]
    target: NotRequired[str | None]
    target_column: NotRequired[SignatureColumnDocument | None]
    task: Task
    classes: NotRequired[list[Any] | None]
    threshold: NotRequired[float | None]


class ComparisonDocument(TypedDict):
    """The comparison of a version with the champion."""

    metric: NotRequired[str | None]
    champion_version: int
    own: NotRequired[float | None]
    champion: NotRequired[float | None]
    margin: NotRequired[float]
    row_count: NotRequired[int | None]
    excluded_row_count: NotRequired[int | None]
    warnings: NotRequired[list[str]]
    is_better: NotRequired[bool]
    reason: NotRequired[str | None]


class HeldOutDocument(TypedDict):
    """The hold-out of a version."""

    method: str
    row_count: int
    unmeasured_classes: NotRequired[list[Any]]
    unmeasured_class_count: NotRequired[int]
    group_count: NotRequired[int | None]


class FreeTextDocument(TypedDict):
    """A column that a version encodes as free text."""

    column: str
    feature_count: int
    term_count: int


class StoredVersion(TypedDict):
    """The owner and the files of a version."""

    _id: str
    """``{model}@{version}``."""
    model: str
    version: int
    owner: str
    correlation_id: str
    blob_id: str
    """The blob of the artifact."""
    candidates_blob_id: NotRequired[str]
    """The blob of the table of candidates, if it is too large for the document."""
    rows_blob_id: NotRequired[str]
    """The blob of the training rows' numbers; absent in versions of the first releases."""


class VersionDocument(StoredVersion):
    """A complete version."""

    estimator: str
    hyperparameters: dict[str, Any]
    tuning: NotRequired[dict[str, Any] | None]
    candidates: NotRequired[list[dict[str, Any]]]
    """The table of candidates, if it is small."""
    calibration: NotRequired[dict[str, Any] | None]
    threshold: NotRequired[dict[str, Any] | None]
    dataset: str
    dataset_sha256: str
    signature: SignatureDocument
    hold_out: dict[str, Any]
    hold_out_sha256: NotRequired[str | None]
    held_out: NotRequired[HeldOutDocument | None]
    seed: int
    specification: NotRequired[dict[str, Any] | None]
    metrics: dict[str, float | None]
    cross_validation: NotRequired[dict[str, Any] | None]
    row_count: int
    streamed: NotRequired[bool]
    free_text: NotRequired[list[FreeTextDocument]]
    fit_s: float
    warnings: NotRequired[list[str]]
    comparison: NotRequired[ComparisonDocument | None]
    tags: NotRequired[dict[str, str]]
    note: NotRequired[str]
    libraries: dict[str, str]
    artifact_sha256: str
    artifact_size_bytes: int
    created_at: datetime


class UsedVersion(TypedDict):
    """The datasets of a version."""

    dataset: str
    hold_out: dict[str, Any]


class ModelDocument(TypedDict):
    """A model."""

    _id: str
    """The name."""
    owner: str
    latest_version: int
    versions: list[int]
    aliases: dict[str, int]
    created_at: datetime


class UsageDocument(TypedDict):
    """The usage of a version; ``_id`` is the id of the job that created the version."""

    _id: str
    requests: NotRequired[int]
    rows: NotRequired[int]
    report: NotRequired[dict[str, dict[str, int]]]
    """The number of rows by incident and column, with percent-encoded names."""
    updated_at: NotRequired[datetime]
