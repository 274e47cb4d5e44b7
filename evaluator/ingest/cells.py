"""The bytes and lengths of a text column's cells as numpy sees them: checks on whole columns without a copy."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MISSING_MARKS = ("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "null", "NULL", "None", "?", "-")
"""Cells of delimited text that mean "no value"."""
TEXT_MISSING_MARKS = tuple(mark for mark in MISSING_MARKS if mark != "-")
"""The same in a column of text, where a dash may be a category beside a plus."""


def cell_lengths(values: pa.Array) -> npt.NDArray[np.int32]:
    """Bytes of each cell, shape (n_cells,)."""
    return np.diff(_offsets(values))


def cell_bytes(values: pa.Array) -> bytes:
    """All cells' bytes, one after the other."""
    offsets = _offsets(values)
    data = values.buffers()[2]
    return bytes(memoryview(data)[offsets[0] : offsets[-1]]) if data is not None else b""


def other_bytes(values: pa.Array, usual: bytes) -> bytes:
    """The cells' bytes that are none of ``usual``."""
    return cell_bytes(values).translate(None, usual)


def trimmed(values: pa.Array) -> pa.Array:
    """The cells without surrounding spaces and tabs."""
    data = cell_bytes(values)
    return pc.ascii_trim(values, characters=" \t") if b" " in data or b"\t" in data else values


def missing_mask(values: pa.Array, marks: tuple[str, ...]) -> pa.Array | None:
    """Which cells mean "no value", shape (n_cells,); ``None`` if no cell does. The cells are trimmed and not null."""
    if not marks or not len(values) or int(cell_lengths(values).min()) > max(len(mark.encode()) for mark in marks):
        return None
    mask = pc.is_in(values, value_set=pa.array(marks, pa.string()))
    return mask if pc.any(mask).as_py() else None


def try_cast(values: pa.Array, target: pa.DataType) -> pa.Array | None:
    """The cells as another type, ``None`` if one of them does not fit."""
    try:
        return pc.cast(values, target)
    except pa.ArrowInvalid:
        return None


def _offsets(values: pa.Array) -> npt.NDArray[np.int32]:
    buffer = values.buffers()[1]
    if buffer is None:
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(buffer, dtype=np.int32)[values.offset : values.offset + len(values) + 1]
