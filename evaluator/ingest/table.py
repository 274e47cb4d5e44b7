"""What ingest takes and gives: limits, the plan of a column, the finished table. Values only, no reading."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

from modelbus.evaluator.ingest.faults import SkippedRows
from modelbus.shared.contracts import NumberForm
from modelbus.shared.contracts.commands.datasets import TableFormat
from modelbus.shared.contracts.records.dataset_records import Alert, ColumnSchema, ColumnType

ProgressCallback = Callable[[float, str], None]
Number = int | float

EXACT_LIMIT = 2**53
"""Doubles hold every whole number up to here."""
LEFT_OUT_LIMIT = 1_000_000
"""Up to this many skipped rows are known one by one."""
TEXT_SIZE_BYTES = 6 * 1024 * 1024
"""Text that is worked on at once: rows may be wide, so memory is bounded by bytes."""
GROUP_SIZE_BYTES = 16 * 1024 * 1024
"""A row group is closed before it has all its rows where they are wide."""


@dataclass(frozen=True)
class Limits:
    """What a table may not exceed."""

    column_limit: int
    """Columns."""
    line_limit_bytes: int
    """Bytes of one record, in UTF-8."""
    unpacked_limit_bytes: int = 10 * 1024**3
    """Bytes of a compressed file or a workbook's sheet, unpacked."""


@dataclass(frozen=True)
class IngestedTable:
    """A finished dataset: its Parquet file lies at the destination."""

    row_count: int
    columns: list[ColumnSchema]
    format: TableFormat
    encoding: str | None
    """`utf-8`, `utf-8-sig` (UTF-8 with a byte order mark), `utf-16`, `cp1252` or what was declared; absent for
    Parquet."""
    delimiter: str | None
    """Absent for a single column, Parquet and JSON lines."""
    size_bytes: int
    """The size of the Parquet file."""
    source_size_bytes: int
    sha256: str
    """The digest of the table's content, in hex (see ``digest.py``)."""
    file_sha256: str
    """The digest of the Parquet file, in hex."""
    alerts: list[Alert] = field(default_factory=list)
    """Findings in the columns that matter to training."""
    warnings: list[str] = field(default_factory=list)
    """What was decided where the file could be read in more than one way."""
    skipped: SkippedRows = field(default_factory=SkippedRows)
    """Rows that could not be read and were skipped."""
    compression: str | None = None
    """How the file was compressed: ``gzip``, ``zip``, ``bzip2``, ``xz`` or ``zstd``; absent where it was not."""
    sheet: str | None = None
    """The sheet that was read; absent where the file is not a workbook."""
    is_truncated: bool = False
    """Whether only the beginning of the file was read."""


@dataclass(frozen=True)
class Span:
    """From the smallest to the largest value: ints of integers and dates (microseconds since 1970), floats of reals."""

    low: Number
    high: Number

    def joined(self, other: "Span | None") -> "Span":
        """The span of both."""
        return self if other is None else Span(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True)
class ColumnPlan:
    """How one column of the source becomes one column of the dataset."""

    name: str
    type: ColumnType
    date_format: str | None = None
    is_zoned: bool = False
    """Every date has a zone: stored as UTC."""
    has_decimal_comma: bool = False
    is_indented: bool = False
    """Every text value begins with a space that is not part of it, as in `a, b, c`."""
    is_stripped: bool = False
    """Spaces and tabs around text are not part of it."""
    missing_marks: tuple[str, ...] = ()
    """Cells that mean "no value", without surrounding space."""
    number_form: NumberForm | None = None
    """How its numbers are written, where that is not plain; then `has_decimal_comma` says nothing."""
    is_decimal_told: bool = False
    """The sender said what the decimal mark is, also where it is a point."""
    code_note: str | None = None
    """Why its numbers may be codes, as a part of a sentence."""
    is_declared: bool = False
    """The type was declared, not found: a cell that does not fit is a fault of its row."""
    span: Span | None = None
    """The range of the finite values, if all of them were seen when the type was found."""
    has_values: bool = False
    """Its cells are not text in the file."""
    form: str | None = None
    """How all cells are written, as ``ColumnSchema`` says it; ``kept`` where their texts are kept."""

    @property
    def written_as(self) -> NumberForm | None:
        """How its numbers are written, where that is not plain ``1234.5``."""
        if self.type not in ("integer", "real"):
            return None
        if self.has_decimal_comma:
            return NumberForm(decimal_mark=",")
        return self.number_form or (NumberForm() if self.is_decimal_told else None)


@dataclass(frozen=True)
class TextTable:
    """What pass 1 over a text format found; the cells are in the spool."""

    plans: list[ColumnPlan]
    row_count: int
    encoding: str
    delimiter: str | None
    warnings: list[str]
    lines_of: Callable[[Collection[int]], dict[int, int]]
    """At which line each of some rows of the spool begins; reads the file once more."""
    left_out: list[int] = field(default_factory=list)
    """Rows of the spool that were not written, in their order, the first million of them."""

    def lines_of_written(self, rows: Collection[int]) -> dict[int, int]:
        """At which line each of some rows of the dataset begins; none where too many were skipped to tell."""
        if len(self.left_out) >= LEFT_OUT_LIMIT or not rows:
            return {}
        indices = np.array(sorted(rows), dtype=np.int64)
        # the i-th row that was skipped lies behind as many written ones as its place less i
        written_before = np.array(self.left_out, dtype=np.int64) - np.arange(len(self.left_out))
        spooled = indices + np.searchsorted(written_before, indices, side="right")
        lines = self.lines_of(set(spooled.tolist()))
        pairs = zip(indices.tolist(), spooled.tolist(), strict=True)
        return {index: lines[one] for index, one in pairs if one in lines}


@dataclass(frozen=True)
class Stage:
    """One stretch of the work, reported as its fraction of the whole."""

    on_progress: ProgressCallback
    begin: float
    end: float
    message: str

    def report(self, fraction: float) -> None:
        """Report that ``fraction`` (0 to 1) of this stage is done. What the callback raises ends the ingest."""
        self.on_progress(self.at(fraction), self.message)

    def at(self, fraction: float) -> float:
        """Which fraction of the whole is done when ``fraction`` (0 to 1) of this stage is."""
        return self.begin + (self.end - self.begin) * min(fraction, 1.0)
