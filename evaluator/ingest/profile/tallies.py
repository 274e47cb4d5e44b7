"""What is kept of a column of numbers or dates while it is read: 10,000 values at most, whatever its length."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.profile.finished_columns import Values, finite_values
from modelbus.evaluator.ingest.profile.frequencies import DISTINCT_LIMIT
from modelbus.evaluator.ingest.profile.histograms import Histogram
from modelbus.evaluator.ingest.profile.sampling import SampledCells
from modelbus.evaluator.ingest.profile.scales import Scale
from modelbus.evaluator.ingest.table import EXACT_LIMIT, ColumnPlan, Number, Span

QUANTILE_FRACTIONS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class RangeTally:
    """Numbers and dates: distinct values, range, moments, histogram; infinite numbers count as distinct values only."""

    def __init__(self, plan: ColumnPlan, span: Span | None) -> None:
        """Args:
        plan: The column.
        span: From its smallest to its largest finite value; ``None`` if it has none.
        """
        self._known: npt.NDArray[Any] | None = None
        self._scale = Scale(plan, span) if span else None
        self._histogram = Histogram(plan.type, self._scale) if self._scale else None
        self._moments = Moments()
        self.steps = Steps()

    def feed(self, cells: pa.Array) -> None:
        """Take the next cells; nulls do not count."""
        if self._known is None or len(self._known) < DISTINCT_LIMIT:
            self._count(pc.unique(cells).drop_null())
        if self._scale is None or self._histogram is None:
            return
        values = finite_values(cells)
        self.steps.feed(values)
        coordinates = self._scale.coordinates(values)
        self._moments.feed(coordinates)
        self._histogram.feed(values, coordinates)

    def facts(self, sample: SampledCells) -> dict[str, Any]:
        """The fields of the column's schema that were tallied; the quantiles are those of the sample."""
        count = 0 if self._known is None else len(self._known)
        distinct = {"distinct": min(count, DISTINCT_LIMIT)}
        if self._scale is None or self._histogram is None:
            return distinct
        scale, sampled = self._scale, sample.values()
        found = quantiles(sampled) if len(sampled) else {}
        return distinct | {
            "minimum": scale.shown(scale.span.low),
            "maximum": scale.shown(scale.span.high),
            "mean": scale.shown(scale.value(self._moments.mean)),
            "standard_deviation": scale.distance(self._moments.deviation),
            "quantiles": {fraction: scale.shown(value) for fraction, value in found.items()} or None,
            "histogram": self._histogram.facts(),
        }

    def _count(self, cells: pa.Array) -> None:
        values = cells.to_numpy(zero_copy_only=False)
        self._known = np.unique(values) if self._known is None else np.union1d(self._known, values)


class Moments:
    """Count, mean and standard deviation (of the population) of the values so far, part by part.

    Within a part, squares are summed around its own mean; parts are joined as Chan, Golub and LeVeque have it
    ("Updating formulae and a pairwise algorithm for computing sample variances", 1979), so that no large sums are
    subtracted.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self._squares = 0.0

    def feed(self, values: npt.NDArray[np.float64]) -> None:
        """Take the next values: finite, and small enough to be squared."""
        if not len(values):
            return
        mean = float(values.mean())
        squares = float(np.square(values - mean).sum())
        count = self.count + len(values)
        step = mean - self.mean
        self._squares += squares + step * step * self.count * (len(values) / count)
        self.mean += step * (len(values) / count)
        self.count = count

    @property
    def deviation(self) -> float:
        """The standard deviation; 0 of one value."""
        return math.sqrt(self._squares / self.count) if self.count else 0.0


class Steps:
    """Whether a column of whole numbers goes up by the same step from row to row, as row numbers do."""

    def __init__(self) -> None:
        self.is_constant = True
        """Each value so far is larger than the one before it, by the same step."""
        self._step: int | None = None
        self._last: int | None = None

    def feed(self, values: Values) -> None:
        """Take the next values; reals have no steps."""
        if not self.is_constant or not len(values):
            return
        if values.dtype.kind != "i":
            self.is_constant = False
            return
        if self._last is not None:
            values = np.concatenate([[self._last], values])
        self._last = int(values[-1])
        if len(values) > 1:
            # of numbers of 64 bits a difference may overflow: then it is none of a row number
            steps = np.diff(values)
            self._step = int(steps[0]) if self._step is None else self._step
            self.is_constant = self._step > 0 and bool((steps == self._step).all())


def quantiles(values: Values) -> dict[str, Number]:
    """The quantiles by their fraction, such as ``"0.5"``, by linear interpolation as numpy and pandas have it.

    They are exact for whole numbers of any size.

    Args:
        values: int64 or finite float64, shape (n_values,), at least one.
    """
    ordered = np.sort(values)
    return {str(fraction): _at(ordered, fraction * (len(ordered) - 1)) for fraction in QUANTILE_FRACTIONS}


def _at(ordered: npt.NDArray[Any], position: float) -> Number:
    below = int(position)
    low = ordered[below].item()
    high = ordered[min(below + 1, len(ordered) - 1)].item()
    return _between(low, high, position - below)


def _between(low: Number, high: Number, fraction: float) -> Number:
    if low == high or not fraction:
        return low
    difference = high - low
    if isinstance(low, int) and abs(low) > EXACT_LIMIT:
        return low + round(difference * fraction)
    if math.isfinite(difference):
        return low + difference * fraction if fraction < 0.5 else high - difference * (1 - fraction)
    return low * (1 - fraction) + high * fraction
