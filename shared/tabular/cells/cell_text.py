"""Cells as text that can be read back as the same values: shared by pages, CSV and JSON lines."""

import pyarrow as pa
import pyarrow.compute as pc

JSON_INFINITY = "1e999"
"""An infinite number in JSON lines: valid JSON, which parsers of doubles read as infinity."""
_WHOLE = r"^-?[0-9]+$"
_MOMENT = r"^(.{10}) (.{8})(?:\.000000)?"


def cell_texts(cells: pa.Array) -> pa.Array:
    """Convert cells of any stored type to text; nulls stay null.

    Reals have a point or an exponent (``1.0``, ``1e+20``), so that they are read back as reals, or are ``inf`` and
    ``-inf``; booleans are ``true`` and ``false``; dates are as by ``date_texts``.
    """
    if pa.types.is_string(cells.type):
        return cells
    if pa.types.is_timestamp(cells.type):
        return date_texts(cells)
    texts = pc.cast(cells, pa.string())
    if not pa.types.is_floating(cells.type):
        return texts
    is_whole = pc.match_substring_regex(texts, pattern=_WHOLE)
    if not pc.any(is_whole).as_py():
        return texts
    return pc.if_else(is_whole, pc.binary_join_element_wise(texts, ".0", ""), texts)


def date_texts(cells: pa.Array) -> pa.Array:
    """Convert dates to ISO 8601 like Python's ``isoformat``: ``2024-01-31T10:00:00``, with a fraction if there is one,
    and with ``+00:00`` if the column has time zones. Nulls stay null.
    """
    texts = pc.replace_substring_regex(pc.cast(cells, pa.string()), pattern=_MOMENT, replacement=r"\1T\2")
    return pc.replace_substring_regex(texts, pattern="Z$", replacement="+00:00") if cells.type.tz else texts
