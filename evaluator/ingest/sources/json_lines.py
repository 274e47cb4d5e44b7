"""Pass 1 over JSON lines: every cell as text into the spool, while candidate types narrow.

JSON has types and a null of its own, and they are believed: a string stays text (or is a date), ``"12"`` is no
number, ``"NA"`` is text, a missing key is a null.
"""

import json
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from modelbus.evaluator.ingest.cells.booleans import Booleans
from modelbus.evaluator.ingest.cells.calendar_dates import CalendarDates
from modelbus.evaluator.ingest.cells.declared import DeclaredColumn
from modelbus.evaluator.ingest.cells.formed_numerals import declared_form
from modelbus.evaluator.ingest.cells.iso_dates import IsoDates
from modelbus.evaluator.ingest.cells.narrowing import Candidate, ColumnNarrowing
from modelbus.evaluator.ingest.cells.numerals import Numerals
from modelbus.evaluator.ingest.faults import FAULT_LIMIT, Fault, SkippedRows, malformed, refused, too_many_columns
from modelbus.evaluator.ingest.sources.delimited.quoted_records import lines_at
from modelbus.evaluator.ingest.sources.naming import column_names
from modelbus.evaluator.ingest.sources.source_options import ColumnFinding, check_column_options
from modelbus.evaluator.ingest.sources.text_stream import Utf8Stream, physical_lines
from modelbus.evaluator.ingest.sources.text_survey import survey_text
from modelbus.evaluator.ingest.spool import SpoolWriter
from modelbus.evaluator.ingest.table import ColumnPlan, Limits, Stage, TextTable
from modelbus.shared.contracts import ColumnOptions, ParseOptions
from modelbus.shared.contracts.base import usable_name
from modelbus.shared.tabular.cells.cell_text import JSON_INFINITY

_BLOCK_BYTES = 1024 * 1024
_BLOCK_CELLS = 500_000

Row = dict[str, Any]


def read_json_lines(
    source: BinaryIO,
    spool: Path,
    *,
    options: ParseOptions,
    skipped: SkippedRows | None,
    limits: Limits,
    survey_stage: Stage,
    stage: Stage,
    size: int,
) -> TextTable:
    """Read the whole file into the spool; the columns are all keys that occur.

    Args:
        source: The file.
        spool: Where to write the cells.
        options: How to read the file; whatever they leave open is detected.
        skipped: Takes the lines that cannot be read; None refuses the file.
        limits: What the table may not exceed.
        survey_stage: For the progress of the first look.
        stage: For the progress of the reading.
        size: Bytes of the file.

    Raises:
        MalformedTable: With the line and the problem of each bad line, 100 at most.
        LimitExceeded: Too many keys, or a line too long.
        InvalidCommand: The options name a column that is not there.
    """
    survey = survey_text(
        source, delimiter=None, encoding=options.encoding, limits=limits, stage=survey_stage, size_bytes=size
    )
    stream = Utf8Stream(source, survey.encoding)
    columns = _JsonColumns(options, limits.column_limit)
    with SpoolWriter(spool) as writer:
        for rows in _blocks(stream, columns, skipped):
            writer.write(columns.text_batch(rows))
            stage.report(stream.source_bytes / size)
    if writer.row_count and not columns.by_key:
        raise refused("no object has a key", "one key for each column", line=1)
    names, renamed = column_names(list(columns.by_key))
    warnings = [*survey.warnings, *renamed]
    if writer.row_count:
        # what is declared is looked up by key while the file is read: a name that was made up later cannot be
        keys = {usable_name(key) for key in columns.by_key}
        check_column_options(options, [name for name in names if name in keys])
    for name, column in zip(names, columns.by_key.values(), strict=True):
        warnings += column.warnings(name)
    plans = [column.plan(name) for name, column in zip(names, columns.by_key.values(), strict=True)]
    return TextTable(
        plans, writer.row_count, survey.encoding, None, warnings, lambda rows: _lines_of(source, survey.encoding, rows)
    )


