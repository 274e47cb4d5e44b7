"""OpenDocument spreadsheets (.ods), as LibreOffice, Excel and Google write them."""

import re
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.faults import too_large_unpacked
from modelbus.evaluator.ingest.sources.sheets.serial_dates import numeral
from modelbus.evaluator.ingest.sources.sheets.sheet_rows import Cell, CellKind, Oddities, Sheet, SheetRow, cell_name
from modelbus.evaluator.ingest.sources.sheets.xml_parts import SEPARATOR, Handlers, Parts, damaged

_CONTENT: Final = "content.xml"
_NAMESPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE: Final = f"{_NAMESPACE}table:1.0{SEPARATOR}"
_OFFICE: Final = f"{_NAMESPACE}office:1.0{SEPARATOR}"
_TEXT: Final = f"{_NAMESPACE}text:1.0{SEPARATOR}"
_STYLE: Final = f"{_NAMESPACE}style:1.0{SEPARATOR}"
_EXTENSION: Final = f"urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0{SEPARATOR}"
_KINDS: Final[dict[str, CellKind]] = {
    "float": "numbers",
    "percentage": "numbers",
    "currency": "numbers",
    "boolean": "booleans",
    "date": "dates",
    "time": "numbers",
    "string": "text",
}
_DURATION: Final = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?")
_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?))?")
_ERROR: Final = re.compile(r"#(N/A|[A-Z0-9/]+[!?])|Err:\d+")
_REPEATED_CELLS: Final = 50_000_000
"""A workbook of a few bytes may say that a row is repeated a million times; more cells than these are refused."""
_COLUMN_LIMIT: Final = 16_384
_ROW_LIMIT: Final = 16_777_216


class OdsWorkbook:
    """A workbook that is open."""

    def __init__(self, source: BinaryIO, limit_bytes: int) -> None:
        """Args:
        source: The file.
        limit_bytes: Of each part of it, unpacked.

        Raises:
            MalformedTable: It is damaged, or has a password.
            LimitExceeded: It is too large.
        """
        self._parts = Parts(source, limit_bytes)
        if not self._parts.has(_CONTENT):
            raise damaged(f"it has no {_CONTENT}")
        names = _Names()
        self._parts.read(_CONTENT, names)
        self.sheets = names.sheets
        self._limit_bytes = limit_bytes

    def rows(self, sheet: Sheet, oddities: Oddities) -> Iterator[SheetRow]:
        """The rows that are not empty, in their order.

        Raises:
            MalformedTable: The workbook is damaged.
            LimitExceeded: It is too large when unpacked.
        """
        cells = _TableCells(int(sheet.place), oddities, self._limit_bytes)
        for _ in self._parts.parse(_CONTENT, cells):
            while cells.rows:
                row, count = cells.rows.popleft()
                for number in range(row.number, row.number + count):
                    yield SheetRow(number, row.cells)
            if cells.is_done:
                return


