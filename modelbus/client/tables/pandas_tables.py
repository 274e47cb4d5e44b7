"""Frames and rows of pandas, which is never imported here: whoever passes a frame has imported it."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from modelbus.client.client_errors import UnfitTable
from modelbus.client.tables.column_advice import DURATIONS, NESTED, warn_of_intervals, warn_of_periods
from modelbus.client.tables.json_cells import is_list, name_of_column

if TYPE_CHECKING:
    import pandas as pd


def is_frame(value: Any) -> "TypeGuard[pd.DataFrame]":
    """Whether the value is a DataFrame of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def is_series(value: Any) -> "TypeGuard[pd.Series[Any]]":
    """Whether the value is a Series of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Series)


def row_of_series(series: "pd.Series[Any]") -> dict[str, Any]:
    """A row of a frame, which pandas gives as a Series.

    Raises:
        UnfitTable: The index does not name columns: the Series is most likely a column.
    """
    if not all(isinstance(name, str) for name in series.index):
        raise UnfitTable(
            "a Series is read as one row, so its index must name the columns; make a frame of a column: "
            "series.to_frame()"
        )
    if not series.index.is_unique:
        raise UnfitTable(f"two columns are called {series.index[series.index.duplicated()][0]!r}; rename one")
    return dict(series.astype(object).where(series.notna(), None))


def plain_frame(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The frame with plain columns: names are texts, a named index is a column, an unnamed one is left out.

    Periods become the times at which they begin, and intervals text, with a warning each. Categories keep their labels.

    Raises:
        UnfitTable: A name is not text or occurs twice, or a column has durations or nested values.
    """
    frame = _with_index(frame)
    for name in frame.columns:
        if not isinstance(name, str):
            raise UnfitTable(
                f"the column name {name!r} is not text; rename the columns: frame.columns = frame.columns.map(str)"
            )
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise UnfitTable(f"two columns are called {twice[0]!r}; rename one")
    changed = {str(name): plain for name, column in frame.items() if (plain := _plain(name, column)) is not None}
    return frame.assign(**changed) if changed else frame


def _with_index(frame: "pd.DataFrame") -> "pd.DataFrame":
    named = [name for name in frame.index.names if name is not None]
    try:
        frame = frame.reset_index(level=named) if named else frame
    except ValueError as error:
        raise UnfitTable(
            f"the index {named[0]!r} would become a column of a name that exists; rename it, or leave it out: "
            "frame.reset_index(drop=True)"
        ) from error
    return frame.reset_index(drop=True)


def _plain(name: Any, column: "pd.Series[Any]") -> "pd.Series[Any] | None":
    """The column in a form that any table has; None where it has one already."""
    categories = getattr(column.dtype, "categories", None)
    dtype: Any = column.dtype if categories is None else categories.dtype
    kind = type(dtype).__name__
    if kind == "PeriodDtype":
        warn_of_periods(name)
        return column.astype(object).map(lambda period: period.to_timestamp(), na_action="ignore")
    if kind == "IntervalDtype":
        warn_of_intervals(name)
        return column.astype(object).map(str, na_action="ignore")
    if kind == "SparseDtype":
        dense: pd.Series[Any] = column.astype(dtype.subtype)
        return dense
    if getattr(dtype, "kind", "") == "m":
        raise UnfitTable(f"column {name!r} has durations; {DURATIONS}")
    if getattr(dtype, "kind", "") == "O":
        _refuse_nested(name, column)
    return None


def _refuse_nested(name: Any, column: "pd.Series[Any]") -> None:
    for cell in column:
        if isinstance(cell, Mapping) or is_list(cell):
            raise UnfitTable(f"column {name_of_column(name)!r} has nested values ({type(cell).__name__}); {NESTED}")
