"""A column's cells as text that reads back as the same values: what pages, CSV and JSON lines have in common."""

import pyarrow as pa
import pyarrow.compute as pc

JSON_INFINITY = "1e999"
"""How JSON lines write an infinite number: valid JSON, which every parser of doubles takes for infinity."""
_WHOLE = r"^-?[0-9]+$"
_MOMENT = r"^(.{10}) (.{8})(?:\.000000)?"


def cell_texts(cells: pa.Array) -> pa.Array:
    """Cells of any stored type as text; nulls stay.

    Reals have a point or an exponent (``1.0``, ``1e+20``), so that they read back as reals, and may be ``inf`` and
    ``-inf``; booleans are ``true`` and ``false``; dates are those of ``date_texts``.
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
    """Dates as ISO 8601, as Python's ``isoformat`` writes them: ``2024-01-31T10:00:00``, with a fraction if there is
    one, with ``+00:00`` if the column has zones. Nulls stay.
    """
    texts = pc.replace_substring_regex(pc.cast(cells, pa.string()), pattern=_MOMENT, replacement=r"\1T\2")
    return pc.replace_substring_regex(texts, pattern="Z$", replacement="+00:00") if cells.type.tz else texts