class _Names(Handlers):
    """The names of the sheets, and whether they are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[Sheet] = []
        self._hidden: set[str] = set()
        self._style = ""
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{_STYLE}style":
            self._style = attributes.get(f"{_STYLE}name", "")
        elif name == f"{_STYLE}table-properties" and attributes.get(f"{_TABLE}display") == "false":
            self._hidden.add(self._style)
        elif name == f"{_TABLE}table":
            if not self._depth:  # not a table within a cell
                is_visible = attributes.get(f"{_TABLE}style-name") not in self._hidden
                number = len(self.sheets)
                name = attributes.get(f"{_TABLE}name", f"Sheet{number + 1}")
                self.sheets.append(Sheet(name, is_visible, str(number)))
            self._depth += 1

    def end(self, name: str) -> None:
        if name == f"{_TABLE}table":
            self._depth -= 1


class _TableCells(Handlers):
    """Takes the XML of all sheets, and gives the rows of one."""

    def __init__(self, number: int, oddities: Oddities, limit_bytes: int) -> None:
        super().__init__()
        self._number = number
        self._oddities = oddities
        self._limit_bytes = limit_bytes
        self.rows: deque[tuple[SheetRow, int]] = deque()
        """Each with its number of repetitions."""
        self.is_done = False
        self._table = -1
        self._depth = self._notes = 0
        self._row, self._row_count = 1, 1
        self._column = 0
        self._cells: list[Cell] = []
        self._cell_count = 0
        self._attributes: dict[str, str] = {}
        self._paragraphs: list[list[str]] = []
        self._is_in_cell = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{_TABLE}table":
            self._depth += 1
            self._table += self._depth == 1
        elif self._table != self._number or self.is_done:
            return
        elif self._notes or name == f"{_OFFICE}annotation" or (self._is_in_cell and self._is_apart(name)):
            self._notes += 1
        elif name in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            self._attributes, self._paragraphs, self._is_in_cell = attributes, [], True
        elif name == f"{_TABLE}table-row":
            self._row_count = _count(attributes, "number-rows-repeated")
            self._cells, self._column = [], 0
        elif self._is_in_cell:
            self._start_text(name, attributes)

    def _is_apart(self, name: str) -> bool:
        """Whether an element within a cell is not part of its text: a drawing, a table in it."""
        return self._depth > 1 or name.startswith(f"{_NAMESPACE}drawing")

    def _start_text(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{_TEXT}p":
            self._paragraphs.append([])
        elif self._paragraphs:
            if name == f"{_TEXT}s":
                count = attributes.get(f"{_TEXT}c", "1")
                self._paragraphs[-1].append(" " * min(int(count) if count.isdecimal() else 1, 32_767))
            elif name == f"{_TEXT}tab":
                self._paragraphs[-1].append("\t")
            elif name == f"{_TEXT}line-break":
                self._paragraphs[-1].append("\n")

    def text(self, text: str) -> None:
        if self._is_in_cell and not self._notes and self._paragraphs:
            self._paragraphs[-1].append(text)

    def end(self, name: str) -> None:
        if name == f"{_TABLE}table":
            self._depth -= 1
            self.is_done = self.is_done or (self._table == self._number and not self._depth)
        elif self._table != self._number or self.is_done:
            return
        elif self._notes:
            self._notes -= 1
        elif name in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            self._is_in_cell = False
            self._end_cell(is_covered=name.endswith("covered-table-cell"))
        elif name == f"{_TABLE}table-row":
            if self._cells:
                if self._row + self._row_count - 1 > _ROW_LIMIT:
                    raise damaged(f"it has more than {_ROW_LIMIT} rows")
                self._count_cells(len(self._cells) * self._row_count)
                self.rows.append((SheetRow(self._row, self._cells), self._row_count))
            self._row += self._row_count

    def _end_cell(self, *, is_covered: bool) -> None:
        count = _count(self._attributes, "number-columns-repeated")
        found = None if is_covered else self._cell()
        if found is not None and found[1]:
            if self._column + count > _COLUMN_LIMIT:
                raise damaged(f"row {self._row} has more than {_COLUMN_LIMIT} columns")
            self._cells += [Cell(column, *found) for column in range(self._column, self._column + count)]
            self._note_span()
        self._column += count

    def _count_cells(self, count: int) -> None:
        self._cell_count += count if self._row_count > 1 else 0
        if self._cell_count > _REPEATED_CELLS:
            raise too_large_unpacked(self._limit_bytes)

    def _note_span(self) -> None:
        rows, columns = (
            _count(self._attributes, "number-rows-spanned"),
            _count(self._attributes, "number-columns-spanned"),
        )
        if rows > 1 or columns > 1:
            last_row = self._row + rows - 1
            last = cell_name(self._column + columns - 1, last_row)
            self._oddities.add_merged(f"{cell_name(self._column, self._row)}:{last}", last_row)

    def _cell(self) -> tuple[CellKind, str] | None:
        given = self._attributes
        name = cell_name(self._column, self._row)
        shown = "\n".join("".join(pieces) for pieces in self._paragraphs)
        is_formula = f"{_TABLE}formula" in given
        kind = _KINDS.get(given.get(f"{_OFFICE}value-type", ""))
        if given.get(f"{_EXTENSION}value-type") == "error" or (is_formula and _ERROR.fullmatch(shown)):
            self._oddities.errors.add(name)
            return None
        if kind is None:
            if is_formula and not shown:
                self._oddities.uncomputed.add(name)
            return ("text", shown) if shown else None
        if kind == "text":
            return "text", given.get(f"{_OFFICE}string-value", shown)
        return self._typed(kind, name)

    def _typed(self, kind: CellKind, name: str) -> tuple[CellKind, str] | None:
        given = self._attributes
        if kind == "booleans":
            return kind, "true" if given.get(f"{_OFFICE}boolean-value") == "true" else "false"
        if kind == "dates":
            found = _DATE.fullmatch(given.get(f"{_OFFICE}date-value", "").removesuffix("Z"))
            if found is None:
                self._oddities.impossible_dates.add(name)
                return None
            return kind, f"{found[1]}T{(found[2] or '00:00:00').replace(',', '.')}"
        if f"{_OFFICE}time-value" in given:
            return self._duration(given[f"{_OFFICE}time-value"], name)
        value = numeral(given.get(f"{_OFFICE}value", ""))
        if value is None:
            raise damaged(f"cell {name} is a number without a value")
        return kind, value

    def _duration(self, value: str, name: str) -> tuple[CellKind, str] | None:
        """Times of day and durations are one in OpenDocument: below a day it is a time."""
        found = _DURATION.fullmatch(value)
        if found is None:
            raise damaged(f"cell {name} has the time {value[:50]!r}")
        sign, days, hours, minutes, seconds = found.groups(default="0")
        length = timedelta(
            days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds.replace(",", "."))
        )
        if sign != "-" and length < timedelta(days=1):
            return "text", str(length) if length >= timedelta(hours=10) else f"0{length}"
        self._oddities.durations.add(name)
        fraction = length / timedelta(days=1) * (-1 if sign == "-" else 1)
        return "numbers", numeral(repr(fraction)) or "0"


def _count(attributes: dict[str, str], name: str) -> int:
    text = attributes.get(f"{_TABLE}{name}", "1")
    if not text.isdecimal() or len(text) > 9:
        raise damaged(f"{name} is {text[:30]!r}")
    return max(int(text), 1)
