"""Datasets as MongoDB holds them."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from modelbus.shared.contracts.records.dataset_records import ColumnType


class WrittenColumnDocument(TypedDict):
    """A column and how its cells were written."""

    name: str
    type: ColumnType
    date_format: NotRequired[str | None]
    is_zoned: NotRequired[bool]
    number_form: NotRequired[dict[str, Any] | None]
    missing_marks: NotRequired[list[str] | None]


class ColumnDocument(WrittenColumnDocument):
    """One column of a dataset, with its profile."""

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
    """Something about a column that matters to training."""

    code: str
    column: str
    message: str


class DigestedDataset(TypedDict):
    """Which table a dataset is."""

    _id: str
    sha256: NotRequired[str]
    """Absent in datasets of the first releases."""


class ListedDataset(TypedDict):
    """One dataset, without its columns."""

    _id: str
    """Its name."""
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
    """One dataset, whole."""

    columns: list[ColumnDocument]
    blob_id: str
    """Of its Parquet file."""
