"""Excel's numbers as text: numerals, and dates as days since 1900 or 1904."""

import math
import re
from datetime import datetime, timedelta
from typing import Final

_WHOLE: Final = re.compile(r"[+-]?\d{1,18}")
_EXACT_LIMIT: Final = 2**53
_DAY_MS: Final = 86_400_000
_START_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - dates of sheets have no zone
_START_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_NO_DAY: Final = 60
"""29 February 1900, which was no day: the dates before it count from a day later."""
_END: Final = 2_958_466
"""1 January 10000."""


def numeral(text: str) -> str | None:
    """A number as delimited text has it, whole ones without a point; None where it is none."""
    if _WHOLE.fullmatch(text):
        return str(int(text))
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) <= _EXACT_LIMIT else repr(value)


def date_text(serial: float, *, is_1904: bool) -> str | None:
    """A date in ISO 8601, to the millisecond; None where the number is not a date.

    Args:
        serial: Days since the beginning of the calendar.
        is_1904: Whether it begins in 1904, as on old Macs.
    """
    if not 0 <= serial < _END:
        return None
    start = _START_1904 if is_1904 else _START_1900
    if not is_1904 and serial < _NO_DAY:
        start += timedelta(days=1)
    milliseconds = min(round(serial * _DAY_MS), _END * _DAY_MS - 1)
    return (start + timedelta(milliseconds=milliseconds)).isoformat()


def time_text(fraction: float) -> str:
    """A time of day.

    Args:
        fraction: Of the day, from 0 to 1.
    """
    clock = _START_1904 + timedelta(milliseconds=min(round(fraction * _DAY_MS), _DAY_MS - 1))
    return clock.time().isoformat()
