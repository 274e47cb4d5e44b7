"""Datasets in MongoDB."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from modelbus.shared.contracts.records.dataset_records import ColumnType


class WrittenColumnDocument(TypedDict):
    """A column and its notation in the original file."""

    name: str
    type: ColumnType
    date_format: NotRequired[str | None]
    is_zoned: NotRequired[bool]
    number_form: NotRequired[dict[str, Any] | None]
    missing_marks: NotRequired[list[str] | None]


class ColumnDocument(WrittenColumnDocument):
    """A column of a dataset with its profile."""

    form: NotRequired[str | None]
    has_values: NotRequired[bool]
    missing: int
    distinct: int
    minimum: NotRequired[Any]
    maximum: NotRequired[Any]
    top: NotRequired[list[dict[str, Any]]]
    mean: NotRequired[Any]
    standard_deviation: NotRequired[float | None]
    quantiles: NotRequired[dict[str, Any] | None]
    histogram: NotRequired[dict[str, Any] | None]
    words: NotRequired[int | None]
    is_free_text: NotRequired[bool]


class AlertDocument(TypedDict):
    """A finding about a column that matters to training."""

    code: str
    column: str
    message: str


class DigestedDataset(TypedDict):
    """The identity of a dataset's table."""

    _id: str
    sha256: NotRequired[str]
    """The digest; absent in datasets of the first releases."""


class ListedDataset(TypedDict):
    """A dataset without its columns."""

    _id: str
    """The name."""
    name: str
    owner: str
    correlation_id: str
    row_count: int
    format: str
    encoding: NotRequired[str | None]
    delimiter: NotRequired[str | None]
    compression: NotRequired[str | None]
    sheet: NotRequired[str | None]
    size_bytes: int
    source_size_bytes: int
    sha256: str
    file_sha256: NotRequired[str | None]
    warnings: NotRequired[list[str]]
    alerts: NotRequired[list[AlertDocument]]
    skipped_row_count: NotRequired[int]
    skipped_rows: NotRequired[list[dict[str, Any]]]
    options: NotRequired[dict[str, Any]]
    target: NotRequired[str | None]
    created_at: datetime


class DatasetDocument(ListedDataset):
    """A complete dataset."""

    columns: list[ColumnDocument]
    blob_id: str
    """The blob of the Parquet file."""
