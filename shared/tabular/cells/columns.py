"""Reading of a whole column of raw values into canonical form (see ``cell_values.py``).

Native dtypes are converted as arrays, everything else cell by cell with ``cell_values.py``; both ways agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts.records.dataset_records import WrittenColumn
from modelbus.shared.tabular.cells.cell_values import (
    NO_MOMENT,
    UncastableCell,
    cast_boolean,
    cast_moment,
    cast_number,
    cast_text,
    marked_moments,
)
from modelbus.shared.tabular.cells.marks import marked_numbers, marks_of

Cast = Callable[[Any], tuple[Any, bool]]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CellFault:
    """A cell that could not be cast."""

    row: int
    given: Any
    expected: str


@dataclass(frozen=True)
class Reading:
    """A column in canonical form."""

    values: npt.NDArray[Any]
    """Shape (n_rows,): float64 for numbers and booleans, int64 for datetimes, objects (str or None) for text."""
    coerced: Mask
    """Which cells had to be coerced, shape (n_rows,)."""
    faults: list[CellFault] = field(default_factory=list)
    """Cells that could not be cast; they are missing in ``values``."""

    @property
    def missing(self) -> Mask:
        """Which cells have no value, shape (n_rows,)."""
        if self.values.dtype.kind == "f":
            return np.asarray(np.isnan(self.values))
        if self.values.dtype.kind == "i":
            return np.asarray(self.values == NO_MOMENT)
        return np.fromiter((value is None for value in self.values), dtype=np.bool_, count=len(self.values))


def cast_of(column: WrittenColumn) -> Cast:
    """The function that casts a cell of the column, according to the form of its table."""
    marks = marks_of(column)
    if column.type in ("integer", "real"):
        is_integer, form = column.type == "integer", column.number_form
        numbers = marked_numbers(marks, form)
        return lambda value: cast_number(value, is_integer=is_integer, marks=marks, marked=numbers, number_form=form)
    if column.type == "boolean":
        truths = marked_numbers(marks)
        return lambda value: cast_boolean(value, marks=marks, marked=truths)
    if column.type == "datetime":
        date_format, is_zoned = column.date_format, column.is_zoned
        moments = marked_moments(marks, date_format)
        return lambda value: cast_moment(value, date_format, is_zoned=is_zoned, marks=marks, marked=moments)
    if column.type == "empty":  # nothing was learnt, so nothing is coerced: any value is unseen
        return lambda value: (cast_text(value, marks=marks)[0], False)
    return lambda value: cast_text(value, marks=marks)


def read_column(values: "pd.Series[Any] | list[Any]", column: WrittenColumn) -> Reading:
    """Cast a column's values to the canonical form of its type. Never raises: faults are collected."""
    native = _read_native_series(values, column) if isinstance(values, pd.Series) else _read_native_list(values, column)
    if native is not None:
        return native
    cast, empty = cast_of(column), _empty_array(column, len(values))
    if isinstance(values, pd.Series):
        if isinstance(values.dtype, pd.StringDtype):
            return _read_distinct(values, cast, empty)
        values = values.astype(object).tolist()
    return _read_cells(values, cast, empty)


def _read_native_series(series: "pd.Series[Any]", column: WrittenColumn) -> Reading | None:
    kind = getattr(series.dtype, "kind", "O")
    if column.type in ("integer", "real") and kind in "iuf":
        return _read_numbers(series.to_numpy(dtype=np.float64, na_value=np.nan), column)
    if column.type == "boolean" and kind == "b":
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return Reading(values, np.zeros(len(values), dtype=np.bool_))
    if column.type == "datetime" and kind == "M":
        return _read_moments(series, column)
    return None


def _read_native_list(values: list[Any], column: WrittenColumn) -> Reading | None:
    kinds = set(map(type, values))
    if column.type in ("integer", "real") and kinds <= {float, int, type(None)}:
        try:
            return _read_numbers(np.array(values, dtype=np.float64), column)
        except OverflowError:  # an integer beyond float64: casting cell by cell reports it
            return None
    return None


def _read_numbers(values: npt.NDArray[np.float64], column: WrittenColumn) -> Reading:
    coerced = np.isinf(values)
    marked = marked_numbers(marks_of(column), column.number_form)
    if marked:
        coerced = coerced | np.isin(values, list(marked))
    if coerced.any():
        values = np.where(coerced, np.nan, values)
    if column.type == "integer":
        coerced = coerced | ((values != np.floor(values)) & ~np.isnan(values))
    return Reading(values, coerced)


def _read_moments(series: "pd.Series[Any]", column: WrittenColumn) -> Reading:
    is_zoned = getattr(series.dtype, "tz", None) is not None
    if is_zoned:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    # NumPy's NaT and NO_MOMENT are the same bits, so the view needs no mask
    values = series.to_numpy(dtype="datetime64[us]", na_value=np.datetime64("NaT", "us")).view(np.int64)
    coerced = (values != NO_MOMENT) & (is_zoned != column.is_zoned)
    marked = marked_moments(marks_of(column), column.date_format)
    if marked:
        is_mark = np.isin(values, list(marked))
        values, coerced = np.where(is_mark, NO_MOMENT, values), coerced | is_mark
    return Reading(values, coerced)


def _empty_array(column: WrittenColumn, size: int) -> npt.NDArray[Any]:
    if column.type in ("integer", "real", "boolean"):
        return np.full(size, np.nan)
    if column.type == "datetime":
        return np.full(size, NO_MOMENT, dtype=np.int64)
    return np.full(size, None, dtype=object)


def _read_cells(values: Sequence[Any], cast: Cast, empty: npt.NDArray[Any]) -> Reading:
    coerced = np.zeros(len(values), dtype=np.bool_)
    faults = []
    for row, value in enumerate(values):
        try:
            empty[row], coerced[row] = cast(value)
        except UncastableCell as fault:
            faults.append(CellFault(row, value, str(fault)))
    return Reading(empty, coerced, faults)


def _read_distinct(series: "pd.Series[Any]", cast: Cast, empty: npt.NDArray[Any]) -> Reading:
    """Cast each distinct text once: parsing a date takes microseconds, and columns repeat values."""
    codes, distinct = pd.factorize(series)
    texts = [str(text) for text in distinct]
    reading = _read_cells(texts, cast, empty[: len(texts)].copy())
    filled = codes >= 0
    empty[filled] = reading.values[codes[filled]]
    coerced = np.zeros(len(codes), dtype=np.bool_)
    coerced[filled] = reading.coerced[codes[filled]]
    at_fault = {fault.row: fault for fault in reading.faults}
    faults = [
        CellFault(row, at_fault[code].given, at_fault[code].expected)
        for row, code in enumerate(codes.tolist())
        if code in at_fault
    ]
    return Reading(empty, coerced, faults)