class _JsonColumn:
    """What one key's values are."""

    def __init__(self, declared: ColumnOptions | None) -> None:
        self._kinds: set[str] = set()
        self._is_declared = declared is not None
        self._is_told = False
        """Whether the file says that it is text."""
        self._finding: ColumnFinding | None = None
        self._has_comma = False
        """Whether numbers in quotes have a decimal comma, as those without must then be given too."""
        if declared is not None:
            form = declared_form(declared)
            self._has_comma = form is not None and form.decimal_mark == ","
            self._finding = DeclaredColumn(declared, marks=("",), text_marks=("",), number_form=form)

    def take(self, values: list[Any]) -> pa.Array:
        """The next values as text cells."""
        types = set(map(type, values))
        kinds = {_KINDS[kind] for kind in types if kind is not type(None)}
        self._kinds |= kinds
        self._is_told |= _ToldText in types
        texts = values if kinds == {"text"} else [_cell_text(value, has_comma=self._has_comma) for value in values]
        cells = pa.array(texts, pa.string())
        if self._finding is None and len(self._kinds) == 1:
            kind = next(iter(self._kinds))
            self._finding = ColumnNarrowing(_candidates(kind), marks=("",), text_marks=("",))
        if self._finding is not None and not self._is_text:
            self._finding.feed(cells)
        return cells

    def plan(self, name: str) -> ColumnPlan:
        """How to read the column."""
        if self._is_text:
            return ColumnPlan(name, "text", missing_marks=("",))
        if self._finding is None:
            return ColumnPlan(name, "empty")
        plan = self._finding.plan(name)
        is_valued = plan.type not in ("text", "empty") and not self._kinds & {"text"}
        return replace(plan, has_values=True) if is_valued else plan

    def warnings(self, name: str) -> list[str]:
        """Warnings about the column."""
        if self._is_mixed:
            return [f"column {name!r} mixes {' and '.join(sorted(self._kinds))} and becomes text"]
        return self._finding.warnings(name) if self._finding else []

    @property
    def _is_text(self) -> bool:
        return self._is_mixed or (self._is_told and not self._is_declared)

    @property
    def _is_mixed(self) -> bool:
        return len(self._kinds) > 1 and not self._is_declared


class _JsonColumns:
    """The columns by their keys, in the order in which they came."""

    def __init__(self, options: ParseOptions, limit: int) -> None:
        self._options = options
        self._limit = limit
        self.by_key: dict[str, _JsonColumn] = {}

    def add(self, row: Row, line: int) -> None:
        """Add the row's keys that are new.

        Raises:
            LimitExceeded: Too many keys.
        """
        for key in row:
            if key not in self.by_key:
                if len(self.by_key) >= self._limit:
                    raise too_many_columns(len(self.by_key) + 1, self._limit, line=line)
                self.by_key[key] = _JsonColumn(self._options.columns.get(usable_name(key)))

    def text_batch(self, rows: list[Row]) -> pa.RecordBatch:
        """The rows as text cells, a column for each key that came so far."""
        cells = [column.take([row.get(key) for row in rows]) for key, column in self.by_key.items()]
        # objects without keys are rows all the same, of the column that comes first when one comes
        cells = cells or [pa.nulls(len(rows), pa.string())]
        return pa.RecordBatch.from_arrays(cells, names=[str(position) for position in range(len(cells))])


def _candidates(kind: str) -> list[Candidate]:
    if kind == "numbers":
        return [Numerals(decimal_marks=".")]
    return [Booleans()] if kind == "booleans" else [IsoDates(), CalendarDates()]


def _cell_text(value: Any, *, has_comma: bool) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text.replace(".", ",") if has_comma and isinstance(value, _Numeral) else text


def _blocks(stream: Utf8Stream, columns: _JsonColumns, skipped: SkippedRows | None) -> Iterator[list[Row]]:
    """Blocks of rows; new keys are added to the columns before their block comes."""
    rows: list[Row] = []
    faults: list[Fault] = []
    size_bytes = 0
    for number, line in enumerate(physical_lines(stream), start=1):
        if not line.strip():
            continue
        row = _parse(line, number, faults)
        if row is None:
            if skipped is not None:
                skipped.add(faults.pop())
            elif len(faults) >= FAULT_LIMIT:
                break
            continue
        columns.add(row, number)
        rows.append(row)
        size_bytes += len(line)
        if size_bytes >= _BLOCK_BYTES or len(rows) * len(columns.by_key) >= _BLOCK_CELLS:
            yield rows
            rows, size_bytes = [], 0
    if faults:
        raise malformed(faults)
    if rows:
        yield rows


