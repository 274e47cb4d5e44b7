"""Excel workbooks (.xlsx, .xlsm): ECMA-376, in its transitional and its strict form."""

import posixpath
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.sources.sheets.number_formats import FormatKind, format_kind
from modelbus.evaluator.ingest.sources.sheets.serial_dates import date_text, numeral, time_text
from modelbus.evaluator.ingest.sources.sheets.sheet_rows import Cell, CellKind, Oddities, Sheet, SheetRow, cell_name
from modelbus.evaluator.ingest.sources.sheets.xlsx_strings import SharedStrings, plain_characters, read_strings
from modelbus.evaluator.ingest.sources.sheets.xml_parts import FoundElements, Handlers, Parts, damaged

_COLUMN_LIMIT: Final = 16_384
_ROW_LIMIT: Final = 1_048_576


class XlsxWorkbook:
    """A workbook that is open."""

    def __init__(self, source: BinaryIO, limit_bytes: int) -> None:
        """Args:
        source: The file.
        limit_bytes: Of each part of it, unpacked.

        Raises:
            MalformedTable: It is damaged.
            LimitExceeded: A part of it is too large.
        """
        self._parts = Parts(source, limit_bytes)
        package = dict(_relationships(self._parts, "").values())
        workbook = package.get("officeDocument", "xl/workbook.xml")
        found = FoundElements.of(self._parts, workbook, "sheet", "workbookPr").found
        self._is_1904 = any(one.get("date1904") in ("1", "true") for name, one in found if name == "workbookPr")
        targets = _relationships(self._parts, workbook)
        self.sheets = [
            Sheet(one["name"], one.get("state", "visible") == "visible", targets[one.get("id", "")][1])
            for name, one in found
            if name == "sheet" and targets.get(one.get("id", ""), ("", ""))[0] == "worksheet" and "name" in one
        ]
        by_kind = dict(targets.values())
        self._strings_part = by_kind.get("sharedStrings")
        self._formats = _formats(self._parts, by_kind.get("styles"))
        self._strings: SharedStrings | None = None

    def rows(self, sheet: Sheet, oddities: Oddities) -> Iterator[SheetRow]:
        """The rows that are not empty, in their order.

        Raises:
            MalformedTable: The workbook is damaged.
            LimitExceeded: It is too large when unpacked.
        """
        if self._strings is None:
            self._strings = read_strings(self._parts, self._strings_part)
        cells = _SheetCells(self._strings, self._formats, oddities, is_1904=self._is_1904)
        for _ in self._parts.parse(sheet.place, cells):
            while cells.rows:
                yield cells.rows.popleft()


def _relationships(parts: Parts, part: str) -> dict[str, tuple[str, str]]:
    """By their ids, the kinds and the places of what a part refers to."""
    folder, name = posixpath.split(part)
    place = posixpath.join(folder, "_rels", f"{name}.rels")
    if not parts.has(place):
        return {}
    found = FoundElements.of(parts, place, "Relationship").found
    return {
        one.get("Id", ""): (
            one.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/"),
        )
        for _, one in found
        if one.get("TargetMode") != "External"
    }


def _formats(parts: Parts, styles: str | None) -> list[FormatKind]:
    """For each style of cells, what its number format makes of numbers."""
    if styles is None or not parts.has(styles):
        return []
    codes: dict[int, str] = {}
    kinds: list[FormatKind] = []
    for name, one in _StyleElements.of(parts, styles, "numFmt", "xf").found:
        if name == "numFmt":
            codes[_whole(one.get("numFmtId"))] = one.get("formatCode", "")
        else:
            number = _whole(one.get("numFmtId"))
            kinds.append(format_kind(number, codes.get(number)))
    return kinds


class _StyleElements(FoundElements):
    """Number formats and the styles of cells, but not the named styles that these are derived from."""

    _is_within_cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = self.local(name)
        if local == "cellXfs":
            self._is_within_cells = True
        elif local == "numFmt" or (local == "xf" and self._is_within_cells):
            super().start(name, attributes)

    def end(self, name: str) -> None:
        if self.local(name) == "cellXfs":
            self._is_within_cells = False


