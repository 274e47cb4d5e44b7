"""Datasets: the original notation of their columns, their profiles and alerts."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId
from modelbus.shared.contracts.number_forms import NumberForm

ColumnType = Literal["integer", "real", "boolean", "datetime", "text", "empty"]


class WrittenColumn(Contract):
    """A column and its notation in the original file."""

    name: str
    type: ColumnType
    """The type of the column; `empty` is a column without values."""
    date_format: str | None = None
    """The date format of a `datetime` column: a strptime format or `ISO8601`."""
    is_zoned: bool = False
    """Whether all dates have a time zone; they are stored in UTC."""
    number_form: NumberForm | None = None
    """The notation of an `integer` or `real` column, if it was not plain like `1234.5`."""
    missing_marks: list[str] | None = None
    """The marks of missing values, in addition to empty cells. Null: the default marks of delimited text. An empty
    list: no marks, as in Parquet and JSON."""


class ColumnSchema(WrittenColumn):
    """A column of a dataset."""

    form: str | None = None
    """The common notation of all cells, if it does not follow from the type: `plain` (whole numbers among reals have no
    point), `fixed:2` (two decimals), `TRUE/FALSE`, or a date format. `kept`: the notation varies, and the text of each
    cell is stored with its value. Null: the notation of the type."""
    has_values: bool = False
    """Whether the cells came as typed values instead of text: from Parquet, or as numbers and booleans of JSON."""
    missing: int = Field(ge=0)
    """The number of cells without a value."""
    distinct: int = Field(ge=0)
    """The number of distinct values, counted up to 10,000."""
    minimum: Any = None
    """The minimum of numbers or dates (ISO 8601)."""
    maximum: Any = None
    """The maximum of numbers or dates (ISO 8601)."""
    top: list[dict[str, Any]] = []
    """The most frequent values of a text or boolean column with `value` and `count`, at most 10. With more than 10,000
    distinct values, only those in at least 0.02 % of the cells."""
    mean: Any = None
    """The mean of the finite numbers, or of the dates (ISO 8601)."""
    standard_deviation: float | None = None
    """The population standard deviation of the finite numbers, or of the dates in seconds."""
    quantiles: dict[str, Any] | None = None
    """The quantiles of numbers or dates: `0.01`, `0.05`, `0.25`, `0.5`, `0.75`, `0.95` and `0.99`. Exact up to 100,000
    rows, otherwise from 100,000 rows sampled at random."""
    histogram: dict[str, Any] | None = None
    """The histogram of numbers or dates over all rows: `edges` (n + 1, equally spaced) and `counts` (n). A value on an
    edge belongs to the bin above it, on the last edge to the last bin."""
    words: int | None = None
    """The median number of words per cell of a text column, in a sample."""
    is_free_text: bool = False
    """Whether the column is free text, which is encoded by its words instead of as categories. A training can override
    it (`free_text`, `categorical`)."""


class Alert(Contract):
    """A finding about a column that matters to training."""

    code: Literal[
        "constant",
        "all_missing",
        "mostly_missing",
        "identifier_like",
        "date_like_text",
        "number_like_text",
        "boolean_like_text",
        "code_like_numbers",
        "surrounding_whitespace",
        "free_text",
        "target_leak",
        "class_imbalance",
        "rare_classes",
        "missing_target",
        "whitespace_in_labels",
    ]
    """The stable code of the finding."""
    column: str
    """The column of the finding."""
    message: str
    """The finding in a sentence, with figures and advice."""


class DatasetSummary(Contract):
    """A dataset without its columns."""

    name: str
    owner: str
    correlation_id: CorrelationId
    """The job that created the dataset."""
    row_count: int = Field(ge=0)
    format: str
    """The format of the original file."""
    encoding: str | None = None
    """The detected encoding, for text formats."""
    delimiter: str | None = None
    """The detected delimiter, for delimited text."""
    compression: str | None = None
    """The compression of the file: `gzip`, `zip`, `bzip2`, `xz` or `zstd`."""
    sheet: str | None = None
    """The sheet that was read, for workbooks."""
    size_bytes: int = Field(ge=0)
    """The size of the stored Parquet file in bytes."""
    source_size_bytes: int = Field(ge=0)
    """The size of the original file in bytes."""
    sha256: str
    """The digest of the table: names and types of the columns, and values of the cells. It does not depend on the
    original file."""
    file_sha256: str | None = None
    """The digest of the stored Parquet file; absent in datasets of earlier releases."""
    warnings: list[str] = []
    """The choices made where the file was ambiguous."""
    alerts: list[Alert] = []
    """The findings about columns that matter to training."""
    skipped_row_count: int = 0
    """The number of unreadable rows that were skipped (`on_bad_rows: skip`)."""
    skipped_rows: list[dict[str, Any]] = []
    """The first 100 skipped rows: `where` (the line), `problem`, `expected` and, if a column is at fault, `column`."""
    options: dict[str, Any] = {}
    """The given parse options."""
    target: str | None = None
    """The column to be predicted later, as given with the upload."""
    created_at: datetime


class DatasetRecord(DatasetSummary):
    """An immutable dataset."""

    columns: list[ColumnSchema]
