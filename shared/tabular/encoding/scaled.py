"""A column of numbers, booleans or dates that is encoded as scaled floats."""

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
"""Incidents during encoding, each as (field of ``EncodingReport``, column)."""

LIMIT = 1e30
"""Encoded values stay within ±LIMIT: trees compute in float32 and would refuse larger values as infinite."""


class EncodedColumn(Protocol):
    """The interface of a learnt column, for all kinds of encoding."""

    @property
    def column(self) -> SignatureColumn:
        """Its name and type."""

    @property
    def feature_names(self) -> list[str]:
        """A name for each output."""

    def cell(self, value: Any, notes: Notes) -> Sequence[float]:
        """Encode one raw value; raises ``UncastableCell``."""

    def encode(self, reading: Reading) -> tuple[Floats, Mask]:
        """Encode a whole column to shape (n_rows, n_outputs), with a mask of the rows with an unseen value."""

    def floats(self) -> Floats:
        """The learnt numbers."""

    def texts(self) -> list[str]:
        """The learnt texts."""


@dataclass(frozen=True, eq=False)
class ScaledColumn:
    """Encodes a value by its parts: each is imputed if missing, centred, scaled and clipped.

    A number or a boolean has one part, a date has those of ``DATE_PARTS``. All arrays have the shape (n_parts,).
    """

    column: SignatureColumn
    fill: Floats
    """Imputed for a missing value."""
    center: Floats
    scale: Floats
    is_kept: Mask
    """Parts that varied in training; the others have no output."""
    low: float
    high: float
    """Outputs are clipped to these."""
    has_indicator: bool
    """Whether there is a last output, 1.0 if the value is missing."""

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
        """Encode a whole column; its values are never unseen."""
        missing = reading.missing
        parts = canonical_parts(self.column, reading)
        outputs = np.empty((len(missing), len(self.feature_names)))
        kept = np.flatnonzero(self.is_kept)
        with np.errstate(over="ignore"):
            for output, part in enumerate(kept):
                filled = np.where(missing, self.fill[part], parts[:, part])
                scaled = (filled - self.center[part]) / self.scale[part]
                # np.clip may return either of 0.0 and -0.0, but a row must be encoded exactly like a frame
                outputs[:, output] = np.where(
                    scaled > self.high, self.high, np.where(scaled < self.low, self.low, scaled)
                )
        if self.has_indicator:
            outputs[:, -1] = missing
        return outputs, np.zeros(len(missing), dtype=np.bool_)

    def floats(self) -> Floats:
        """The learnt numbers: three scalars and four arrays of parts."""
        scalars = np.array([self.has_indicator, self.low, self.high], dtype=np.float64)
        return np.concatenate([scalars, self.fill, self.center, self.scale, self.is_kept.astype(np.float64)])

    def texts(self) -> list[str]:
        """No text is learnt."""
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
    """The parts of each value, shape (n_rows, n_parts); NaN if the value is missing."""
    if column.type != "datetime":
        return np.asarray(reading.values.reshape(-1, 1), dtype=np.float64)
    parts = np.column_stack([np.asarray(part, dtype=np.float64) for part in date_parts(reading.values)])
    parts[reading.missing] = np.nan
    return parts
