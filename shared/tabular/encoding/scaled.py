"""A column of numbers, booleans or dates, as scaled floats: what it learnt, and how it encodes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.cells.cell_values import NO_MOMENT
from modelbus.shared.tabular.cells.columns import Mask, Reading, cast_of
from modelbus.shared.tabular.cells.date_parts import DATE_PARTS, date_parts

Floats = npt.NDArray[np.float64]
Notes = list[tuple[str, str]]
"""Incidents met on the way, as (field of ``EncodingReport``, column) each."""

LIMIT = 1e30
"""Encoded values stay within ±LIMIT: what leaves float32, in which trees compute, would be refused as infinite."""


class EncodedColumn(Protocol):
    """What the encoder needs of a column, however it is encoded."""

    @property
    def column(self) -> SignatureColumn:
        """Its name and type."""

    @property
    def feature_names(self) -> list[str]:
        """A name for each output."""

    def cell(self, value: Any, notes: Notes) -> Sequence[float]:
        """Encode one raw value; raises ``UncastableCell``."""

    def encode(self, reading: Reading) -> tuple[Floats, Mask]:
        """Encode a whole column: outputs of shape (n_rows, n_outputs), and which rows hold an unseen value."""

    def floats(self) -> Floats:
        """What was learnt, as numbers."""

    def texts(self) -> list[str]:
        """What was learnt, as text."""


@dataclass(frozen=True, eq=False)
class ScaledColumn:
    """Each part of the value is filled in where missing, centred, scaled and clipped.

    A number or a boolean has one part, a date those of ``DATE_PARTS``. All arrays have the shape (n_parts,).
    """

    column: SignatureColumn
    fill: Floats
    """What stands for a missing value."""
    center: Floats
    scale: Floats
    is_kept: Mask
    """Parts that did not vary in training are left out."""
    low: float
    high: float
    """Outputs are clipped to these."""
    has_indicator: bool
    """Whether a last output tells 1.0 where the value was missing."""

    @property
    def feature_names(self) -> list[str]:
        """A name for each output."""
        name = self.column.name
        names = [f"{name}: {part}" for part in DATE_PARTS] if self.column.type == "datetime" else [name]
        kept = [part for part, is_kept in zip(names, self.is_kept.tolist(), strict=True) if is_kept]
        return [*kept, f"{name}: is missing"] if self.has_indicator else kept

    def cell(self, value: Any, notes: Notes) -> Sequence[float]:
        """Encode one raw value; raises ``UncastableCell``."""
        canonical, is_coerced = self._cast(value)
        if is_coerced:
            notes.append(("coerced", self.column.name))
        is_date = self.column.type == "datetime"
        if canonical == NO_MOMENT if is_date else math.isnan(canonical):
            notes.append(("missing", self.column.name))
            return self._missing_outputs
        return self._outputs(date_parts(canonical) if is_date else (canonical,))

    def encode(self, reading: Reading) -> tuple[Floats, Mask]:
        """Encode a whole column; nothing in it is ever unseen."""
        missing = reading.missing
        parts = canonical_parts(self.column, reading)
        outputs = np.empty((len(missing), len(self.feature_names)))
        kept = np.flatnonzero(self.is_kept)
        with np.errstate(over="ignore"):
            for output, part in enumerate(kept):
                filled = np.where(missing, self.fill[part], parts[:, part])
                scaled = (filled - self.center[part]) / self.scale[part]
                # not np.clip: of 0.0 and -0.0 it may return either, and one row must equal a frame to the bit
                outputs[:, output] = np.where(
                    scaled > self.high, self.high, np.where(scaled < self.low, self.low, scaled)
                )
        if self.has_indicator:
            outputs[:, -1] = missing
        return outputs, np.zeros(len(missing), dtype=np.bool_)

    def floats(self) -> Floats:
        """What was learnt, as numbers: three scalars and four rows of parts."""
        scalars = np.array([self.has_indicator, self.low, self.high], dtype=np.float64)
        return np.concatenate([scalars, self.fill, self.center, self.scale, self.is_kept.astype(np.float64)])

    def texts(self) -> list[str]:
        """Nothing of it is text."""
        return []

    @classmethod
    def load(cls, column: SignatureColumn, floats: Floats) -> "ScaledColumn":
        """The inverse of ``floats``."""
        fill, center, scale, is_kept = floats[3:].reshape(4, -1)
        return cls(
            column,
            fill,
            center,
            scale,
            is_kept.astype(np.bool_),
            low=float(floats[1]),
            high=float(floats[2]),
            has_indicator=bool(floats[0]),
        )

    @cached_property
    def _cast(self) -> Any:
        return cast_of(self.column)

    @cached_property
    def _kept(self) -> list[tuple[int, float, float]]:
        indices = np.flatnonzero(self.is_kept).tolist()
        return [(index, float(self.center[index]), float(self.scale[index])) for index in indices]

    @cached_property
    def _missing_outputs(self) -> list[float]:
        outputs = self._outputs(self.fill.tolist())
        return [*outputs[:-1], 1.0] if self.has_indicator else outputs

    def _outputs(self, parts: Sequence[Any]) -> list[float]:
        outputs = []
        for index, center, scale in self._kept:
            scaled = (parts[index] - center) / scale
            if scaled > self.high:
                scaled = self.high
            elif scaled < self.low:
                scaled = self.low
            outputs.append(scaled)
        if self.has_indicator:
            outputs.append(0.0)
        return outputs


def canonical_parts(column: SignatureColumn, reading: Reading) -> Floats:
    """The parts of each value, shape (n_rows, n_parts); NaN where the value is missing."""
    if column.type != "datetime":
        return np.asarray(reading.values.reshape(-1, 1), dtype=np.float64)
    parts = np.column_stack([np.asarray(part, dtype=np.float64) for part in date_parts(reading.values)])
    parts[reading.missing] = np.nan
    return parts
