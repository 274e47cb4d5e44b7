"""The form of a column's reals, inferred while it streams: it tells each cell's text from its value.

``plain``: whole numbers have no point (``3``, ``4.5``). Without a name: all have one (``3.0``, ``4.5``), as the stored
column is written by itself. ``fixed:2``: two decimals throughout (``3.00``, ``4.50``). Cells in no common form are
kept as written (``kept``): a model that reads the column as text compares texts.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from modelbus.evaluator.ingest.cells.texts import all_bytes, cell_lengths, cell_starts
from modelbus.shared.tabular.cells.written import KEPT, PLAIN, fixed, real_texts

_EXACT_LENGTH: Final = 16
"""A point and fifteen digits: each such text is the shortest that means its number."""
_MODERATE: Final = (1e-3, 1e14)
"""Between these no number is written with an exponent."""
_POINT, _ZERO = b".0"
_SIGNS: Final = b"+-"


class RealForm:
    """The forms that are left of one column of reals."""

    def __init__(self) -> None:
        self._is_plain = True
        self._is_pointed = True
        self._decimals: int | None = None
        """Of all cells so far; -1 where they differ."""

    @property
    def name(self) -> str | None:
        """As a column's record has it."""
        if self._decimals is not None and self._decimals > 0 and not (self._is_plain or self._is_pointed):
            return fixed(self._decimals)
        if self._is_pointed:
            return None
        return PLAIN if self._is_plain else KEPT

    @property
    def is_open(self) -> bool:
        """Whether any form is left."""
        return self._is_plain or self._is_pointed or self._decimals != -1

    def feed_integers(self) -> None:
        """Take cells that are whole numbers as int64 writes them."""
        self._is_pointed = False
        self._decimals = -1

    def feed(self, cells: pa.Array, found: pa.Array) -> None:
        """Take cells.

        Args:
            cells: Trimmed texts, with a decimal point; nulls have no say.
            found: What they mean, float64.
        """
        if not self.is_open or cells.null_count == len(cells):
            return
        if cells.null_count:
            cells, found = cells.drop_null(), found.drop_null()
        is_short = cell_lengths(cells) <= _EXACT_LENGTH
        if not is_short.all():
            self._decimals = -1
            self._compare(cells.filter(pa.array(~is_short)), found.filter(pa.array(~is_short)))
            cells, found = cells.filter(pa.array(is_short)), found.filter(pa.array(is_short))
        if len(cells) and self.is_open:
            self._look(cells, found)

    def _compare(self, cells: pa.Array, found: pa.Array) -> None:
        """Take cells whose shortest text is not plain to see."""
        self._is_pointed = self._is_pointed and real_texts(found, None).equals(cells)
        self._is_plain = self._is_plain and real_texts(found, PLAIN).equals(cells)

    def _look(self, cells: pa.Array, found: pa.Array) -> None:
        """Take short cells, by the positions of their decimal points."""
        data, starts, lengths = all_bytes(cells), cell_starts(cells), cell_lengths(cells)
        decimals = _decimals(data, starts, lengths)
        if decimals is None or _has_odd_beginning(data, starts, lengths):
            self._decimals = -1
            self._compare(cells, found)
            return
        known = int(decimals[0]) if self._decimals is None else self._decimals
        self._decimals = known if known > 0 and (decimals == known).all() else -1
        size = np.abs(found.to_numpy(zero_copy_only=False))
        is_odd = (size > 0) & ((size < _MODERATE[0]) | (size >= _MODERATE[1]))
        if is_odd.any():
            self._compare(cells.filter(pa.array(is_odd)), found.filter(pa.array(is_odd)))
        has_point = decimals > 0
        ends_in_zero = has_point & (data[starts + lengths - 1] == _ZERO) & ~is_odd
        self._is_plain = self._is_plain and not ends_in_zero.any()
        self._is_pointed = self._is_pointed and bool(
            (has_point | is_odd).all() and not (ends_in_zero & (decimals > 1)).any()
        )


def _decimals(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32]
) -> npt.NDArray[np.int64] | None:
    """Digits behind the point of each cell, 0 without a point; None if a cell ends in its point, or has an exponent."""
    if (data > ord("9")).any():
        return None
    points = np.flatnonzero(data == _POINT)
    decimals = np.zeros(len(starts), dtype=np.int64)
    cells = np.arange(len(starts)) if len(points) == len(starts) else np.searchsorted(starts, points, "right") - 1
    decimals[cells] = (starts + lengths)[cells] - points - 1
    if (decimals[cells] < 1).any():
        return None
    return decimals


def _has_odd_beginning(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32]
) -> bool:
    """Whether a cell begins with a plus or, behind its sign, with a point."""
    first = data[starts]
    if (first == _SIGNS[0]).any() or (first == _POINT).any():
        return True
    signed = np.flatnonzero((first == _SIGNS[1]) & (lengths > 1))
    return bool((data[starts[signed] + 1] == _POINT).any())
