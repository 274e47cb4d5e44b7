"""Slices of rows by a column: by value, or by quantile bins of numbers or dates with many values. Pure maths."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.tabular.targets.truth import LabelBook

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SLICE_LIMIT: Final = 20
"""Maximum slices of a column; rows with other values are only counted."""
BIN_COUNT: Final = 10
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Slice:
    """Rows with the same value, or in the same bin."""

    facts: dict[str, Any]
    """``value``, or ``low`` and ``high`` of a bin, in JSON form; None for a missing value."""
    rows: Codes
    """Row indices."""


@dataclass
class SliceColumn:
    """Collects a column's cells, row group by row group, as codes or numbers."""

    schema: ColumnSchema
    _parts: list[npt.NDArray[Any]] = field(default_factory=list)
    _book: LabelBook = field(default_factory=LabelBook)

    @property
    def is_binned(self) -> bool:
        """Whether the column is divided into bins."""
        return self.schema.type in ("integer", "real", "datetime") and self.schema.distinct > BIN_COUNT

    def add(self, series: "pd.Series[Any]", kept: Flags) -> None:
        """Add the cells of rows that are measured."""
        cells = series[kept]
        self._parts.append(_numbers(cells) if self.is_binned else self._book.codes(_values(cells)))

    def slices(self) -> Iterator[Slice]:
        """The slices: bins in order, or the most frequent values; missing values are last."""
        cells: npt.NDArray[Any] = np.concatenate(self._parts) if self._parts else np.empty(0)
        yield from self._bins(cells) if self.is_binned else self._by_value(cells)

    def _bins(self, numbers: npt.NDArray[np.float64]) -> Iterator[Slice]:
        there = np.flatnonzero(np.isfinite(numbers))
        if len(there):
            edges = np.unique(np.quantile(numbers[there], np.linspace(0, 1, BIN_COUNT + 1)))
            # a value on an edge belongs to the bin above, except for the last one
            bins = np.searchsorted(edges[1:-1], numbers[there], side="right")
            for index in np.unique(bins).tolist():
                rows = there[bins == index]
                yield Slice({"low": self._shown(numbers[rows].min()), "high": self._shown(numbers[rows].max())}, rows)
        missing = np.flatnonzero(~np.isfinite(numbers))
        if len(missing):
            yield Slice({"value": None}, missing)

    def _by_value(self, codes: Codes) -> Iterator[Slice]:
        values, indices = self._book.sorted_labels()
        sorted_codes = indices[codes[codes >= 0]]
        counts = np.bincount(sorted_codes, minlength=len(values)) if len(values) else np.empty(0, np.int64)
        has_missing = bool(np.any(codes < 0))
        frequent = np.sort(np.argsort(-counts, kind="stable")[: SLICE_LIMIT - has_missing])
        renamed = np.where(codes < 0, -1, indices[codes] if len(indices) else -1)
        for code in frequent.tolist():
            yield Slice({"value": values[code]}, np.flatnonzero(renamed == code))
        if has_missing:
            yield Slice({"value": None}, np.flatnonzero(codes < 0))

    def _shown(self, number: float) -> Any:
        if self.schema.type == "datetime":
            return (_EPOCH + timedelta(microseconds=float(number))).isoformat().replace("+00:00", "Z")
        return int(number) if self.schema.type == "integer" else float(number)


def _numbers(series: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    if series.dtype.kind == "M":
        moments = pd.DatetimeIndex(series).as_unit("us")
        return np.where(moments.isna(), np.nan, moments.asi8.astype(np.float64))
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _values(series: "pd.Series[Any]") -> list[Any]:
    """The cells as JSON values; None for a missing cell."""
    cells = series.astype(object).where(series.notna(), None).tolist()
    return [_plain(cell) for cell in cells]


def _plain(cell: Any) -> Any:
    if cell is None or isinstance(cell, (bool, int, float, str)):
        return cell
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
