"""Printing: tables for people that fit 80 columns, exactly one JSON document for programs, errors with their fields."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from modelbus.shared.errors import ModelbusError

if TYPE_CHECKING:
    from pydantic import BaseModel

_COLUMN_LIMIT: Final = 8
_CELL_LIMIT: Final = 30
_DETAIL_LIMIT: Final = 10


class Printer:
    """Standard output, in the form that was asked for."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.console = Console(highlight=False)

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

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
        """Print a table; numbers stand right, what is too long is cut with an ellipsis.

        Args:
            headings: The names of its columns; the first one is never cut.
            rows: Its rows.
            empty: The sentence that is printed when there are none.
        """
        rows = [list(row) for row in rows]
        if not rows:
            self.console.print(empty, markup=False)
            return
        grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for position, heading in enumerate(headings):
            is_number = all(isinstance(row[position], (int, float)) or row[position] is None for row in rows)
            grid.add_column(
                heading,
                justify="right" if is_number else "left",
                overflow="ellipsis",
                no_wrap=True,
                ratio=None,
                min_width=min(len(heading), 6),
            )
        for row in rows:
            grid.add_row(*(Text(cell_text(cell)) for cell in row))
        self.console.print(grid)

    def facts(self, facts: Mapping[str, Any]) -> None:
        """Print names and values below each other; what has no value is left out."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in facts.items():
            if value not in (None, "", [], {}):
                grid.add_row(name, Text(value if isinstance(value, str) else fact_text(value)))
        self.console.print(grid)

    def rows(self, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Print rows of a dataset: the first columns, as many as can be read."""
        shown = list(columns)[:_COLUMN_LIMIT]
        self.table(shown, [[row.get(name) for name in shown] for row in rows], empty="No rows.")
        if len(columns) > len(shown):
            self.say(f"and {len(columns) - len(shown)} more columns; --columns chooses, --json has all")

    def say(self, sentence: str) -> None:
        """Print a sentence for people; nothing for programs."""
        if not self.as_json:
            self.console.print(sentence, markup=False)

    def warn(self, sentences: Iterable[str]) -> None:
        """Print what is to be noticed."""
        for sentence in sentences if not self.as_json else ():
            self.console.print(Text.assemble(("note: ", "yellow"), sentence))


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
    """A value as a table's cell shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    # control characters of a stranger's data must not reach the terminal
    text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return text if len(text) <= _CELL_LIMIT or _is_id(text) else f"{text[: _CELL_LIMIT - 1]}…"


def fact_text(value: Any) -> str:
    """A value as a fact shows it: mappings and lists in one line each, whole."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={cell_text(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(cell_text(inner) for inner in value)
    return cell_text(value)


def print_error(error: ModelbusError, *, as_json: bool) -> None:
    """Print an error on standard error: the sentence, each field at fault, and the id to look for in the logs."""
    if as_json:
        document = {"code": error.code, "message": error.message, "details": error.details}
        told = {"error": {**document, "correlation_id": error.correlation_id}}
        sys.stderr.write(json.dumps(told, indent=2, default=str) + "\n")
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), error.message))
    for detail in error.details[:_DETAIL_LIMIT]:
        console.print(Text(f"  {_detail_text(detail)}"))
    if len(error.details) > _DETAIL_LIMIT:
        console.print(Text(f"  and {len(error.details) - _DETAIL_LIMIT} more; --json has all"))
    if error.correlation_id:
        console.print(Text(f"  ({error.code}, correlation id {error.correlation_id})", style="dim"))


def _detail_text(detail: Mapping[str, Any]) -> str:
    parts = [str(detail.get("problem", ""))]
    if "expected" in detail:
        parts.append(f"expected: {fact_text(detail['expected'])}")
    if "given" in detail:
        parts.append(f"given: {cell_text(detail['given'])}")
    place = ", ".join(str(detail[name]) for name in ("where", "column") if detail.get(name))
    return f"{place}: {'; '.join(part for part in parts if part)}"


def _is_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
