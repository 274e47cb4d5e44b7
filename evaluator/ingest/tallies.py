"""What is kept of one column while it is read: 10,000 values at most, whatever its length."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evaluator.ingest.histograms import Histogram
from evaluator.ingest.moments import Moments
from evaluator.ingest.quantiles import quantiles
from evaluator.ingest.row_groups import finite_values
from evaluator.ingest.sampling import SampledCells
from evaluator.ingest.scales import Scale
from evaluator.ingest.spans import Span
from evaluator.ingest.steps import Steps
from evaluator.ingest.table import ColumnPlan

DISTINCT_LIMIT = 10_000
TOP_LIMIT = 10
LONGEST_SHOWN = 200
"""Characters of a text value that a profile shows."""
_DIGEST = "\0…\0"
"""Between the beginning of a long text and the digest of the whole."""
_RECOUNTED = 50
_VALUES_AT_ONCE = 1000


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
        """Take the next cells, none missing."""
        if self._known is None or len(self._known) < DISTINCT_LIMIT:
            self._count(pc.unique(cells))
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


class FrequencyTally:
    """Text and booleans: distinct values, and the most frequent ones by the summary of Misra and Gries (1982).

    Beyond 10,000 distinct values the counts are too low, and those of the first ones are counted again: no value is
    overlooked that makes up more than one five-thousandth of the rows, and every count that is shown is exact.
    """

    def __init__(self) -> None:
        self._counts: dict[Any, int] = {}
        self._recounted: dict[Any, int] | None = None
        self.is_full = False
        """There were more distinct values than are kept."""

    def feed(self, cells: pa.Array) -> None:
        """Take the next cells, none missing."""
        found = pc.value_counts(cells)
        if self.is_full and len(cells) >= DISTINCT_LIMIT:
            # there are many single occurrences, and they weigh little
            found = found.filter(pc.greater(found.field("counts"), 1))
        _add_counts(self._counts, found)
        if len(self._counts) > DISTINCT_LIMIT:
            self._prune()

    def recount(self, cells: pa.Array) -> None:
        """Take the same cells again."""
        if self._recounted is None:
            self._recounted = dict.fromkeys(_most_frequent(self._counts, _RECOUNTED), 0)
        shown = pa.array([value for value in self._recounted if _DIGEST not in value], pa.string())
        # first the few that are wanted, then their counts: to tell all texts of a group apart takes five times as long
        is_wanted = pc.or_(pc.is_in(cells, value_set=shown), pc.greater(pc.binary_length(cells), LONGEST_SHOWN))
        counts: dict[Any, int] = {}
        _add_counts(counts, pc.value_counts(cells.filter(is_wanted)))
        for value in self._recounted.keys() & counts.keys():
            self._recounted[value] += counts[value]

    def facts(self, sample: SampledCells) -> dict[str, Any]:  # noqa: ARG002 - all rows were counted
        """The fields of the column's schema that were tallied."""
        counts = self._counts if self._recounted is None else self._recounted
        top = _most_frequent(counts, TOP_LIMIT)
        return {
            "distinct": DISTINCT_LIMIT if self.is_full else len(counts),
            "top": [{"value": _without_digest(value), "count": counts[value]} for value in top],
        }

    def repeated_rows(self) -> int:
        """Rows with a value that another row has too, as long as there were no more values than are kept."""
        return sum(count for count in self._counts.values() if count > 1)

    def _prune(self) -> None:
        self.is_full = True
        surplus = sorted(self._counts.values(), reverse=True)[DISTINCT_LIMIT]
        kept = {value: count - surplus for value, count in self._counts.items() if count > surplus}
        # where the others are all equally rare, any of them may fill the places that are left
        fillers = dict.fromkeys(list(self._counts)[:_RECOUNTED], 0)
        self._counts = fillers | kept


def _add_counts(counts: dict[Any, int], found: pa.StructArray) -> None:
    is_text = pa.types.is_string(found.type.field("values").type)
    has_long = is_text and len(found) and pc.max(pc.binary_length(found.field("values"))).as_py() > LONGEST_SHOWN
    for start in range(0, len(found), _VALUES_AT_ONCE):
        part = found.slice(start, _VALUES_AT_ONCE)
        values = part.field("values").to_pylist()
        if has_long:
            values = [_shortened(value) for value in values]
        for value, count in zip(values, part.field("counts").to_pylist(), strict=True):
            counts[value] = counts.get(value, 0) + count


def _most_frequent(counts: dict[Any, int], limit: int) -> list[Any]:
    return sorted(counts, key=lambda value: (-counts[value], str(value)))[:limit]


def _shortened(value: Any) -> Any:
    """The value; of a long text its beginning, and a digest that keeps different ones apart."""
    if not isinstance(value, str) or len(value) <= LONGEST_SHOWN:
        return value
    digest = hashlib.blake2b(value.encode(), digest_size=16).hexdigest()
    return f"{value[:LONGEST_SHOWN]}{_DIGEST}{digest}"


def _without_digest(value: Any) -> Any:
    if not isinstance(value, str) or _DIGEST not in value:
        return value
    return value.rpartition(_DIGEST)[0] + "…"
