"""Cells that lie typed in the spool, so that they are read once, though a later cell may still make text of them.

A column is spooled typed only where its type tells how the cells were written: integers without zeros before
them, ``true`` and ``false``, days as ``2024-01-31`` and moments as ``2024-01-31T10:00:00``. Dates as people write them
lie there as a dictionary of their texts. All else lies there as written in the file.
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

DAYS: Final = pa.date32()
MOMENTS: Final = pa.timestamp("s")


def as_text(cells: pa.Array) -> pa.Array:
    """The cells as written in the file."""
    if pa.types.is_string(cells.type):
        return cells
    if cells.type == MOMENTS:
        return pc.strftime(cells, format="%Y-%m-%dT%H:%M:%S")
    return pc.cast(cells, pa.string())


def as_stored(cells: pa.Array, target: pa.DataType) -> pa.Array:
    """Typed cells, no dictionary, as the column's final type: whole numbers may have become reals."""
    # the nearest double is what their text would have become
    return cells if cells.type == target else pc.cast(cells, target, safe=False)
