"""Datasets: their columns as they were written, their profiles, and what was noticed in them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId
from modelbus.shared.contracts.number_forms import NumberForm

ColumnType = Literal["integer", "real", "boolean", "datetime", "text", "empty"]


class WrittenColumn(Contract):
    """A column and how its cells were written in the file that it came from."""

    name: str
    type: ColumnType
    """`empty` is a column without a single value."""
    date_format: str | None = None
    """How a `datetime` column was written, as strptime has it, or `ISO8601`."""
    is_zoned: bool = False
    """Whether every date has a zone; they are kept in UTC."""
    number_form: NumberForm | None = None
    """How the numbers of an `integer` or `real` column were written, where that was no plain `1234.5`."""
    missing_marks: list[str] | None = None
    """Cells that mean "no value", beside the empty one; null where they are those that delimited text has by default,
    and an empty list where there are none, as in Parquet and JSON."""


class ColumnSchema(WrittenColumn):
    """One column of a dataset."""

    form: str | None = None
    """How all cells of the column were written, where the type does not tell: `plain` (whole numbers among reals have
    no point), `fixed:2` (two decimals), `TRUE/FALSE`, a format of dates. `kept`: in more than one way, and each cell's
    text is kept beside its value. Null: as the type has it."""
    has_values: bool = False
    """Whether its cells came as values and not as text: from Parquet, or as numbers and booleans of JSON."""
    missing: int = Field(ge=0)
    """Cells without a value."""
    distinct: int = Field(ge=0)
    """Different values, counted up to 10,000."""
    minimum: Any = None
    """Smallest value of a number or a date (ISO 8601)."""
    maximum: Any = None
    """Largest value of a number or a date (ISO 8601)."""
    top: list[dict[str, Any]] = []
    """The most frequent values of a text or boolean column: `value` and `count`, 10 at most. Of more than 10,000
    different ones, those that make up one five-thousandth of the cells at least."""
    mean: Any = None
    """Mean of the finite values of a number, or of a date (ISO 8601)."""
    standard_deviation: float | None = None
    """Of the finite values of a number (of the population); of a date in seconds."""
    quantiles: dict[str, Any] | None = None
    """Of a number or a date: value by share, `0.01`, `0.05`, `0.25`, `0.5`, `0.75`, `0.95` and `0.99`. Exact up to
    100,000 rows; beyond, of 100,000 rows taken at random."""
    histogram: dict[str, Any] | None = None
    """Of a number or a date: `edges` (n + 1 of them, equally far apart) and `counts` (n), all rows counted; a value on
    an edge counts above it, the last edge's below."""
    words: int | None = None
    """Of text: how many words the median cell has, of those that were looked at."""
    is_free_text: bool = False
    """Whether it is text of many words, which is learnt by its words and not as categories; a training can say
    otherwise (`free_text`, `categorical`)."""


class Alert(Contract):
    """Something about a column that matters to training."""

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
    """The stable name of what was found."""
    column: str
    """The column that it is about."""
    message: str
    """A sentence for people, with the figures and what to do."""


class DatasetSummary(Contract):
    """One dataset, without its columns."""

    name: str
    owner: str
    correlation_id: CorrelationId
    """The job that made it."""
    row_count: int = Field(ge=0)
    format: str
    """The format of the file it was made from."""
    encoding: str | None = None
    """The text encoding that was found, for text formats."""
    delimiter: str | None = None
    """The delimiter that was found, for delimited text."""
    compression: str | None = None
    """How the file was compressed: `gzip`, `zip`, `bzip2`, `xz` or `zstd`."""
    sheet: str | None = None
    """The sheet that was read, for workbooks."""
    size_bytes: int = Field(ge=0)
    """Size of the stored Parquet file."""
    source_size_bytes: int = Field(ge=0)
    """Size of the file it was made from."""
    sha256: str
    """Of the table: its columns' names and types, and its cells' values. The same table has the same digest whatever
    file it came from."""
    file_sha256: str | None = None
    """Of the stored Parquet file; absent in datasets of earlier releases."""
    warnings: list[str] = []
    """What was decided where the file could be read in more than one way."""
    alerts: list[Alert] = []
    """What was noticed in the columns that matters to training."""
    skipped_row_count: int = 0
    """Rows that could not be read and were left out, as `on_bad_rows: skip` asked."""
    skipped_rows: list[dict[str, Any]] = []
    """The first 100 of them: `where` (its line), `problem`, `expected`, and `column` where one is at fault."""
    options: dict[str, Any] = {}
    """The parse options that were given."""
    target: str | None = None
    """The column that the uploader said is to be predicted."""
    created_at: datetime


class DatasetRecord(DatasetSummary):
    """One dataset; immutable."""

    columns: list[ColumnSchema]
