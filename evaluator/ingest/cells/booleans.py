"""Cells that are booleans: true and false, in any case. 0 and 1 are numbers; yes and no, Y and N are words like others.

A table that is read next month may hold a third word beside yes and no, and a label is answered as it was written: so
only what every program takes for a truth value becomes one.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.texts import cell_lengths
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.tabular.cells.written import KEPT

_WORDS = frozenset({"true", "false"})
_LONGEST = len("false")
_CASES = ((str.lower, None), (str.capitalize, "True/False"), (str.upper, "TRUE/FALSE"))
"""How both words may be written, and the name of that form."""
_FRACTION = 0.9
"""The fraction of cells from which the others are reported: below it, a third word is likely to be a category."""


def to_booleans(values: pa.Array) -> pa.Array:
    """Cells that the candidate accepted as booleans. Nulls stay."""
    return pc.equal(pc.ascii_lower(values), "true")


def to_sure_booleans(cells: pa.Array) -> pa.Array | None:
    """Cells as written in the file as booleans, if each of them is one. Nulls stay."""
    found = to_booleans(cells)
    is_false = pc.equal(pc.ascii_lower(cells), "false")
    return found if found.true_count + is_false.true_count == len(cells) - cells.null_count else None


class Booleans:
    """The candidate "booleans" of one column."""

    def __init__(self) -> None:
        self.refusal: str | None = None
        self._written: set[str] = set()

    def accepts(self, values: pa.Array) -> bool:
        """Whether these cells (trimmed, none missing, at least one) fit as well."""
        if int(cell_lengths(values).max()) > _LONGEST:
            return False
        self._written.update(pc.unique(values).to_pylist())
        return {word.lower() for word in self._written} <= _WORDS

    def read_surely(self, cells: pa.Array) -> pa.Array | None:
        """Booleans where they are written as Arrow writes them, else the cells, if all of them are booleans."""
        if self._written <= _WORDS:
            written = pc.equal(cells, "true")
            if written.true_count + pc.equal(cells, "false").true_count == len(cells) - cells.null_count:
                self._written.update(("true",) if written.true_count else ())
                return written
        if int(cell_lengths(cells).max()) > _LONGEST:
            return None
        words = {word for word in pc.unique(cells).to_pylist() if word is not None}
        if not {word.lower() for word in words} <= _WORDS:
            return None
        self._written |= words
        return cells

    def plan(self, name: str) -> ColumnPlan | None:
        """How to read the column."""
        forms = [form for spell, form in _CASES if self._written <= {spell(word) for word in _WORDS}]
        return ColumnPlan(name, "boolean", form=forms[0] if forms else KEPT)

    def notes(self) -> list[str]:
        """No notes."""
        return []


def boolean_words(counts: Mapping[str, int], distinct: int) -> list[str] | None:
    """The two words, in small letters, that nearly all texts are, where another one keeps the column text.

    Args:
        counts: The most frequent texts and how often they occur.
        distinct: How many different texts there are.
    """
    fits = {text: count for text, count in counts.items() if text.strip().lower() in _WORDS}
    is_nearly_all = sum(fits.values()) >= _FRACTION * sum(counts.values())
    has_both = {text.strip().lower() for text in fits} == _WORDS
    return sorted(_WORDS) if has_both and is_nearly_all and distinct > len(fits) else None
