"""The bytes and lengths of a text column's cells as numpy sees them: checks on whole columns without a copy.

Most columns need no closer look: no cell begins or ends with a space, few are as short as a mark of missing values.
So whatever takes longer (trimming, looking cells up) is done where there is a need, and for the cells that need it.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.table import Span
from modelbus.shared.tabular.cells.marks import MISSING_MARKS

_SPACE, _TAB = b" \t"
_NOTHING = np.zeros(0, dtype=np.uint8)

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int32]


def cell_lengths(values: pa.Array) -> Offsets:
    """Bytes of each cell, shape (n_cells,)."""
    return np.diff(_offsets(values))


def cell_starts(values: pa.Array) -> Offsets:
    """Where each cell begins in ``all_bytes``, shape (n_cells,)."""
    offsets = _offsets(values)
    starts: Offsets = offsets[:-1] - offsets[0]
    return starts


def all_bytes(values: pa.Array) -> Bytes:
    """All cells' bytes, one after the other, shape (n_bytes,): a view, not a copy."""
    offsets, data = _offsets(values), values.buffers()[2]
    return _NOTHING if data is None else np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]]


def cell_bytes(values: pa.Array) -> bytes:
    """The same as a copy, in which bytes are found and replaced fast."""
    return all_bytes(values).tobytes()


def other_bytes(values: pa.Array, usual: bytes) -> bytes:
    """The cells' bytes that are none of ``usual``."""
    return cell_bytes(values).translate(None, usual)


def trimmed(values: pa.Array) -> pa.Array:
    """The cells without surrounding spaces and tabs."""
    return pc.ascii_trim(values, characters=" \t") if _have_outer_spaces(values) else values


def missing_mask(values: pa.Array, marks: tuple[str, ...]) -> pa.Array | None:
    """Which of the cells, trimmed ones, mean "no value", shape (n_cells,); ``None`` if no cell does. Nulls do not."""
    if not marks:
        return None
    lengths = cell_lengths(values)
    indices = np.flatnonzero(lengths <= max(len(mark.encode()) for mark in marks))
    indices = indices[_may_be(marks, values, indices) | (lengths[indices] == 0)] if len(indices) else indices
    if not len(indices):
        return None
    are_all = len(indices) == len(values)
    short = values if are_all else values.take(pa.array(indices))
    found = pc.is_in(short, value_set=pa.array(marks, pa.string()))
    if not pc.any(found).as_py():
        return None
    if are_all:
        return found
    mask = np.zeros(len(values), dtype=bool)
    mask[indices] = found.to_numpy(zero_copy_only=False)
    return pa.array(mask)


def have_no_values(marks: tuple[str, ...]) -> bool:
    """Whether none of the marks reads as a value of any type, but for NaN, which is a mark everywhere."""
    return set(marks) <= set(MISSING_MARKS)


def try_cast(values: pa.Array, target: pa.DataType) -> pa.Array | None:
    """The cells as another type, ``None`` if one of them does not fit."""
    try:
        return pc.cast(values, target)
    except pa.ArrowInvalid:
        return None


def span_of(found: pa.Array) -> Span | None:
    """From the smallest to the largest of typed cells, none infinite; ``None`` if there is none but nulls."""
    ends = pc.min_max(found)
    low, high = ends["min"], ends["max"]
    if not low.is_valid:
        return None
    if pa.types.is_temporal(found.type):
        return Span(*(end.cast(pa.timestamp("us", getattr(found.type, "tz", None))).value for end in (low, high)))
    # a smallest zero may be -0.0
    return Span(low.as_py() + 0, high.as_py() + 0)


def _have_outer_spaces(values: pa.Array) -> bool:
    data = all_bytes(values)
    if not len(data):
        return False
    starts = cell_starts(values)
    # of an empty cell another cell's byte is looked at, which does no harm
    for indices in (starts, starts + cell_lengths(values) - 1):
        outer = data.take(indices, mode="clip")
        if ((outer == _SPACE) | (outer == _TAB)).any():
            return True
    return False


def _may_be(marks: tuple[str, ...], values: pa.Array, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether cells begin as a mark does: few short texts do, and to look them up takes ten times as long."""
    data = all_bytes(values)
    if not len(data):
        return np.zeros(len(indices), dtype=bool)
    is_first = np.zeros(256, dtype=bool)
    is_first[[mark.encode()[0] for mark in marks if mark]] = True
    return is_first[data.take(cell_starts(values)[indices], mode="clip")]


def _offsets(values: pa.Array) -> Offsets:
    buffer = values.buffers()[1]
    if buffer is None:
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(buffer, dtype=np.int32)[values.offset : values.offset + len(values) + 1]
