"""The commands about datasets, and how a file is to be read."""

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from modelbus.shared.contracts.base import (
    HOUR_S,
    SHA256_PATTERN,
    ColumnName,
    CommandBase,
    Contract,
    CorrelationId,
    Name,
    free_name,
)
from modelbus.shared.contracts.number_forms import (
    UNIT_LIMIT,
    DecimalMark,
    Grouping,
    Percent,
    ThousandsMark,
    Unit,
    check_marks,
)

ISO_FORMAT: Final = "ISO8601"
"""The date format of ISO 8601, which is no single one of strptime's."""

MISSING_MARKS_LIMIT: Final = 100
"""How many cells may be said to mean "no value"."""

PARQUET_START_BYTES: Final = 5
"""So many bytes tell whether a file is Parquet."""

_PARQUET_START = re.compile(rb"PAR1(?![\t\r\n -~])")
"""What follows the magic is no text; `PAR1` alone may be the name of a column."""

TableFormat = Literal["csv", "tsv", "parquet", "jsonl"]
TextEncoding = Literal[
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1250",
    "cp1251",
    "cp1252",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "koi8-r",
    "mac-roman",
    "cp437",
    "cp850",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "gb18030",
    "big5",
]


def begins_as_parquet(head: bytes) -> bool:
    """Whether the first bytes are those of a Parquet file."""
    return _PARQUET_START.match(head) is not None


class UploadSource(Contract):
    """A file that was uploaded over HTTP and lies in GridFS."""

    kind: Literal["upload"] = "upload"
    upload_id: CorrelationId
    """The id under which the gateway stored the bytes."""
    file_name: str | None = Field(None, max_length=255)
    """What the sender called the file."""
    media_type: str | None = Field(None, max_length=255)
    """The media type that the sender declared, such as `text/csv`."""
    sha256: str | None = Field(None, pattern=SHA256_PATTERN)
    """The SHA-256 of all bytes that the sender sent, in hex: by it a repeated upload is known for the first one."""


class InlineSource(Contract):
    """A small table inside the command itself."""

    kind: Literal["inline"] = "inline"
    text: str
    """The table as text, in the command's `format`."""


def _known_date_format(value: str) -> str:
    """A format by which a date can be written and read back."""
    if value == ISO_FORMAT:
        return value
    sample = datetime(2024, 12, 31, 13, 45, 59, tzinfo=UTC)
    try:
        read = datetime.strptime(sample.strftime(value), value)  # noqa: DTZ007 - a format need not have a zone
    except (ValueError, re.error) as error:  # a directive that occurs twice
        raise ValueError(f"no date format: {error}; one is written as strptime has it, such as %d/%m/%Y") from None
    if read.date() != sample.date():
        raise ValueError("a date format has day, month and year, such as %d/%m/%Y")
    return value


DateFormat = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=100), AfterValidator(_known_date_format)
]


NUMBER_OPTIONS: Final = ("decimal_mark", "thousands_mark", "grouping", "percent", "unit", "has_accounting_signs")
"""The fields of `ColumnOptions` that say how its numbers are written."""


