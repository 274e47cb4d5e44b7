"""The rows of a sheet, as workbooks of any kind give them. Values only."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

CellKind = Literal["text", "numbers", "booleans", "dates"]

NAMED_LIMIT: Final = 5
"""How many cells a warning names."""
_MERGED_LIMIT: Final = 100_000


@dataclass(slots=True)
class Cell:
    """One cell that holds something."""

    column: int
    """From 0."""
    kind: CellKind
    text: str
    """The value as it is written in delimited text: ``1.5``, ``true``, ``2024-01-31T10:00:00``."""


@dataclass(slots=True)
class SheetRow:
    """One row that is not empty."""

    number: int
    """From 1."""
    cells: list[Cell]
    """Ascending by column."""


@dataclass
class NamedCells:
    """Cells of which a warning says how many there are, and where the first ones are."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count a cell."""
        self.count += 1
        if len(self.first) < NAMED_LIMIT:
            self.first.append(name)

    def names(self, sheet: str) -> str:
        """The first ones, as a spreadsheet names them."""
        shown = ", ".join(f"{sheet}!{name}" for name in self.first)
        return f"{shown}, …" if self.count > len(self.first) else shown


@dataclass
class Oddities:
    """What was found in a sheet while its rows were read."""

    errors: NamedCells = field(default_factory=NamedCells)
    """Cells that hold an error, such as ``#DIV/0!``."""
    uncomputed: NamedCells = field(default_factory=NamedCells)
    """Cells with a formula whose result is not stored."""
    impossible_dates: NamedCells = field(default_factory=NamedCells)
    """Cells that are formatted as dates and hold no date."""
    durations: NamedCells = field(default_factory=NamedCells)
    """Cells that hold an elapsed time, read as days."""
    merged: list[tuple[str, int]] = field(default_factory=list)
    """Ranges of merged cells, each with its last row; the first 100,000."""

    def add_merged(self, name: str, last_row: int) -> None:
        """Note a range of merged cells."""
        if len(self.merged) < _MERGED_LIMIT:
            self.merged.append((name, last_row))

    def warnings(self, sheet: str, header_row: int) -> list[str]:
        """One sentence for each kind.

        Args:
            sheet: The name of the sheet.
            header_row: Cells that are merged above it, as titles are, get no warning.
        """
        counted = [
            (self.errors, "holds an error and is missing", "hold errors and are missing", ""),
            (
                self.uncomputed,
                "has a formula without a stored result and is missing",
                "have formulas without stored results and are missing",
                "; open the workbook in a spreadsheet program and save it, to store the results",
            ),
            (
                self.impossible_dates,
                "is formatted as a date, holds none and is missing",
                "are formatted as dates, hold none and are missing",
                "",
            ),
            (
                self.durations,
                "holds a duration, read as a number of days",
                "hold durations, read as numbers of days",
                "",
            ),
        ]
        found = [
            f"{_cells(cells, one, many)}: {cells.names(sheet)}{advice}"
            for cells, one, many, advice in counted
            if cells.count
        ]
        merged = NamedCells()
        for name, last_row in self.merged:
            if last_row > header_row:
                merged.add(name)
        if merged.count:
            what = "1 range of merged cells has" if merged.count == 1 else f"{merged.count} ranges of merged cells have"
            found.append(f"{what} a value in the first cell only: {merged.names(sheet)}")
        return found


def _cells(cells: NamedCells, one: str, many: str) -> str:
    return f"1 cell {one}" if cells.count == 1 else f"{cells.count} cells {many}"


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook."""

    name: str
    is_visible: bool
    place: str
    """Where its cells are in the archive; of OpenDocument its number among the sheets."""


class Workbook(Protocol):
    """A workbook that is open."""

    sheets: list[Sheet]
    """Those that hold cells of their own, in their order."""

    def rows(self, sheet: Sheet, oddities: Oddities) -> Iterator[SheetRow]:
        """The rows that are not empty, in their order.

        Raises:
            MalformedTable: The workbook is damaged.
            LimitExceeded: It is too large when unpacked.
        """


def cell_name(column: int, row: int) -> str:
    """How a spreadsheet names a cell: ``B7``.

    Args:
        column: From 0.
        row: From 1.
    """
    letters = ""
    rest = column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"
