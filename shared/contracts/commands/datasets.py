"""The commands for datasets, and the options for reading files."""

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
"""The date format of ISO 8601, which has no equivalent in strptime."""

MISSING_MARKS_LIMIT: Final = 100
"""The maximum number of marks for missing values."""

START_BYTES: Final = 8
"""The number of bytes that show whether a file can only be read as a whole."""

_PARQUET_START: Final = re.compile(rb"PAR1(?![\t\r\n -~])")
"""The magic number and a byte that is not text: `PAR1` alone may be the name of a column."""
_WHOLE_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"ARROW1\0\0", b"\xff\xff\xff\xff", b"ORC")
"""The magic numbers of zip archives and workbooks, Arrow and ORC. Text can begin with `ORC` too: only the file's end
shows which it is."""

TableFormat = Literal["csv", "tsv", "parquet", "jsonl", "arrow", "orc", "xlsx", "ods"]
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
    """Whether the first bytes belong to a Parquet file."""
    return _PARQUET_START.match(head) is not None


def is_read_whole(head: bytes) -> bool:
    """Whether the first bytes are those of a file whose beginning says little: such files are previewed as a whole."""
    return begins_as_parquet(head) or head.startswith(_WHOLE_STARTS)


class UploadSource(Contract):
    """A file that was uploaded over HTTP and is stored in GridFS."""

    kind: Literal["upload"] = "upload"
    upload_id: CorrelationId
    """The id of the stored bytes."""
    file_name: str | None = Field(None, max_length=255)
    """The file name that the sender gave."""
    media_type: str | None = Field(None, max_length=255)
    """The media type that the sender gave, such as `text/csv`."""
    sha256: str | None = Field(None, pattern=SHA256_PATTERN)
    """The SHA-256 of the complete file in hexadecimal, which identifies repeated uploads."""


class InlineSource(Contract):
    """A small table inside the command."""

    kind: Literal["inline"] = "inline"
    text: str
    """The table as text in the command's `format`."""


def _known_date_format(value: str) -> str:
    """Check that a format can write a date and read it back."""
    if value == ISO_FORMAT:
        return value
    sample = datetime(2024, 12, 31, 13, 45, 59, tzinfo=UTC)
    try:
        read = datetime.strptime(sample.strftime(value), value)  # noqa: DTZ007 - a format need not have a zone
    except (ValueError, re.error) as error:  # a directive that occurs twice
        raise ValueError(f"must be a strptime format, such as %d/%m/%Y ({error})") from None
    if read.date() != sample.date():
        raise ValueError("must have day, month and year, such as %d/%m/%Y")
    return value


DateFormat = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=100), AfterValidator(_known_date_format)
]


NUMBER_OPTIONS: Final = ("decimal_mark", "thousands_mark", "grouping", "percent", "unit", "has_accounting_signs")
"""The fields of `ColumnOptions` for numbers."""


class ColumnOptions(Contract):
    """Options for one column."""

    type: Literal["integer", "real", "boolean", "datetime", "text"]
    """The type of the column; a cell of another type is a fault of its row."""
    date_format: DateFormat | None = None
    """The date format of a `datetime` column: a strptime format or `ISO8601`. Default: detected, unless day and month
    are ambiguous."""
    decimal_mark: DecimalMark | None = None
    """The decimal separator. This option and the next five default to the file's options."""
    thousands_mark: ThousandsMark | None = None
    """The thousands separator."""
    grouping: Grouping | None = None
    """The size of digit groups: `thousands` or `indian`."""
    percent: Percent | None = None
    """12 % is read as 0.12 (`fraction`: every number has a percent sign) or 12 (`number`: some may lack it)."""
    unit: Unit | None = None
    """A currency or another unit before or after each number, such as `€` or `kg`, which is ignored."""
    has_accounting_signs: bool | None = None
    """Whether `(5)` and `5-` are negative numbers."""

    @model_validator(mode="after")
    def _only_dates_have_a_format(self) -> Self:
        if self.date_format is not None and self.type != "datetime":
            raise ValueError(f"date_format requires type datetime, not {self.type}")
        return self

    @model_validator(mode="after")
    def _only_numbers_have_a_form(self) -> Self:
        given = [name for name in NUMBER_OPTIONS if getattr(self, name) is not None]
        if given and self.type not in ("integer", "real"):
            raise ValueError(f"{' and '.join(given)} require type integer or real, not {self.type}")
        if self.type == "integer" and self.percent == "fraction":
            raise ValueError("percent: fraction requires type real; for type integer use percent: number")
        check_marks(self.decimal_mark, self.thousands_mark)
        return self


SPACES: Final = "spaces"
"""The delimiter of columns aligned by spaces: any number of spaces and tabs."""


def _is_delimiter(value: str) -> str:
    if value != SPACES and (len(value) != 1 or not value.isascii() or value in '"\r\n\0'):
        raise ValueError("must be one ASCII character other than a quote, line break or NUL, or the word spaces")
    return value


Delimiter = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=6), AfterValidator(_is_delimiter)]


def _is_comment(value: str) -> str:
    if not value.isprintable() or " " in value or '"' in value:
        raise ValueError("must be one to three printable characters without quotes or spaces, such as # or //")
    return value


CommentMark = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=3), AfterValidator(_is_comment)]