class ColumnOptions(Contract):
    """How one column is to be read."""

    type: Literal["integer", "real", "boolean", "datetime", "text"]
    """The column's type; a cell that does not fit is a fault of its row."""
    date_format: DateFormat | None = None
    """How a `datetime` is written, as strptime has it, or `ISO8601`; default: found, which needs that day and month can
    be told apart."""
    decimal_mark: DecimalMark | None = None
    """Before the fraction of its numbers; this and the next five default to what is said of the whole file."""
    thousands_mark: ThousandsMark | None = None
    """Between groups of digits."""
    grouping: Grouping | None = None
    """`thousands` or `indian`."""
    percent: Percent | None = None
    """12 % becomes 0.12 (`fraction`, each number has a percent sign) or 12 (`number`, some may lack it)."""
    unit: Unit | None = None
    """A currency or another unit that may stand before or behind a number, such as `€` or `kg`; it is left out."""
    has_accounting_signs: bool | None = None
    """Whether `(5)` and `5-` are negative numbers."""

    @model_validator(mode="after")
    def _only_dates_have_a_format(self) -> Self:
        if self.date_format is not None and self.type != "datetime":
            raise ValueError(f"a date_format goes with type datetime, not {self.type}")
        return self

    @model_validator(mode="after")
    def _only_numbers_have_a_form(self) -> Self:
        given = [name for name in NUMBER_OPTIONS if getattr(self, name) is not None]
        if given and self.type not in ("integer", "real"):
            raise ValueError(f"{' and '.join(given)}: only for types integer and real, not {self.type}")
        if self.type == "integer" and self.percent == "fraction":
            raise ValueError("a percentage that becomes a fraction is real, not integer; or say percent: number")
        check_marks(self.decimal_mark, self.thousands_mark)
        return self


SPACES: Final = "spaces"
"""The delimiter of columns that stand below each other: any number of spaces and tabs."""


def _is_delimiter(value: str) -> str:
    if value != SPACES and (len(value) != 1 or not value.isascii() or value in '"\r\n\0'):
        raise ValueError("a delimiter is one ASCII character, and no quote, line end or NUL, or the word spaces")
    return value


Delimiter = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=6), AfterValidator(_is_delimiter)]


def _is_comment(value: str) -> str:
    if not value.isprintable() or " " in value or '"' in value:
        raise ValueError("a comment mark is one to three printed characters, such as # or //, and no quote or space")
    return value


CommentMark = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=3), AfterValidator(_is_comment)]


class ParseOptions(Contract):
    """How a file is to be read, where it should not be found out."""

    delimiter: Delimiter | None = None
    """Between the fields of delimited text; `spaces`: any number of spaces and tabs. Default: found among comma,
    semicolon, tab, pipe and, where the columns are numbers, spaces."""
    encoding: TextEncoding | None = None
    """Of text; default: by its byte order mark, else UTF-8, else cp1252."""
    decimal_mark: DecimalMark | None = None
    """Of numbers in delimited text; default: the comma only where the delimiter is a semicolon and no number has a
    point."""
    missing_marks: list[Annotated[str, Field(max_length=100)]] | None = Field(None, max_length=MISSING_MARKS_LIMIT)
    """Cells of delimited text that mean "no value", beside the empty one; default: NA, N/A, n/a, #N/A, #NA, <NA>, NaN,
    nan, null, NULL, None, ? and, among numbers, dates and booleans, a dash."""
    has_header: bool = True
    """Whether the first record of delimited text holds the columns' names; else they are `column_1`, `column_2`, …"""
    columns: dict[ColumnName, ColumnOptions] = Field({}, max_length=10_000)
    """The types of columns; of those that are not named here, they are found."""
    on_bad_rows: Literal["refuse", "skip"] = "refuse"
    """What to do about rows that cannot be read: refuse the file, or leave them out and report them."""
    thousands_mark: ThousandsMark | None = None
    """Between groups of digits in delimited text; a space also stands for no-break, narrow and thin ones, an apostrophe
    for a typographer's. Default: none, `1,234` is text. It may be set for single columns in `columns`, as may the next
    four."""
    grouping: Grouping = "thousands"
    """Of digits: `thousands` (`1,234,567`) or `indian` (`12,34,567`)."""
    percent: Percent | None = None
    """Columns of numbers with percent signs are read: 12 % becomes 0.12 (`fraction`) or 12 (`number`). Default: they
    are text."""
    units: list[Unit] = Field([], max_length=UNIT_LIMIT)
    """Currencies and other units that may stand before or behind numbers, one of them in each column, such as `€`,
    `USD` or `kg`; they are left out. Default: none, `5 €` is text."""
    has_accounting_signs: bool = False
    """Whether `(5)` and `5-` are negative numbers; otherwise they are text."""
    skip_lines: int | None = Field(None, ge=0, le=10_000)
    """Lines above the header to leave out, such as a title; default: what is a title or a comment for certain."""
    comment: CommentMark | None = None
    """Lines of delimited text that begin with it are left out; default: only above the header, those with `#`."""
    skip_below_header: int | None = Field(None, ge=0, le=100)
    """Records right below the header to leave out, such as a row of units; default: a row of units in brackets."""
    repeated_header: Literal["keep", "skip"] | None = None
    """What to do about rows that say the header again; default: `skip` where they stand between numbers or dates."""
    skip_initial_space: bool | None = None
    """Whether spaces behind a delimiter are no part of the field; default: where quotes stand behind them."""
    strip_text: bool = False
    """Whether spaces and tabs around text in delimited text are no part of it, as they are none of numbers."""
    has_quotes: bool = True
    """Whether quotes around a field are no part of it; else a quote is a character as any other."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        check_marks(self.decimal_mark, self.thousands_mark)
        if self.thousands_mark is not None and self.thousands_mark == self.delimiter and not self.has_quotes:
            raise ValueError("thousands_mark is the delimiter, which only quotes could tell apart")
        return self


Source = Annotated[UploadSource | InlineSource, Field(discriminator="kind")]


NewDatasetName = Annotated[Name, free_name("preview")]


class ProfileDataset(CommandBase):
    """Turn a file into a dataset: parse it, find each column's type, store it as Parquet."""

    queue: ClassVar[str] = "profile"

    command: Literal["ProfileDataset"] = "ProfileDataset"
    dataset: NewDatasetName
    """The name of the dataset to make."""
    source: Source
    """Where the bytes are."""
    format: TableFormat | None = None
    """The file's format; found from its media type, name and first bytes if not given."""
    options: ParseOptions = ParseOptions()
    """How the file is to be read."""
    target: ColumnName | None = None
    """The column that is to be predicted later: alerts then tell of its classes and of columns that give it away."""


