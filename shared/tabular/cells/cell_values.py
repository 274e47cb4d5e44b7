"""Casting of a single cell to the type of its column; independent of tables and of learnt state.

Each function returns the value in canonical form, and whether it had to be coerced:

========  ==================================  =======================
type      canonical form                      missing value
========  ==================================  =======================
number    float64                             NaN
boolean   1.0 or 0.0                          NaN
datetime  microseconds since 1970, UTC        ``NO_MOMENT``
text      str                                 None
========  ==================================  =======================
"""

import math
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from modelbus.shared.contracts.commands.datasets import ISO_FORMAT
from modelbus.shared.contracts.number_forms import NumberForm
from modelbus.shared.tabular.cells.foreign_characters import in_plain_characters
from modelbus.shared.tabular.cells.marks import NO_MARKS, USUAL_MARKS, Marks
from modelbus.shared.tabular.cells.written import WrittenValue
from modelbus.shared.tabular.cells.written_numbers import described, plain_numeral

NO_MOMENT: Final = int(np.iinfo(np.int64).min)
"""The missing datetime; the same bits as NumPy's NaT."""

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MISSING_SPELLINGS = frozenset({"na", "n/a", "#n/a", "nan", "-nan", "null", "none", "<na>", "nat"})
BOOLEAN_SPELLINGS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1", "1.0"), 1.0),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0", "0.0"), 0.0),
}
_TRUTH_VALUES: Final[Mapping[str, float]] = {"true": 1.0, "false": 0.0}
"""How boolean values are written as text (``cell_text.py``)."""
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_INTEGER_BITS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UncastableCell(Exception):
    """A value cannot be cast to its column's type; the message says what was expected."""


