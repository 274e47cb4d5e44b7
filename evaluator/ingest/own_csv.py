"""CSV of our own that tells which columns are text, though their cells look like something else (``98765``, ``NA``).

It begins with a byte order mark; cells of text are in quotes and no others are; names of other columns are in quotes
that they do not need, those of text are not. No other program writes that: Excel sets no quotes that are not needed,
and who sets them everywhere sets them around all names, too. The writer is ``shared/tabular/text_export.py``.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from shared.tabular.text_export import BYTE_ORDER_MARK

_FIELD: Final = re.compile(r'("(?:[^"]|"")*"|[^,"\n]*)(,|\n|$)')
_NEEDS_QUOTES: Final = re.compile(r'^$|^[ ]|[ ]$|[",;|\t\r\n]')


def told_text(head: bytes, names: Sequence[str]) -> frozenset[str]:
    """The columns that a file says are text; none of a file that is not of our own.

    Args:
        head: The beginning of the file.
        names: Its columns.
    """
    if not head.startswith(BYTE_ORDER_MARK):
        return frozenset()
    records = list(_records(head.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "replace")))
    if len(records) < 2 or len(records[0]) != len(names):
        return frozenset()
    header, rows = records[0], [row for row in records[1:] if len(row) == len(names)]
    told = [_is_told(field, [row[position] for row in rows]) for position, field in enumerate(header)]
    if None in told or not any(told):
        return frozenset()
    return frozenset(name for name, is_text in zip(names, told, strict=True) if is_text)


def _is_told(name: str, cells: Sequence[str]) -> bool | None:
    """Whether a column is told to be text, or not to be; None where its quotes are not set as ours are."""
    present = [cell for cell in cells if cell not in ("", '""')]
    quoted = sum(cell.startswith('"') for cell in present)
    if 0 < quoted < len(present):
        return None
    is_text = quoted > 0
    is_quoted = name.startswith('"')
    if is_quoted and _NEEDS_QUOTES.search(name[1:-1].replace('""', '"')):
        return is_text
    if not present:
        return not is_quoted
    return is_text if is_text != is_quoted else None


def _records(text: str) -> Iterator[list[str]]:
    """The records that are whole, each field as it stands."""
    fields: list[str] = []
    place = 0
    while place < len(text):
        found = _FIELD.match(text, place)
        if found is None or found.end() == place or not found[2]:
            return
        fields.append(found[1])
        place = found.end()
        if found[2] == "\n":
            yield fields
            fields = []
