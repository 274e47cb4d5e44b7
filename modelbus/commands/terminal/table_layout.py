"""How a table is laid out: wrapped where the terminal is narrow, never cut. Pure; prints nothing.

What does not fit goes in this order: some columns move below their row, long texts wrap, columns that help least are
left out, and at last each row becomes a list of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_GAP: Final = 2
_LEAST_WIDTH: Final = 12
"""A text is not wrapped to a narrower column than this."""
_WORD_WIDTH: Final = 20
"""A word is not broken up to this width: most names."""
_MEASURING: Final = Console(width=1000, color_system=None)


@dataclass(frozen=True)
class Column:
    """One column: its heading and its cells, each one line of harmless text."""

    heading: str
    cells: Sequence[str]
    is_number: bool = False
    """Whether it is aligned to the right."""
    is_whole: bool = False
    """Whether its cells are never wrapped: ids, numbers, times."""

    @property
    def natural_width(self) -> int:
        """The width that it takes without wrapping."""
        return max(map(cell_len, [self.heading, *self.cells]))

    @property
    def least_width(self) -> int:
        """The width below which it is not readable."""
        heading_width = max((cell_len(word) for word in self.heading.split()), default=1)
        if self.is_whole:
            return max(heading_width, *map(cell_len, self.cells))
        word_width = max(cell_len(word) for cell in [self.heading, *self.cells] for word in cell.split() or [""])
        return min(self.natural_width, max(_LEAST_WIDTH, min(word_width, _WORD_WIDTH)))


@dataclass(frozen=True)
class Layout:
    """What is printed of a table.

    Attributes:
        columns: Side by side.
        widths: One for each of them.
        below: Below each row, with their headings as labels.
        is_list: Whether each row is a list of headings and values instead.
    """

    columns: Sequence[Column]
    widths: Sequence[int]
    below: Sequence[Column] = field(default_factory=tuple)
    is_list: bool = False


def layout_of(
    columns: Sequence[Column], width: int | None, *, below: Sequence[str] = (), optional: Sequence[str] = ()
) -> Layout:
    """Choose how a table is laid out.

    Args:
        columns: All columns.
        width: The terminal's width; None for a file or a pipe: nothing is wrapped, moved or left out.
        below: Headings of the columns that may move below their row.
        optional: Headings of the columns that may be left out, the least useful first.
    """
    natural = [column.natural_width for column in columns]
    if width is None or _total(natural) <= width:
        return Layout(columns, natural)
    beside = [column for column in columns if column.heading not in below]
    moved = [column for column in columns if column.heading in below]
    for heading in [None, *optional]:
        beside = [column for column in beside if column.heading != heading]
        if _total([column.least_width for column in beside]) <= width:
            return Layout(beside, _shared_widths(beside, width), moved)
    return Layout(columns, natural, is_list=True)


def fitting_count(columns: Sequence[Column], width: int | None) -> int:
    """How many of the first columns fit side by side; one at least."""
    if width is None:
        return len(columns)
    count = len(columns)
    while count > 1 and _total([column.least_width for column in columns[:count]]) > width:
        count -= 1
    return count


def lines_of(layout: Layout, row_count: int, width: int | None) -> list[Text]:
    """The lines of a table.

    Args:
        layout: How it is laid out.
        row_count: How many rows it has.
        width: The terminal's width; None for lines of any length.
    """
    if layout.is_list:
        return [line for number in range(row_count) for line in _listed(layout.columns, number, width)]
    headings = [column.heading for column in layout.columns]
    lines = [Text(text, style="bold") for text in _row(headings, layout)]
    for number in range(row_count):
        lines += [Text(text) for text in _row([column.cells[number] for column in layout.columns], layout)]
        said = [(column.heading, column.cells[number]) for column in layout.below]
        text = ", ".join(f"{heading}: {cell}" for heading, cell in said if cell not in ("", "-"))
        if text:
            lines += [Text(f"  {part}", style="dim") for part in folded(text, None if width is None else width - 2)]
    return lines


def folded(text: str, width: int | None) -> list[str]:
    """A line in lines of no more than a width, between words where possible; nothing is lost but space."""
    if width is None or cell_len(text) <= width:
        return [text]
    return [line.plain.rstrip() for line in Text(text).wrap(_MEASURING, max(width, 2), overflow="fold")]


def _row(cells: Sequence[str], layout: Layout) -> list[str]:
    parts = [folded(cell, width) for cell, width in zip(cells, layout.widths, strict=True)]
    lines = []
    for number in range(max(map(len, parts), default=0)):
        line = ""
        for column, part, width in zip(layout.columns, parts, layout.widths, strict=True):
            text = part[number] if number < len(part) else ""
            space = " " * (width - cell_len(text))
            line += (space + text if column.is_number else text + space) + " " * _GAP
        lines.append(line.rstrip())
    return lines


def _listed(columns: Sequence[Column], number: int, width: int | None) -> list[Text]:
    """One row as headings and values below each other, and an empty line behind it."""
    pairs: Mapping[str, str] = {column.heading: column.cells[number] for column in columns}
    lines = []
    for heading, cell in pairs.items():
        first, *rest = folded(cell, None if width is None else width - 2)
        label = Text(f"{heading}: ", style="bold")
        if width is None or (not rest and cell_len(heading) + 2 + cell_len(first) <= width):
            lines.append(label.append(first, style="not bold"))
        else:
            lines += [Text(part, style="bold") for part in folded(f"{heading}:", width)]
            lines += [Text(f"  {part}") for part in (first, *rest)]
    return [*lines, Text("")]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * max(len(widths) - 1, 0)


def _shared_widths(columns: Sequence[Column], width: int) -> list[int]:
    """The natural widths, where need be less: the widest columns give first."""

    def at(level: int) -> list[int]:
        return [min(column.natural_width, max(level, column.least_width)) for column in columns]

    low, high = 0, max(column.natural_width for column in columns)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _total(at(middle)) <= width else (low, middle - 1)
    return at(low)