def _lines_of(source: BinaryIO, encoding: str, rows: Collection[int]) -> dict[int, int]:
    """At which line each of some rows is, by their positions from 0."""
    numbered = enumerate(physical_lines(Utf8Stream(source, encoding)), start=1)
    sound = (number for number, line in numbered if line.strip() and _parse(line, number, []) is not None)
    return lines_at(sound, rows)


class _Numeral(str):
    """A number as it is written: read by Python, 1e400 would be infinite, and a long fraction shorter."""

    __slots__ = ()


def _real(text: str) -> _Numeral:
    """A real as it is written, but for the one number that is written instead of infinity."""
    return _INFINITIES.get(text) or _Numeral(text)


class _ToldText(str):
    """A text whose first digit is escaped, as our own exports mark text that is not a date."""

    __slots__ = ()


class _TwiceGivenError(ValueError):
    """A key occurs twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> Row:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceGivenError(next(key for key in keys if keys.count(key) > 1))
    return found


_KINDS = {bool: "booleans", _Numeral: "numbers", float: "numbers", str: "text", _ToldText: "text"}
"""Of a value's type; the only floats are NaN and the infinities."""
_INFINITIES = {JSON_INFINITY: _Numeral("inf"), f"-{JSON_INFINITY}": _Numeral("-inf")}
_NUL_ESCAPE = b"\\u0000"
_ESCAPED_DIGIT = re.compile(rb':"\\u003([0-9])')
"""Within a text the quote would have a backslash before it."""
_TOLD_MARK = "\ue000"
_TOLD = b':"' + _TOLD_MARK.encode() + rb"\1"
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_real, parse_int=_Numeral)


def _parse(line: bytes, number: int, faults: list[Fault]) -> Row | None:
    """The line's object, ``None`` (and a fault more) if it has none."""
    try:
        found = _decoded(line)
        if b"\\ud" in line.lower():
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except _TwiceGivenError as error:
        faults.append(Fault(number, "the key occurs more than once", "each key once", str(error)))
    except UnicodeEncodeError:
        faults.append(Fault(number, "half of a surrogate pair", "whole characters"))
    except (ValueError, RecursionError) as error:
        faults.append(Fault(number, _no_json(error, line), "one JSON object a line, without an array around them"))
    else:
        fault = _row_fault(found, number)
        if fault is None and _NUL_ESCAPE in line:
            fault = _nul_fault(found, number)
        if fault is None:
            assert isinstance(found, dict)
            return found
        faults.append(fault)
    return None


def _decoded(line: bytes) -> Any:
    if _ESCAPED_DIGIT.search(line) is None:
        return _DECODER.decode(line.decode("utf-8"))
    found = _DECODER.decode(_ESCAPED_DIGIT.sub(_TOLD, line).decode("utf-8"))
    if not isinstance(found, dict):
        return found
    return {key: _told(value) for key, value in found.items()}


def _told(value: Any) -> Any:
    is_told = isinstance(value, str) and value.startswith(_TOLD_MARK)
    return _ToldText(value.removeprefix(_TOLD_MARK)) if is_told else value


def _no_json(error: Exception, line: bytes) -> str:
    if line.strip() in (b"[", b"{"):
        return "JSON that is spread over several lines"
    if isinstance(error, json.JSONDecodeError):
        return f"invalid JSON: {error.msg} (character {error.pos + 1})"
    return f"invalid JSON: {error}"[:200]


def _row_fault(found: Any, number: int) -> Fault | None:
    if isinstance(found, list):
        return Fault(number, "an array", "one JSON object a line, without an array around them")
    if not isinstance(found, dict):
        return Fault(number, "a single value", "one JSON object a line")
    for key, value in found.items():
        if isinstance(value, (dict, list)):
            return Fault(number, "the value is nested", "text, a number, a boolean or null", key)
    return None


def _nul_fault(row: Row, number: int) -> Fault | None:
    """A fault where a text holds NUL, which no text file can hold. (Keys are looked at as names are.)"""
    key = next((key for key, value in row.items() if isinstance(value, str) and "\0" in value), None)
    return None if key is None else Fault(number, "a NUL character", "text without it", key)
