"""The parts of a date that models learn from, with the same arithmetic for a single date and for an array."""

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

DATE_PARTS: Final = ("days since 1970", "year", "month", "day", "weekday", "hour")

_DAY_US: Final = 86_400_000_000
_HOUR_US: Final = 3_600_000_000

Whole = TypeVar("Whole", int, npt.NDArray[np.int64])
Float = float | npt.NDArray[np.float64]


def date_parts(moments: Whole) -> tuple[Float, ...]:
    """Split dates into ``DATE_PARTS``.

    Args:
        moments: Microseconds since 1970, UTC: an int, or an int64 array of shape (n_rows,).

    Returns:
        A float, or a float64 array of shape (n_rows,), for each part: days with a fraction, year, month 1..12,
        day 1..31, weekday 0 (Monday) to 6, hour 0..24 with a fraction.
    """
    day = moments // _DAY_US
    within_day = moments - day * _DAY_US
    year, month, day_of_month = _civil(day)
    weekday = (day + 3) % 7
    return (
        # converted before the division: int / int would round once where the array rounds twice
        _floats(moments) / float(_DAY_US),
        _floats(year),
        _floats(month),
        _floats(day_of_month),
        _floats(weekday),
        _floats(within_day) / float(_HOUR_US),
    )


def _floats(whole: Whole) -> Float:
    return float(whole) if isinstance(whole, int) else whole.astype(np.float64)


def _civil(days: Whole) -> tuple[Whole, Whole, Whole]:
    """Year, month and day of days since 1970-01-01 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").

    Plain arithmetic instead of ``datetime`` and NumPy, so that both cases agree beyond the year 9999 too.
    """
    shifted = days + 719_468
    era = shifted // 146_097
    day_of_era = shifted - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153  # March is 0, so that the leap day comes last
    is_next_year = shifted_month // 10
    month = shifted_month + 3 - 12 * is_next_year
    return year_of_era + era * 400 + is_next_year, month, day_of_year - (153 * shifted_month + 2) // 5 + 1
