"""CSV of our own that tells which columns are text, though their cells look like something else (``98765``, ``NA``).

It begins with a byte order mark; cells of text are in quotes and no others are; names of other columns are in quotes
that they do not need, those of text are not. No other program writes that: Excel sets no quotes that are not needed,
and who sets them everywhere sets them around all names, too. Quotes that are needed (``"1,234"``) tell nothing. The
writer is ``shared/tabular/tables/text_export.py``.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from modelbus.shared.contracts import ParseOptions
from modelbus.shared.tabular.tables.text_export import BYTE_ORDER_MARK, NAME_TO_QUOTE

_FIELD: Final = re.compile(r'("(?:[^"]|"")*"|[^,"\n]*)(,|\n|$)')
_NEEDS_QUOTES: Final = re.compile(r'[",;|\t\r\n]')
"""Cells that every program quotes. (Leading and trailing spaces need no quotes: other programs set none.)"""


def told_text(head: bytes, names: Sequence[str]) -> frozenset[str]:
    """The columns that a file says are text; none of a file that is not of our own.

    Args:
        head: The beginning of the file.
        names: Its columns.
    """
    told = _told(head)
    if told is None or len(told) != len(names):
        return frozenset()
    return frozenset(name for name, is_text in zip(names, told, strict=True) if is_text)


def own_options(head: bytes, options: ParseOptions) -> ParseOptions:
    """The options by which a file is read: of our own there is nothing to find out but what its sender said.

    Its first line is the header, though it may begin with ``#``, and each row is one, though it may look as units do.
    """
    if _told(head) is None or not options.has_header or not options.has_quotes:
        return options
    known = {
        "delimiter": ",",
        "skip_lines": 0,
        "skip_below_header": 0,
        "repeated_header": "keep",
        "skip_initial_space": False,
    }
    return options.model_copy(update={name: value for name, value in known.items() if getattr(options, name) is None})


def has_rows(head: bytes) -> bool:
    """Whether the beginning of a file has a header and a row below it, as whole records."""
    records = _records(head.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "replace"))
    return next(records, None) is not None and next(records, None) is not None


def _told(head: bytes) -> list[bool] | None:
    """Whether each column is marked as text; None for a file that is not our own."""
    if not head.startswith(BYTE_ORDER_MARK):
        return None
    records = list(_records(head.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "replace")))
    if len(records) < 2:
        return None
    width = len(records[0])
    rows = [row for row in records[1:] if len(row) == width]
    columns = [_Quotes(name, [row[index] for row in rows]) for index, name in enumerate(records[0])]
    told = [column.is_text for column in columns]
    if not any(column.has_needless for column in columns) or not any(told):
        return None
    return [bool(is_text) for is_text in told] if None not in told else None


class _Quotes:
    """What the quotes of one column say. Those that are needed say nothing."""

    def __init__(self, name: str, cells: Sequence[str]) -> None:
        present = [cell for cell in cells if cell not in ("", '""')]
        quoted = [cell for cell in present if cell.startswith('"')]
        self._has_bare = len(quoted) < len(present)
        self._has_needless_cells = any(not _NEEDS_QUOTES.search(_unquoted(cell)) for cell in quoted)
        is_quoted = name.startswith('"')
        self._has_needed_name = is_quoted and NAME_TO_QUOTE.search(_unquoted(name)) is not None
        self._has_needless_name = is_quoted and not self._has_needed_name

    @property
    def has_needless(self) -> bool:
        """Whether it has quotes that it does not need."""
        return self._has_needless_cells or self._has_needless_name

    @property
    def is_text(self) -> bool | None:
        """Whether the column is marked as text or as other; None where its quotes are not set as ours are."""
        by_name = None if self._has_needed_name else not self._has_needless_name
        if not self._has_bare and not self._has_needless_cells:
            return by_name is not False
        if self._has_bare and self._has_needless_cells:
            return None
        return self._has_needless_cells if by_name in (None, self._has_needless_cells) else None


def _unquoted(field: str) -> str:
    return field[1:-1].replace('""', '"')


def _records(text: str) -> Iterator[list[str]]:
    """The records that are whole, each field as written."""
    fields: list[str] = []
    offset = 0
    while offset < len(text):
        found = _FIELD.match(text, offset)
        if found is None or found.end() == offset or not found[2]:
            return
        fields.append(found[1])
        offset = found.end()
        if found[2] == "\n":
            yield fields
            fields = []
