"""The rows that ``modelbus predict`` gets: from options, from a file, from standard input."""

import csv
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer

from modelbus.commands.terminal.session import settings_of

_CSV: Final = (".csv", ".tsv")
_JSON: Final = (".json", ".jsonl", ".ndjson")
_DELIMITERS: Final = ",;\t|"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class GivenRows:
    """Rows, and how they were given.

    Attributes:
        rows: A mapping from column to value each.
        is_text: Whether all their cells are text, as in CSV.
    """

    rows: Rows
    is_text: bool = False


def rows_of_options(given: Iterable[str]) -> GivenRows:
    """Read rows such as ``size=2.0,color=red``, or JSON objects.

    Raises:
        BadParameter: One is neither.
    """
    return GivenRows([_row_of_option(text) for text in given])


def rows_of_file(name: str) -> GivenRows:
    """Read the rows of a file, or of standard input where the name is ``-``.

    The file's name says whether it is CSV, TSV or JSON. Without such a name, what begins with ``[`` or ``{`` is JSON,
    and all else is CSV.

    Raises:
        BadParameter: It cannot be read, or has no rows.
    """
    try:
        text = _standard_input() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _wrong(f"cannot read {_title(name)}: {reason}") from error
    suffix = Path(name).suffix.lower()
    if suffix in _JSON or (suffix not in _CSV and text.lstrip()[:1] in ("[", "{")):
        return GivenRows(_objects(text, "--file"))
    return GivenRows(_table(text, name, "\t" if suffix == ".tsv" else None), is_text=True)


def _standard_input() -> str:
    # The terminal's encoding may be another one; a byte order mark is no part of the first name.
    return sys.stdin.buffer.read().decode("utf-8-sig")


def _row_of_option(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        return _objects(text, "--row")[0]
    # csv, so that a value in quotes may have a comma
    return settings_of(next(csv.reader([text]), []), "--row")


def _table(text: str, name: str, delimiter: str | None) -> Rows:
    """The rows of delimited text; a cell without text is a missing value."""
    lines = csv.reader(text.splitlines(keepends=True), delimiter=delimiter or _delimiter_of(text))
    try:
        cells = [line for line in lines if line]
    except csv.Error as error:
        raise _wrong(f"{_title(name)}, line {lines.line_num}: {error}") from error
    if len(cells) < 2:
        raise _wrong(f"{_title(name)} has no rows; expected: a line of column names, then one line for each row")
    header = [column.strip() for column in cells[0]]
    if twice := next((column for column in header if header.count(column) > 1), None):
        raise _wrong(f"{_title(name)} has two columns named {twice!r}")
    for number, line in enumerate(cells[1:], start=1):
        if len(line) != len(header):
            raise _wrong(f"{_title(name)}, row {number}: {len(line)} cells, but {len(header)} columns")
    return [{column: cell or None for column, cell in zip(header, line, strict=True)} for line in cells[1:]]


def _delimiter_of(text: str) -> str:
    """The delimiter that the header has most often outside of quotes; the comma if it has none."""
    header = text.lstrip().partition("\n")[0]
    return max(_DELIMITERS, key=re.sub(r'"[^"]*"', "", header).count)


def _objects(text: str, option: str) -> Rows:
    """JSON objects: one, a list of them, or one a line."""
    try:
        document = json.loads(text)
    except ValueError:
        try:
            document = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise typer.BadParameter(f"not valid JSON: {error}", param_hint=option) from None
    rows = document if isinstance(document, list) else [document]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise typer.BadParameter("expected: JSON objects, from column to value", param_hint=option)
    return rows


def _title(name: str) -> str:
    return "standard input" if name == "-" else name


def _wrong(problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint="--file")
