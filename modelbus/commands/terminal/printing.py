"""Printing: tables and sentences for people, exactly one JSON document for programs.

On a terminal, what is wide is wrapped; where the output goes to a file or a pipe, nothing is cut, wrapped or coloured.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from rich.console import Console
from rich.text import Text

from modelbus.commands.terminal.shown_text import shown, shown_in_line, words
from modelbus.commands.terminal.table_layout import Column, fitting_count, folded, layout_of, lines_of
from modelbus.commands.terminal.times import time_text, time_text_with_zone, zone_name

if TYPE_CHECKING:
    from pydantic import BaseModel

_COLUMN_LIMIT: Final = 8
"""Columns of a dataset that are shown side by side on a terminal."""
_VALUE_LIMIT: Final = 40
"""Characters of a dataset's value that are shown on a terminal."""


class Printer:
    """Standard output, for people or for programs."""

    def __init__(self, *, as_json: bool = False, no_color: bool | None = None, console: Console | None = None) -> None:
        """Args:
        as_json: Whether a program reads the output.
        no_color: Whether colours are left out; by default as the terminal and ``NO_COLOR`` have it.
        console: Where to print; by default standard output.
        """
        self.as_json = as_json
        self.console = console or Console(highlight=False, no_color=no_color or None)

    @property
    def width(self) -> int | None:
        """The terminal's width; None where the output is no terminal, and lines may have any length."""
        return self.console.width if self.console.is_terminal else None

    def can_show(self, text: str) -> bool:
        """Whether the output's encoding has all characters of a text."""
        try:
            text.encode(self.console.encoding)
        except (LookupError, UnicodeEncodeError):
            return False
        return True

    def show(self, document: "BaseModel | Mapping[str, Any] | Sequence[BaseModel]", people: Callable[[], None]) -> None:
        """Print one answer.

        Args:
            document: What programs get.
            people: Prints the same for people.
        """
        if self.as_json:
            sys.stdout.write(json.dumps(plain(document), indent=2, default=str) + "\n")
        else:
            people()

    def table(
        self,
        headings: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        empty: str,
        below: Sequence[str] = (),
        optional: Sequence[str] = (),
    ) -> None:
        """Print a table. Numbers are aligned to the right, times are in the terminal's zone, which the heading names.

        Args:
            headings: The names of its columns.
            rows: Its rows.
            empty: The sentence that is printed when there are none.
            below: Headings of columns that move below their row on a narrow terminal.
            optional: Headings of columns that a narrow terminal leaves out, the least useful first.
        """
        rows = [list(row) for row in rows]
        if not rows:
            self.say(empty)
            return
        columns = columns_of(headings, rows)
        labels = {heading: column.heading for heading, column in zip(headings, columns, strict=True)}
        layout = layout_of(
            columns,
            self.width,
            below=[labels[heading] for heading in below],
            optional=[labels[heading] for heading in optional],
        )
        for line in lines_of(layout, len(rows), self.width):
            self._print(line)

    def facts(self, facts: Mapping[str, Any]) -> None:
        """Print names and values below each other; names without a value are left out."""
        said = {shown_in_line(name): value for name, value in facts.items() if value not in (None, "", [], {})}
        name_width = max(map(len, said), default=0)
        value_width = None if self.width is None else max(self.width - name_width - 2, 20)
        for name, value in said.items():
            text = shown(value if isinstance(value, str) else fact_text(value))
            lines = [part for line in text.split("\n") for part in folded(line, value_width)]
            for number, line in enumerate(lines):
                label = f"{name if number == 0 else '':<{name_width}}  "
                self._print(Text.assemble((label, "bold"), line))

    def rows(self, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, chooser: str = "--columns") -> None:
        """Print rows of a dataset: on a terminal the first columns, as many as fit; elsewhere all of them.

        Args:
            columns: The names of all columns.
            rows: The rows.
            chooser: The option that chooses columns.
        """
        if not rows:
            self.say("No rows.")
            return
        cells = [[self._value(row.get(name)) for name in columns] for row in rows]
        limit = len(columns) if self.width is None else _COLUMN_LIMIT
        count = fitting_count(columns_of(columns[:limit], [row[:limit] for row in cells]), self.width)
        self.table(columns[:count], [row[:count] for row in cells], empty="")
        if len(columns) > count:
            left = len(columns) - count
            self.say(f"{left} more {'column' if left == 1 else 'columns'}; {chooser} chooses, --json has all")

    def say(self, sentence: str) -> None:
        """Print a sentence for people; nothing for programs."""
        if not self.as_json:
            self._print(words(sentence))

    def note(self, sentence: str) -> None:
        """Print a sentence for people on standard error, where standard output is for one value alone."""
        if not self.as_json:
            sys.stderr.write(f"{shown(sentence)}\n")

    def warn(self, sentences: Iterable[str]) -> None:
        """Print notes, each in a line of its own."""
        for sentence in sentences if not self.as_json else ():
            for line in shown(f"note: {sentence}").split("\n"):
                for part in folded(line, self.width):
                    text = Text(part)
                    text.highlight_regex("^note:", "yellow")
                    self._print(text)

    def _value(self, value: Any) -> Any:
        """A dataset's value: on a terminal the beginning of a long text."""
        if self.width is None or not isinstance(value, str) or len(value) <= _VALUE_LIMIT:
            return value
        return f"{value[: _VALUE_LIMIT - 3]}..."

    def _print(self, line: Text) -> None:
        # The terminal wraps what is wider than it: a command that is copied from a sentence stays in one piece.
        self.console.print(line, soft_wrap=True)


def columns_of(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Column]:
    """The columns of a table, as text.

    Args:
        headings: Their names.
        rows: One row at least, each with a value for each column.
    """
    columns = []
    for heading, values in zip(headings, zip(*rows, strict=True), strict=True):
        given = [value for value in values if value is not None]
        is_number = bool(given) and all(isinstance(value, (int, float)) for value in given)
        is_time = bool(given) and all(isinstance(value, datetime) for value in given)
        label = f"{shown_in_line(heading)} ({zone_name()})" if is_time else shown_in_line(heading)
        cells = ["-" if value is None else time_text(value) if is_time else cell_text(value) for value in values]
        is_whole = is_number or is_time or all(isinstance(value, str) and _is_id(value) for value in given)
        columns.append(Column(label, cells, is_number=is_number, is_whole=is_whole))
    return columns


def plain(document: Any) -> Any:
    """The document as JSON has it."""
    if hasattr(document, "model_dump"):
        return document.model_dump(mode="json")
    if isinstance(document, Mapping):
        return {name: plain(value) for name, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [plain(one) for one in document]
    return document


def cell_text(value: Any) -> str:
    """A value as a table's cell shows it: one line, whole."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        short = f"{value:.6g}"
        return f"{value:.0f}" if "e+" in short and abs(value) < 1e15 else short
    if isinstance(value, datetime):
        return time_text_with_zone(value)
    return shown_in_line(value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))


def fact_text(value: Any) -> str:
    """A value as a fact shows it: mappings and lists in one line each, whole."""
    if isinstance(value, Mapping):
        return ", ".join(f"{shown_in_line(name)}={cell_text(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(cell_text(inner) for inner in value)
    return cell_text(value)


def _is_id(text: str) -> bool:
    try:
        return len(text) == 36 and bool(UUID(text))
    except ValueError:
        return False
