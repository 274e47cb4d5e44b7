"""Cells that are booleans: true/false, yes/no, t/f, y/n in any case. 0 and 1 are numbers."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from evaluator.ingest.cells import cell_lengths
from evaluator.ingest.table import ColumnPlan

_PAIRS = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
_TRUE = pa.array(["true", "yes", "t", "y"])
_FALSE = pa.array(["false", "no", "f", "n"])
_LONGEST = len("false")
_SHARE = 0.9
"""So many cells are of one pair where the others are told: a third word is mostly a category of its own."""
_WRITTEN = {"true", "false"}
"""As Arrow writes booleans."""


def to_booleans(values: pa.Array) -> pa.Array:
    """Cells that the candidate accepted as booleans. Nulls stay."""
    return pc.if_else(
        pc.is_null(values), pa.scalar(None, pa.bool_()), pc.is_in(pc.ascii_lower(values), value_set=_TRUE)
    )


def to_sure_booleans(cells: pa.Array) -> pa.Array | None:
    """Cells as they stand in the file as booleans, if each of them is one. Nulls stay."""
    found = to_booleans(cells)
    is_false = pc.is_in(pc.ascii_lower(cells), value_set=_FALSE)
    return found if found.true_count + is_false.true_count == len(cells) - cells.null_count else None


class Booleans:
    """The candidate "booleans" of one column: all cells are of one pair.

    One word alone says little, unless it is true or false: a column of nothing but ``f`` may well be of sexes, and one
    of nothing but ``NO`` of countries. Both words must occur.
    """

    def __init__(self) -> None:
        self.refusal: str | None = None
        self._seen: set[str] = set()

    def accepts(self, values: pa.Array) -> bool:
        """Whether these cells (trimmed, none missing, at least one) fit as well."""
        if int(cell_lengths(values).max()) > _LONGEST:
            return False
        self._seen.update(pc.unique(pc.ascii_lower(values)).to_pylist())
        return any(self._seen <= pair for pair in _PAIRS)

    def read_surely(self, cells: pa.Array) -> pa.Array | None:
        """Booleans where they are written as Arrow writes them, else the cells, if all of them are of the pair."""
        if self._seen <= _WRITTEN:
            written = pc.equal(cells, "true")
            if written.true_count + pc.equal(cells, "false").true_count == len(cells) - cells.null_count:
                return written
        if int(cell_lengths(cells).max()) > _LONGEST:
            return None
        return cells if set(pc.unique(pc.ascii_lower(cells)).to_pylist()) <= self._seen | {None} else None

    def plan(self, name: str) -> ColumnPlan | None:
        """How to read the column, ``None`` if its cells say too little."""
        if len(self._seen) == 1 and not self._seen <= _WRITTEN:
            return None
        return ColumnPlan(name, "boolean")

    def notes(self) -> list[str]:
        """Nothing that somebody should know."""
        return []


def boolean_words(counts: Mapping[str, int], distinct: int) -> list[str] | None:
    """The two words, in small letters, that nearly all texts are, where another one keeps the column text.

    Args:
        counts: The most frequent texts and how often they occur.
        distinct: How many different texts there are.
    """
    total = sum(counts.values())
    for pair in _PAIRS:
        fits = {text.strip().lower(): count for text, count in counts.items() if text.strip().lower() in pair}
        is_nearly_all = sum(count for text, count in counts.items() if text.strip().lower() in pair) >= _SHARE * total
        if fits.keys() == pair and is_nearly_all and distinct > len(fits):
            return sorted(pair)
    return None
