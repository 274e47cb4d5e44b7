"""What is kept of a column of numbers or dates while it is read: 10,000 values at most, whatever its length."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evaluator.ingest.frequencies import DISTINCT_LIMIT
from evaluator.ingest.histograms import Histogram
from evaluator.ingest.moments import Moments
from evaluator.ingest.quantiles import quantiles
from evaluator.ingest.row_groups import finite_values
from evaluator.ingest.sampling import SampledCells
from evaluator.ingest.scales import Scale
from evaluator.ingest.steps import Steps
from evaluator.ingest.table import ColumnPlan, Span


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
            "quantiles": {share: scale.shown(value) for share, value in found.items()} or None,
            "histogram": self._histogram.facts(),
        }

    def _count(self, cells: pa.Array) -> None:
        values = cells.to_numpy(zero_copy_only=False)
        self._known = np.unique(values) if self._known is None else np.union1d(self._known, values)