def _whole(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError as error:
        raise damaged(f"{text!r:.100} is not a number") from error


_KINDS: Final[dict[str, CellKind]] = {"s": "text", "str": "text", "inlineStr": "text", "b": "booleans", "d": "dates"}


class _SheetCells(Handlers):
    """Takes a sheet's XML, and gives its rows."""

    def __init__(self, strings: SharedStrings, formats: list[FormatKind], oddities: Oddities, *, is_1904: bool) -> None:
        super().__init__()
        self._strings = strings
        self._formats = formats
        self._oddities = oddities
        self._is_1904 = is_1904
        self.rows: deque[SheetRow] = deque()
        self._row = 0
        self._column = -1
        self._cells: list[Cell] = []
        self._type = self._style = ""
        self._value: list[str] | None = None
        """Of the cell that is open; None where it holds nothing."""
        self._is_taken = self._is_phonetic = self._has_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        local = self.local(name)
        if local == "c":
            self._column = _column_of(attributes.get("r"), self._column + 1)
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._value, self._has_formula = None, False
        elif local == "v" or (local == "t" and not self._is_phonetic):
            self._value = self._value or []
            self._is_taken = True
        elif local == "row":
            self._begin_row(attributes.get("r"))
        elif local == "f":
            self._has_formula = True
        elif local == "rPh":
            self._is_phonetic = True
        elif local == "mergeCell":
            reference = attributes.get("ref", "")[:30]
            self._oddities.add_merged(reference, _last_row(reference))

    def text(self, text: str) -> None:
        """Text of a value."""
        if self._is_taken and self._value is not None:
            self._value.append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        local = self.local(name)
        if local in ("v", "t"):
            self._is_taken = False
        elif local == "c":
            self._end_cell()
        elif local == "row":
            if self._cells:
                self._cells.sort(key=lambda cell: cell.column)
                self.rows.append(SheetRow(self._row, self._cells))
                self._cells = []
        elif local == "rPh":
            self._is_phonetic = False

    def _begin_row(self, given: str | None) -> None:
        row = _whole(given) if given else self._row + 1
        if not self._row < row <= _ROW_LIMIT:
            raise damaged(f"row {row} follows row {self._row}")
        self._row, self._column = row, -1

    def _end_cell(self) -> None:
        value = "".join(self._value or ())
        if not value:
            if self._has_formula and self._type != "str":
                self._oddities.uncomputed.add(cell_name(self._column, self._row))
            return
        if self._type == "e":
            self._oddities.errors.add(cell_name(self._column, self._row))
            return
        found = self._cell(value)
        if found is not None and found[1]:
            self._cells.append(Cell(self._column, *found))

    def _cell(self, value: str) -> tuple[CellKind, str] | None:
        kind = _KINDS.get(self._type)
        if self._type == "s":
            return "text", self._strings[_whole(value)]
        if kind == "text":
            return "text", plain_characters(value)
        if kind == "booleans":
            return "booleans", "true" if value.strip() in ("1", "true") else "false"
        if kind == "dates":
            return "dates", value.strip().removesuffix("Z")
        return self._number(value.strip())

    def _number(self, value: str) -> tuple[CellKind, str] | None:
        text = numeral(value)
        if text is None:
            return "text", value
        style = _whole(self._style)
        kind = self._formats[style] if style < len(self._formats) else "number"
        if kind == "number":
            return "numbers", text
        if kind == "duration":
            self._oddities.durations.add(cell_name(self._column, self._row))
            return "numbers", text
        if kind == "time" and 0 <= float(text) < 1:
            return "text", time_text(float(text))
        found = date_text(float(text), is_1904=self._is_1904)
        if found is None:
            self._oddities.impossible_dates.add(cell_name(self._column, self._row))
            return None
        return "dates", found


def _last_row(reference: str) -> int:
    """The last row of a range such as ``A6:B7``."""
    digits = reference.rpartition(":")[2].lstrip("$ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return int(digits) if digits.isdecimal() else 0


_LETTERS: Final = {letter: number for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", start=1)}


def _column_of(reference: str | None, following: int) -> int:
    """The column of a cell, from 0: by its name, else the one that follows the cell before."""
    if reference is None:
        return following
    column = 0
    for letter in reference:
        number = _LETTERS.get(letter)
        if number is None:
            break
        column = column * 26 + number
    if not 1 <= column <= _COLUMN_LIMIT:
        raise damaged(f"{reference[:30]!r} is not the name of a cell")
    return column - 1
