"""The cells of a column that keep it text: how many, what they say, and in which rows the first ones lie."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SHOWN_CELLS: Final = 5
"""Number of cells that are shown with their lines."""
_DIFFERENT_LIMIT: Final = 1000
"""Maximum number of different texts that are counted."""

Mask = Callable[[pa.Array], pa.Array]
"""Which of some cells (trimmed, none missing) are of a type, shape (n_cells,)."""


@dataclass
class OddCells:
    """What was found in one column."""

    name: str
    count: int = 0
    """Odd cells."""
    value_count: int = 0
    """Cells with a value, odd or not."""
    texts: Counter[str] = field(default_factory=Counter)
    """The odd texts, the first 1,000 different ones."""
    first: list[tuple[int, str]] = field(default_factory=list)
    """The first ones: row of the dataset, from 0, and text."""
    example: tuple[int, str] | None = None
    """The first cell of the type: row and text."""
    rows: list[int] = field(default_factory=list)
    """The rows of the first ones, five at most, of different texts or not: what the columns of a table may share."""

    @property
    def fraction(self) -> float:
        """Of the cells with a value, how many are of the type."""
        return 1 - self.count / self.value_count if self.value_count else 0.0


def find_odd_cells(name: str, parts: Iterator[pa.Array], marks: tuple[str, ...], are_fit: Mask) -> OddCells:
    """Look through a column.

    Args:
        name: Of the column.
        parts: Its text cells; nulls have no value.
        marks: Cells that mean "no value" beside them.
        are_fit: Which cells are of the type.
    """
    found = OddCells(name)
    start = 0
    for cells in parts:
        values = pc.ascii_trim(cells, characters=" \t")
        has_value = pc.and_(pc.is_valid(cells), pc.invert(pc.is_in(values, value_set=pa.array(marks, pa.string()))))
        rows = np.flatnonzero(has_value.to_numpy(zero_copy_only=False))
        present = values.filter(has_value)
        if len(present):
            _add(found, present, rows + start, are_fit(present).to_numpy(zero_copy_only=False).astype(bool))
        start += len(cells)
    return found


def _add(found: OddCells, texts: pa.Array, rows: np.ndarray, is_fit: np.ndarray) -> None:
    found.value_count += len(texts)
    if found.example is None and is_fit.any():
        index = int(is_fit.argmax())
        found.example = int(rows[index]), texts[index].as_py()
    indices = np.flatnonzero(~is_fit)
    found.count += len(indices)
    found.rows += rows[indices[: SHOWN_CELLS - len(found.rows)]].tolist()
    known = {text for _, text in found.first}
    odd = texts.take(pa.array(indices))
    for text in pc.unique(odd).to_pylist():
        if len(found.first) < SHOWN_CELLS and text not in known:
            found.first.append((int(rows[indices[pc.index(odd, text).as_py()]]), text))
    for one in pc.value_counts(odd).to_pylist():
        if one["values"] in found.texts or len(found.texts) < _DIFFERENT_LIMIT:
            found.texts[one["values"]] += one["counts"]