class PreviewDataset(CommandBase):
    """Say how a file would be read, from its beginning; nothing is made of it."""

    queue: ClassVar[str] = "read"
    retention_s: ClassVar[float | None] = HOUR_S

    command: Literal["PreviewDataset"] = "PreviewDataset"
    source: Source
    """Where the bytes are; an upload is removed afterwards."""
    format: TableFormat | None = None
    """The file's format; found from its media type, name and first bytes if not given."""
    options: ParseOptions = ParseOptions()
    """How the file is to be read."""
    row_limit: int = Field(20, ge=1, le=100)
    """How many rows to show."""
    is_truncated: bool = False
    """Whether the bytes are only the beginning of a file."""


class ReadRows(CommandBase):
    """Read some rows of a dataset."""

    queue: ClassVar[str] = "read"
    retention_s: ClassVar[float | None] = HOUR_S

    command: Literal["ReadRows"] = "ReadRows"
    dataset: Name
    """The dataset."""
    offset: int = Field(0, ge=0, le=2**53)
    """How many rows to pass over."""
    limit: int = Field(50, ge=1, le=1000)
    """How many rows to read at most."""
    columns: list[ColumnName] | None = Field(None, min_length=1)
    """Which columns, in this order; default: all."""


class ExportDataset(CommandBase):
    """Write a dataset as a text file, to be downloaded."""

    queue: ClassVar[str] = "export"

    command: Literal["ExportDataset"] = "ExportDataset"
    dataset: Name
    """The dataset."""
    format: Literal["csv", "jsonl"]
    """The format to write."""
    formulas: Literal["escaped", "kept"] = "escaped"
    """In CSV, text that a spreadsheet would run (it begins with `=`, `+`, `-`, `@`, a tab or a carriage return) gets an
    apostrophe before it, or stays as it is."""
