"""A sheet as delimited text: what its reader is to know beside the text, gathered while it is written.

A row of the sheet is a record of the text, an empty one a blank line, so that lines can be told as rows.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.faults import refused, too_large_unpacked, too_many_columns
from modelbus.evaluator.ingest.sources.sheets.sheet_rows import Cell, CellKind, SheetRow, cell_name
from modelbus.evaluator.ingest.table import Limits
from modelbus.shared.contracts.base import usable_name

_HEAD_ROWS: Final = 1000
"""The widest of the first rows, up to this number, sets the width of the table."""
_TEXTS_LIMIT: Final = 50
"""Different texts of a column that are known one by one."""
_QUOTE: Final = '"'
_NEEDS_QUOTES: Final = re.compile(r'[",\r\n]')
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PLACE: Final = re.compile(
    r"(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)|(?<!\w)\"(?:[^\"\\]|\\.)*\"(?!\w)|\b(lines?)\b((?: (?:to |and )?\d+,?)*)"
)


@dataclass
class SheetColumn:
    """What the cells of one column are."""

    last_rows: dict[CellKind, int] = field(default_factory=dict)
    """The last row with a cell of each kind, marks of missing values apart."""
    last_texts: dict[str, int] = field(default_factory=dict)
    """The last rows with each of the first texts."""
    last_other_text: int = 0
    """The last row with any other text."""
    has_marks: bool = False

    def kinds(self, name: str, header_row: int) -> dict[CellKind, int]:
        """The kinds of the cells below a row, each with its last row; the column's own name does not count."""
        found = {kind: row for kind, row in self.last_rows.items() if row > header_row}
        texts = [row for text, row in self.last_texts.items() if row > header_row and usable_name(text) != name]
        last_text = max([*texts, self.last_other_text], default=0)
        return found | ({"text": last_text} if last_text > header_row else {})


