"""Cells as JSON has them."""

from collections.abc import Mapping
from typing import Any, Final

from modelbus.client.client_errors import UnfitTable
from modelbus.client.tables.column_advice import DURATIONS, warn_of_intervals, warn_of_periods

_MISSING: Final = ("NaTType", "NAType")
_DURATIONS: Final = ("timedelta", "Timedelta", "timedelta64")


def row_of(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    """One row, as a mapping from column to cell.

    Raises:
        UnfitTable: A name is not text, or a cell has no form in JSON; names the column.
    """
    return {name_of_column(name): column_cell(name, cell) for name, cell in mapping.items()}


def name_of_column(name: Any) -> str:
    """A column's name.

    Raises:
        UnfitTable: It is not text.
    """
    if not isinstance(name, str):
        raise UnfitTable(f"the column name {name!r} is not text; rename the column")
    return name


def column_cell(column: Any, value: Any) -> Any:
    """One cell of a column.

    Raises:
        UnfitTable: The cell has no form in JSON; names the column.
    """
    try:
        return cell_of(value, column)
    except UnfitTable as error:
        raise UnfitTable(f"column {column!r}: {error.message}") from None


def cell_of(value: Any, column: Any = None) -> Any:
    """One cell: dates in ISO 8601, numbers of numpy as Python's, missing values as null.

    A period of pandas becomes the time at which it begins, an interval its text; both with a warning.

    Args:
        value: The cell.
        column: The column's name, for the warnings.

    Raises:
        UnfitTable: The cell has no form in JSON.
    """
    kind = type(value).__name__
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if kind in _MISSING:
        return None
    if kind in _DURATIONS:
        raise UnfitTable(f"{value!r:.100} is a duration; {DURATIONS}")
    if kind == "Period":
        warn_of_periods(column)
        return value.to_timestamp().isoformat()
    if kind == "Interval":
        warn_of_intervals(column)
        return str(value)
    if kind == "datetime64":
        # in microseconds: Python's own times have no nanoseconds, and numpy would give an integer instead
        value = value.astype("datetime64[us]").item()
        return None if value is None else value.isoformat()
    return _other_cell(value)


def _other_cell(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item") and not is_list(value):
        return cell_of(value.item())
    if type(value).__name__ == "Decimal":
        return float(value)
    raise UnfitTable(
        f"{value!r:.100} ({type(value).__name__}) is not a cell; a cell is text, a number, a boolean, a date or None"
    )


def is_list(value: Any) -> bool:
    """Whether the value has elements, and is neither text nor a mapping."""
    is_sized = hasattr(value, "__len__") and hasattr(value, "__iter__")
    return is_sized and not isinstance(value, (str, bytes, Mapping))
