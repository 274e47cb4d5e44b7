"""Pieces of HTML for notebooks: a panel of facts, tables and notes; every text is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

ROW_LIMIT: Final = 20
"""Rows of a table; the others are counted below it."""
_TEXT_LIMIT: Final = 200
_NOTE_LIMIT: Final = 20


def panel(title: str, facts: Mapping[str, Any], *parts: str, notes: Iterable[str] = ()) -> str:
    """An answer as a whole.

    Args:
        title: The heading, such as ``dataset shop``.
        facts: Names and values; those without a value are left out.
        parts: HTML of ``table``.
        notes: Sentences to notice, such as warnings.
    """
    known = {name: value for name, value in facts.items() if value not in (None, "", [], {})}
    said = " · ".join(f"{escape(name)} <b>{_text(value)}</b>" for name, value in known.items())
    items = "".join(f"<li>{escape(note)}</li>" for note in list(notes)[:_NOTE_LIMIT])
    return (
        f'<div class="modelbus"><p><b>{escape(title)}</b><br>{said}</p>{"".join(parts)}'
        f"{f'<ul>{items}</ul>' if items else ''}</div>"
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]], *, bold: Iterable[tuple[int, int]] = ()) -> str:
    """A table of at most ``ROW_LIMIT`` rows.

    Args:
        headings: The names of the columns.
        rows: The cells.
        bold: Row and column of the cells to emphasize.
    """
    strong = set(bold)
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(
        f"<tr>{''.join(_cell(cell, (number, place) in strong) for place, cell in enumerate(row))}</tr>"
        for number, row in enumerate(rows[:ROW_LIMIT])
    )
    left = len(rows) - ROW_LIMIT
    more = f"<p>and {left:,} more row{'' if left == 1 else 's'}</p>" if left > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: Any, is_bold: bool) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    style = "right" if is_number else "left"
    text = f"<b>{_text(value)}</b>" if is_bold else _text(value)
    return f'<td style="text-align: {style}">{text}</td>'


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, Mapping):
        value = ", ".join(f"{name}={one}" for name, one in value.items())
    elif isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    text = str(value)
    return escape(text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}…")