class SheetText:
    """What was written."""

    def __init__(self) -> None:
        self.first_column = 0
        """Where the table begins: the columns before it are empty."""
        self.columns: list[SheetColumn] = []
        self.size_bytes = 0
        self._long_lines = array("Q")
        """The lines at which records of several lines end."""
        self._extra = array("Q")
        """How many lines more than rows there are up to each of them."""

    def column(self, index: int) -> SheetColumn:
        """What is known of a column of the table, counted from 0."""
        while len(self.columns) <= index:
            self.columns.append(SheetColumn())
        return self.columns[index]

    def add_long(self, row: int, extra: int) -> None:
        """Note a record that takes more than one line."""
        before = self._extra[-1] if self._extra else 0
        self._extra.append(before + extra)
        self._long_lines.append(row + before + extra)

    def row_of(self, line: int) -> int:
        """The row of the sheet at a line of the text."""
        index = bisect_left(self._long_lines, line)
        before = self._extra[index - 1] if index else 0
        row = line - before
        if index < len(self._long_lines):
            # a line within a record belongs to its row
            row = min(row, self._long_lines[index] - self._extra[index])
        return row

    def in_rows(self, sentence: str) -> str:
        """A sentence about lines of the text as one about rows of the sheet; what it quotes stays."""
        return _PLACE.sub(self._place, sentence)

    def _place(self, found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        numbers = re.sub(r"\d+", lambda number: str(self.row_of(int(number[0]))), found[2])
        return ("rows" if found[1] == "lines" else "row") + numbers


def write_sheet(
    rows: Iterable[SheetRow], path: Path, *, marks: Sequence[str], comment: str | None, limits: Limits
) -> SheetText:
    """Write rows as delimited text with commas.

    Args:
        rows: Ascending by their numbers.
        path: The file to write.
        marks: Cells that mean "no value".
        comment: What comments begin with, where their sender says so.
        limits: What the table may not exceed.

    Raises:
        MalformedTable: There is no row.
        LimitExceeded: The text is too large, or the rows are too wide.
    """
    text = SheetText()
    ahead = iter(rows)
    head = list(islice(ahead, _HEAD_ROWS))
    if not head:
        raise refused("the sheet is empty", "a table with a header and at least one row")
    text.first_column = min(row.cells[0].column for row in head)
    width = max(row.cells[-1].column for row in head) + 1 - text.first_column
    if width > limits.column_limit:
        raise too_many_columns(width, limits.column_limit)
    with path.open("wb") as file:
        writer = _Writer(
            file, text, width, marks=frozenset(marks), comment=comment, limit_bytes=limits.unpacked_limit_bytes
        )
        for row in chain(head, ahead):
            writer.write(row)
    return text


class _Writer:
    def __init__(
        self,
        file: BinaryIO,
        text: SheetText,
        width: int,
        *,
        marks: frozenset[str],
        comment: str | None,
        limit_bytes: int,
    ) -> None:
        self._file = file
        self._text = text
        self._width = width
        self._marks = marks
        self._limit_bytes = limit_bytes
        self._row = 0
        self._comment = comment
        self._is_above = True
        """Whether all rows so far are comments."""

    def write(self, row: SheetRow) -> None:
        """Write a row, and a blank line for each row before it that is empty."""
        first = self._text.first_column
        if row.cells[0].column < first:
            name = cell_name(row.cells[0].column, row.number)
            problem = f"cell {name} is left of the table, which begins in column {cell_name(first, 1)[:-1]}"
            raise refused(problem, "a header above each column")
        cells = [""] * max(self._width, row.cells[-1].column + 1 - first)
        extra = 0
        is_comment = self._is_comment(row.cells[0])
        for cell in row.cells:
            cells[cell.column - first] = _field(cell.text) if cell.kind == "text" else cell.text
            extra += len(_LINE_END.findall(cell.text)) if cell.kind == "text" else 0
            if not is_comment:
                self._note(cell, row.number)
        data = ("\n" * (row.number - self._row - 1) + ",".join(cells) + "\n").encode("utf-8", "replace")
        self._row = row.number
        if extra:
            self._text.add_long(row.number, extra)
        self._text.size_bytes += len(data)
        if self._text.size_bytes > self._limit_bytes:
            raise too_large_unpacked(self._limit_bytes)
        self._file.write(data)

    def _is_comment(self, first: Cell) -> bool:
        """Whether a row is one that the reader of the text leaves out: by the option, or with `#` at the top."""
        mark = self._comment or ("#" if self._is_above else None)
        is_comment = mark is not None and first.kind == "text" and first.text.startswith(mark)
        self._is_above = self._is_above and is_comment
        return is_comment

    def _note(self, cell: Cell, row: int) -> None:
        """Note what a cell is."""
        column = self._text.column(cell.column - self._text.first_column)
        if cell.kind != "text":
            column.last_rows[cell.kind] = row
        elif cell.text.strip(" \t") in self._marks:
            column.has_marks = True
        elif cell.text in column.last_texts or len(column.last_texts) < _TEXTS_LIMIT:
            column.last_texts[cell.text] = row
        else:
            column.last_other_text = row


def _field(text: str) -> str:
    """A text as a field of delimited text; in quotes where it needs them."""
    return f'"{text.replace(_QUOTE, _QUOTE * 2)}"' if _NEEDS_QUOTES.search(text) else text


def mixed_warning(name: str, column: int, kinds: dict[CellKind, int], sheet: str) -> str:
    """The warning for a column whose cells are of several kinds.

    Args:
        name: The column's name.
        column: Its place in the sheet, from 0.
        kinds: The kinds, each with the row of its last cell.
        sheet: The name of the sheet.
    """
    ordered = sorted(kinds.items())
    listed = " and ".join(f"{kind} (such as {sheet}!{cell_name(column, row)})" for kind, row in ordered)
    return f"column {name!r} mixes {listed} and becomes text"
