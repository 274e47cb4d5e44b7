"""Rows of a table that look like comments of its file: their first cell begins as comments do, as `# note, 3`.

A comment without a delimiter has too few fields and is refused; one with as many as the rows is a row like others.
"""

import re
from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_MARK: Final = re.compile(r"(?P<mark>#|//|%)(?![A-Z0-9/]+[!?]?$)[^0-9].*", re.DOTALL)
"""No error of a spreadsheet (`#DIV/0!`, `#N/A`), and no number (`#12`)."""
_MAY_BE: Final = r"^[ \t]*(#|//|%)"
_ROW_FRACTION: Final = 0.2
"""Where more of the rows begin so, they are values, such as hashtags."""
_LOOK_AGAIN: Final = 10_000
"""Number of rows after which it is decided whether they are values."""


def comment_mark(text: str) -> str | None:
    """What a text begins with, if it begins as a comment does."""
    found = _MARK.fullmatch(text.strip(" \t"))
    return found["mark"] if found else None


def find_comments(parts: Iterable[pa.Array]) -> dict[int, str]:
    """The rows that look like comments, and what each begins with.

    Args:
        parts: The cells of the first column, as text.
    """
    found: dict[int, str] = {}
    start = 0
    for cells in parts:
        indices = pc.indices_nonzero(pc.fill_null(pc.match_substring_regex(cells, pattern=_MAY_BE), False)).to_pylist()
        marks = {start + index: comment_mark(cells[index].as_py()) for index in indices}
        found.update({row: mark for row, mark in marks.items() if mark is not None})
        start += len(cells)
        if len(found) > max(1, _ROW_FRACTION * start) and start >= _LOOK_AGAIN:
            return {}
    return found if len(found) <= max(1, _ROW_FRACTION * start) else {}