def is_missing(value: Any) -> bool:
    """Whether the value is missing: None, NaN, NaT or NA, of Python, NumPy or pandas."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return isinstance(value, Decimal) and value.is_nan()


def cast_number(
    value: Any,
    *,
    is_integer: bool,
    marks: Marks = NO_MARKS,
    marked: Collection[float] = (),
    number_form: NumberForm | None = None,
) -> tuple[float, bool]:
    """Cast to a number.

    Infinite numbers become missing, because no estimator accepts them; so do the usual markers of missing values.

    Args:
        value: The cell.
        is_integer: Whether the column holds integers.
        marks: Markers of missing values.
        marked: The markers that are numbers.
        number_form: The form of the column's numbers as text; plain by default.

    Raises:
        UncastableCell: The value is not a number, or is too large.
    """
    if is_missing(value):
        return math.nan, False
    if isinstance(value, WrittenValue) and value in _TRUTH_VALUES:
        return _TRUTH_VALUES[value], True
    if isinstance(value, str):
        return _number_of_text(value, marks, marked, number_form)
    if isinstance(value, (bool, np.bool_)):
        return float(value), True
    if isinstance(value, (int, float, np.integer, np.floating, Decimal)):
        number, is_coerced = _number_of_number(value, is_integer=is_integer)
        return (math.nan, True) if number in marked else (number, is_coerced)
    raise UncastableCell("a number")


def _number_of_text(
    text: str, marks: Marks, marked: Collection[float], number_form: NumberForm | None
) -> tuple[float, bool]:
    text = text.strip()
    if not text:
        return math.nan, False
    if text in marks or text.lower() in _MISSING_SPELLINGS:
        return math.nan, True
    plain = in_plain_characters(text)
    numeral = plain if NUMBER.fullmatch(plain) else None
    if number_form is not None:
        numeral = plain_numeral(text, number_form)
    if _INFINITE.fullmatch(text):
        return math.nan, True
    if numeral is None:
        raise UncastableCell(f"a number written {described(number_form)}" if number_form else "a number")
    number = float(numeral)
    if math.isinf(number):
        raise UncastableCell("a number within ±1.8e308")
    return (math.nan if number in marked else number), True


def _number_of_number(value: Any, *, is_integer: bool) -> tuple[float, bool]:
    try:
        number = float(value)
    except OverflowError:
        raise UncastableCell("a number within ±1.8e308") from None
    if math.isinf(number):
        return math.nan, True
    return number, is_integer and not number.is_integer()


def cast_boolean(value: Any, *, marks: Marks = NO_MARKS, marked: Collection[float] = ()) -> tuple[float, bool]:
    """Cast to 1.0 or 0.0; 1, 0 and the usual spellings (true, yes, y, on, t, 1 and their opposites) are accepted.

    Args:
        value: The cell.
        marks: Markers of missing values.
        marked: The markers that are numbers.

    Raises:
        UncastableCell: The value is none of these.
    """
    if is_missing(value):
        return math.nan, False
    if isinstance(value, (bool, np.bool_)):
        return float(value), False
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return math.nan, False
        if text in marks:
            return math.nan, True
        if text.lower() in BOOLEAN_SPELLINGS:
            return BOOLEAN_SPELLINGS[text.lower()], True
        if text.lower() in _MISSING_SPELLINGS:
            return math.nan, True
    elif isinstance(value, (int, float, np.integer, np.floating, Decimal)) and value in marked:
        return math.nan, True
    elif isinstance(value, (int, float, np.integer, np.floating, Decimal)) and value in (0, 1):
        return float(value), True
    raise UncastableCell("true or false")


def cast_moment(
    value: Any,
    date_format: str | None,
    *,
    is_zoned: bool | None = None,
    marks: Marks = NO_MARKS,
    marked: Collection[int] = (),
) -> tuple[int, bool]:
    """Cast to microseconds since 1970; a value without a time zone is read as UTC.

    Text is read in the column's own format first and as ISO 8601 second (``T`` or a space, with or without time, zone
    and fraction), because programs send ISO dates regardless of the training file's format.

    Args:
        value: The cell.
        date_format: A format of ``strptime``; ``ISO8601`` or None for ISO 8601 only.
        is_zoned: Whether the column's dates have time zones; a date that differs counts as coerced. None for either.
        marks: Markers of missing values.
        marked: The markers that are dates, in microseconds since 1970.

    Raises:
        UncastableCell: The value is not a date.
    """
    if is_missing(value):
        return NO_MOMENT, False
    if isinstance(value, str):
        moment, is_coerced = _moment_of_text(value, date_format, is_zoned, marks)
    else:
        moment, is_coerced = _moment_of_value(value, date_format, is_zoned)
    return (NO_MOMENT, True) if moment in marked else (moment, is_coerced)


def _moment_of_value(value: Any, date_format: str | None, is_zoned: bool | None) -> tuple[int, bool]:
    if isinstance(value, np.datetime64):
        return int(value.astype("datetime64[us]").astype(np.int64)), bool(is_zoned)
    if isinstance(value, datetime):  # pandas' Timestamp is one
        is_other = is_zoned is not None and (value.tzinfo is not None) != is_zoned
        if isinstance(value, pd.Timestamp):
            return int(value.asm8.astype("datetime64[us]").astype(np.int64)), is_other
        return _microseconds(value, date_format), is_other
    if isinstance(value, date):
        return _microseconds(datetime(value.year, value.month, value.day, tzinfo=UTC), date_format), bool(is_zoned)
    raise UncastableCell(_expected_date(date_format))


@lru_cache(256)
def marked_moments(marks: Marks, date_format: str | None) -> frozenset[int]:
    """The dates among markers of missing values, such as 1900-01-01, in microseconds since 1970."""
    moments = set()
    for mark in marks - USUAL_MARKS:
        with suppress(UncastableCell):
            moments.add(_moment_of_text(mark, date_format, None, NO_MARKS)[0])
    return frozenset(moments - {NO_MOMENT})


def _moment_of_text(text: str, date_format: str | None, is_zoned: bool | None, marks: Marks) -> tuple[int, bool]:
    text = text.strip()
    if not text:
        return NO_MOMENT, False
    if text in marks:
        return NO_MOMENT, True
    if date_format is not None and date_format != ISO_FORMAT:
        try:
            # a format without a zone gives a naive datetime, which _microseconds reads as UTC
            return _microseconds(datetime.strptime(text, date_format), date_format), False  # noqa: DTZ007
        except ValueError:
            pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if text.lower() in _MISSING_SPELLINGS:
            return NO_MOMENT, True
        raise UncastableCell(_expected_date(date_format)) from None
    return _microseconds(moment, date_format), is_zoned is not None and (moment.tzinfo is not None) != is_zoned


def _microseconds(moment: datetime, date_format: str | None) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return (moment - _EPOCH) // _MICROSECOND
    except OverflowError:  # the time zone leads out of the years 1 to 9999
        raise UncastableCell(_expected_date(date_format)) from None


def _expected_date(date_format: str | None) -> str:
    if date_format is None or date_format == ISO_FORMAT:
        return "a date in ISO 8601, such as 2024-05-31 or 2024-05-31T18:30:00Z"
    return f"a date in the format {date_format} or in ISO 8601"


def cast_text(value: Any, *, marks: Marks = NO_MARKS) -> tuple[str | None, bool]:
    """Cast to text; blank text is missing, and other types are converted as Python prints them.

    Args:
        value: The cell.
        marks: Markers of missing values.

    Raises:
        UncastableCell: It is not a single value.
    """
    if isinstance(value, str):
        is_absent = not value or value.isspace() or value in marks or value.strip(" \t") in marks
        return (None, False) if is_absent else (str(value), isinstance(value, WrittenValue))
    if is_missing(value):
        return None, False
    # Python refuses to print integers of more than 4,300 digits
    is_writable = not isinstance(value, int) or value.bit_length() <= _INTEGER_BITS
    if is_writable and isinstance(value, (bool, int, float, np.generic, Decimal, date)):
        return str(value), True
    raise UncastableCell("text")
