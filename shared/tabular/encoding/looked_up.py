"""A text column that is encoded with a table of learnt outputs: one-hot encoding for few categories; for many, target
means or, without a target, frequency encoding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.cells.columns import Mask, Reading, cast_of
from modelbus.shared.tabular.cells.meanings import unique_values, value_of
from modelbus.shared.tabular.encoding.scaled import Floats, Notes

LookUp = Literal["one-hot", "target mean", "share"]
"""The kind of encoding. ``share`` is frequency encoding: the category's fraction of the training rows, scaled like
other outputs. Artifacts contain these names."""


@dataclass(frozen=True, eq=False)
class LookedUpColumn:
    """Each category has a row of outputs; the last two rows are for a missing value and for an unseen category."""

    column: SignatureColumn
    categories: list[str]
    table: Floats
    """Shape (n_categories + 2, n_outputs)."""
    kind: LookUp

    @property
    def feature_names(self) -> list[str]:
        """A name for each output."""
        name, width = self.column.name, self.table.shape[1]
        if self.kind == "share":
            return [f"{name}: frequency"] * width
        if self.kind == "target mean":
            return [f"{name}: target mean"] if width == 1 else [f"{name}: fraction of class {i}" for i in range(width)]
        # two categories without missing values have a single output, which is 1 for the second
        return [f"{name}={category}" for category in self.categories[len(self.categories) - width :]]

    def cell(self, value: Any, notes: Notes) -> Sequence[float]:
        """Encode one raw value; raises ``UncastableCell``."""
        index = self._lookup.get(value) if type(value) is str else None
        if index is None:
            text, is_coerced = self._cast(value)
            index = self._lookup.get(text, self._unseen)
            if index == self._unseen:
                index = self._meant(str(text), is_text=not is_coerced)
            if is_coerced:
                notes.append(("coerced", self.column.name))
            if text is None:
                notes.append(("missing", self.column.name))
            elif index == self._unseen:
                notes.append(("unseen", self.column.name))
        outputs: list[float] = self.table[index].tolist()
        return outputs

    def encode(self, reading: Reading) -> tuple[Floats, Mask]:
        """Encode a whole column to shape (n_rows, n_outputs), with a mask of the rows with an unseen category."""
        lookup, unseen = self._lookup, self._unseen
        indices = np.fromiter(
            (lookup.get(text, unseen) for text in reading.values), dtype=np.int64, count=len(reading.values)
        )
        for row in np.flatnonzero(indices == unseen).tolist():
            indices[row] = self._meant(str(reading.values[row]), is_text=not reading.coerced[row])
        return self.table[indices], indices == unseen

    def floats(self) -> Floats:
        """The table, row by row."""
        return self.table.ravel()

    def texts(self) -> list[str]:
        """The categories."""
        return self.categories

    @classmethod
    def load(cls, column: SignatureColumn, categories: list[str], floats: Floats, kind: LookUp) -> "LookedUpColumn":
        """The inverse of ``floats`` and ``texts``."""
        row_count = len(categories) + 2
        table = floats.reshape(row_count, len(floats) // row_count)
        return cls(column, categories, table, kind)

    @property
    def _unseen(self) -> int:
        return len(self.categories) + 1

    @cached_property
    def _lookup(self) -> dict[str | None, int]:
        lookup: dict[str | None, int] = {category: index for index, category in enumerate(self.categories)}
        lookup[None] = len(self.categories)
        return lookup

    def as_meant(self, reading: Reading) -> Reading:
        """The same cells, replaced by the categories that they mean; others stay unchanged."""
        values = reading.values.copy()
        for row, text in enumerate(values):
            if text is not None and text not in self._lookup:
                index = self._meant(str(text), is_text=not reading.coerced[row])
                values[row] = text if index == self._unseen else self.categories[index]
        return replace(reading, values=values)

    def _meant(self, text: str, *, is_text: bool) -> int:
        """The category that a text means: the text without surrounding spaces or, for other types, the same value.

        Another program may have read 4.5 where this column has ``4.50``, and true where it has ``yes``.
        """
        found = self._lookup.get(text.strip()) if is_text else self._by_value.get(value_of(text))
        return self._unseen if found is None else found

    @cached_property
    def _by_value(self) -> dict[Any, int]:
        return unique_values(self.categories)

    @cached_property
    def _cast(self) -> Any:
        return cast_of(self.column)