class ParseOptions(Contract):
    """Options for reading a file, which replace automatic detection."""

    delimiter: Delimiter | None = None
    """The delimiter of delimited text; `spaces` is any number of spaces and tabs. Default: detected among comma,
    semicolon, tab, pipe and, if the columns are numeric, spaces."""
    encoding: TextEncoding | None = None
    """The encoding of text. Default: from the byte order mark, else UTF-8, else cp1252."""
    decimal_mark: DecimalMark | None = None
    """The decimal separator in delimited text. Default: a point; a comma if the delimiter is a semicolon and no number
    has a point."""
    missing_marks: list[Annotated[str, Field(max_length=100)]] | None = Field(None, max_length=MISSING_MARKS_LIMIT)
    """Cells of delimited text that mean a missing value, in addition to empty cells. Default: NA, N/A, n/a, #N/A, #NA,
    <NA>, NaN, nan, null, NULL, None, ? and, among numbers, dates and booleans, a dash."""
    has_header: bool = True
    """Whether the first record of delimited text is a header. Otherwise the columns are named `column_1`, `column_2`,
    …"""
    columns: dict[ColumnName, ColumnOptions] = Field({}, max_length=10_000)
    """Options by column. The types of all other columns are detected."""
    on_bad_rows: Literal["refuse", "skip"] = "refuse"
    """How to handle rows that cannot be read: refuse the file, or skip and report the rows."""
    thousands_mark: ThousandsMark | None = None
    """The thousands separator in delimited text. A space also matches no-break, narrow and thin spaces; an apostrophe
    also matches a typographic one. Default: none, so `1,234` is text. This option and the next four can also be set by
    column in `columns`."""
    grouping: Grouping = "thousands"
    """The size of digit groups: `thousands` (`1,234,567`) or `indian` (`12,34,567`)."""
    percent: Percent | None = None
    """How to read numbers with percent signs: 12 % as 0.12 (`fraction`) or 12 (`number`). Default: as text."""
    units: list[Unit] = Field([], max_length=UNIT_LIMIT)
    """Currencies and other units before or after numbers, one per column, such as `€`, `USD` or `kg`, which are
    ignored. Default: none, so `5 €` is text."""
    has_accounting_signs: bool = False
    """Whether `(5)` and `5-` are negative numbers; otherwise they are text."""
    skip_lines: int | None = Field(None, ge=0, le=10_000)
    """The number of lines to skip above the header, such as a title. Default: lines that are clearly titles or
    comments."""
    comment: CommentMark | None = None
    """The mark of comment lines in delimited text, which are skipped. Default: `#`, and only above the header."""
    skip_below_header: int | None = Field(None, ge=0, le=100)
    """The number of records to skip directly below the header, such as a row of units. Default: 1 for a row of units in
    brackets, otherwise 0."""
    repeated_header: Literal["keep", "skip"] | None = None
    """How to handle rows that repeat the header. Default: `skip` if the columns hold numbers or dates."""
    skip_initial_space: bool | None = None
    """Whether to ignore spaces after a delimiter. Default: only if a quoted field follows."""
    strip_text: bool = False
    """Whether to strip spaces and tabs around text in delimited text. Around numbers they are always ignored."""
    has_quotes: bool = True
    """Whether quotes enclose fields; otherwise a quote is an ordinary character."""
    sheet: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """The sheet of a workbook to read, by name. Default: the only visible sheet that has cells."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        check_marks(self.decimal_mark, self.thousands_mark)
        if self.thousands_mark is not None and self.thousands_mark == self.delimiter and not self.has_quotes:
            raise ValueError("thousands_mark and delimiter must differ if has_quotes is false")
        return self


Source = Annotated[UploadSource | InlineSource, Field(discriminator="kind")]


NewDatasetName = Annotated[Name, free_name("preview")]


class ProfileDataset(CommandBase):
    """Create a dataset from a file: parse it, detect the column types, store it as Parquet."""

    queue: ClassVar[str] = "profile"

    command: Literal["ProfileDataset"] = "ProfileDataset"
    dataset: NewDatasetName
    """The name of the new dataset."""
    source: Source
    """The file."""
    format: TableFormat | None = None
    """The format of the file. Default: detected from the media type, the name and the first bytes."""
    options: ParseOptions = ParseOptions()
    """Options for reading the file."""
    target: ColumnName | None = None
    """The column to be predicted later. Alerts then cover its classes and columns that leak it."""


class PreviewDataset(CommandBase):
    """Show how a file would be read, from its beginning, without creating a dataset."""

    queue: ClassVar[str] = "read"
    retention_s: ClassVar[float | None] = HOUR_S

    command: Literal["PreviewDataset"] = "PreviewDataset"
    source: Source
    """The file; an upload is removed afterwards."""
    format: TableFormat | None = None
    """The format of the file. Default: detected from the media type, the name and the first bytes."""
    options: ParseOptions = ParseOptions()
    """Options for reading the file."""
    row_limit: int = Field(20, ge=1, le=100)
    """The number of rows to return."""
    is_truncated: bool = False
    """Whether the source has only the beginning of a file."""


class ReadRows(CommandBase):
    """Read rows of a dataset."""

    queue: ClassVar[str] = "read"
    retention_s: ClassVar[float | None] = HOUR_S

    command: Literal["ReadRows"] = "ReadRows"
    dataset: Name
    """The dataset."""
    offset: int = Field(0, ge=0, le=2**53)
    """The number of rows to skip."""
    limit: int = Field(50, ge=1, le=1000)
    """The maximum number of rows to return."""
    columns: list[ColumnName] | None = Field(None, min_length=1)
    """The columns to return, in this order. Default: all."""


class ExportDataset(CommandBase):
    """Export a dataset as a text file for download."""

    queue: ClassVar[str] = "export"

    command: Literal["ExportDataset"] = "ExportDataset"
    dataset: Name
    """The dataset."""
    format: Literal["csv", "jsonl"]
    """The format of the export."""
    formulas: Literal["escaped", "kept"] = "escaped"
    """How CSV treats text that a spreadsheet would execute (it starts with `=`, `+`, `-`, `@`, a tab or a carriage
    return): `escaped` with a leading apostrophe, or `kept` as it is."""
