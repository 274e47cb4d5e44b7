"""Coordinates: the values of a column as float64 near 0, in which sums and squares neither overflow nor lose digits.

Integers and dates count from the smallest value, so that ids of 19 digits keep their last one. Reals stay as they are
unless their squares would overflow or vanish; then they are divided by a power of two, which changes no digit.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from modelbus.evaluator.ingest.profile.finished_columns import Values
from modelbus.evaluator.ingest.table import ColumnPlan, Number, Span

Floats = npt.NDArray[np.float64]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - dates without a zone are shown without one
_MICROSECONDS = 1_000_000
_TAME_EXPONENT = 400
"""Squares of numbers within 2**±400 are numbers."""
_LARGEST_EXPONENT = 1000


class Scale:
    """What turns one column's values into coordinates, and coordinates and values into what a profile shows."""

    def __init__(self, plan: ColumnPlan, span: Span) -> None:
        self.span = span
        self._is_date = plan.type == "datetime"
        self._is_zoned = plan.is_zoned
        self._is_real = plan.type == "real"
        exponent = math.frexp(max(abs(span.low), abs(span.high)))[1] if self._is_real else 0
        self._exponent = max(exponent, -_LARGEST_EXPONENT) if abs(exponent) > _TAME_EXPONENT else 0

    def coordinates(self, values: Values) -> Floats:
        """The coordinates of values, shape (n_values,)."""
        if not self._is_real:
            # unsigned, because the difference of two numbers of 64 bits has 65
            distance: Floats = (values - np.int64(self.span.low)).view(np.uint64).astype(np.float64)
            return distance
        reals: Floats = values.astype(np.float64, copy=False)
        # numpy's ldexp takes ten times as long
        return reals * math.ldexp(1.0, -self._exponent) if self._exponent else reals

    def coordinate(self, value: Number) -> float:
        """The coordinate of one value."""
        return float(value - self.span.low) if not self._is_real else math.ldexp(value, -self._exponent)

    def value(self, coordinate: float) -> Number:
        """The value at a coordinate, to the microsecond for a date; within the span."""
        if self._is_real:
            within = min(max(coordinate, self.coordinate(self.span.low)), self.coordinate(self.span.high))
            return math.ldexp(within, self._exponent)
        if self._is_date:
            return self.span.low + round(coordinate)
        return self.span.low + coordinate

    def distance(self, coordinate: float) -> float:
        """A distance of coordinates as one of values; of dates in seconds. Half of the span at most."""
        half = self.coordinate(self.span.high) / 2 - self.coordinate(self.span.low) / 2
        within = min(coordinate, half)
        return within / _MICROSECONDS if self._is_date else math.ldexp(within, self._exponent)

    def shown(self, value: Number) -> Any:
        """A value as JSON has it: a date in ISO 8601, no negative zero."""
        if not self._is_date:
            return value + 0
        moment = _EPOCH + timedelta(microseconds=round(value))
        return (moment.replace(tzinfo=UTC) if self._is_zoned else moment).isoformat()
