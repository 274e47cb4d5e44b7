"""The most frequent values of a column of text or booleans, counted in Arrow: 10,000 are kept, whatever its length."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.ahead import ColumnPool
from modelbus.evaluator.ingest.cells.texts import cell_lengths
from modelbus.evaluator.ingest.profile.sampling import SampledCells

DISTINCT_LIMIT: Final = 10_000
TOP_LIMIT: Final = 10
LONGEST_SHOWN: Final = 200
"""Characters of a text value that a profile shows."""
_DIGEST: Final = "\0…\0"
"""Between the beginning of a long text and the digest of the whole."""
_RECOUNTED: Final = 50
_FREQUENT_ONE_IN: Final = 5000
"""Of more values than are kept, those are shown that make up such a fraction of the cells at least."""
_WEIGHTS: Final = ((2_000_000, 32), (250_000, 8), (0, 1))
"""Of a column with more values than are kept, from which cell on one in how many is counted."""
_MANY_CELLS: Final = 4 * DISTINCT_LIMIT
_HELD_BYTES: Final = 512 * 1024
"""What a column may hold of chosen cells; long texts are counted in smaller parts."""
_DEVIATIONS: Final = 3
_SEED: Final = 0

Counts = npt.NDArray[np.int64]


class FrequencyTally:
    """Text and booleans: distinct values, and the most frequent ones by the summary of Misra and Gries (1982).

    Beyond 10,000 distinct values the counts are too low: those that may make up one five-thousandth of the cells are
    counted again, and those that do are shown. Of rarer values any ten would be as good as any others. So no value is
    overlooked that is shown, and every count is exact.

    After 250,000 such cells only a random eighth of them is counted, later one in 32: hashing each of many different
    texts would take longer than everything else. A value that makes up one five-thousandth is then overlooked if its
    count in the sample is more than 3 standard deviations below the mean; in a million rows, a value that makes up one
    two-thousandth is overlooked only beyond 6.
    """

    def __init__(self) -> None:
        self._values: pa.Array | None = None
        """All different, in the order in which they came first; of long ones a beginning and a digest."""
        self._counts: Counts = np.zeros(0, dtype=np.int64)
        self._is_recounted = False
        self._seen = 0
        self._random = np.random.default_rng(_SEED)
        self._held: list[pa.Array] = []
        """Chosen cells that are not counted yet: to count many at once saves a third of the time."""
        self._held_weight = 1
        self._variance = 0.0
        """Of the count of a value that makes up one five-thousandth of the cells."""
        self._lost = 0
        """How much too low a count is at most, but for what chance does."""
        self.is_full = False
        """There were more distinct values than are kept."""

    def feed(self, cells: pa.Array) -> None:
        """Take the next cells; nulls do not count."""
        present = len(cells) - cells.null_count
        self._seen += present
        weight = next(weight for start, weight in _WEIGHTS if self._seen > start) if self.is_full else 1
        if weight == 1:
            self._count(cells, 1)
            return
        if weight != self._held_weight:
            self._count_held()
            self._held_weight = weight
        self._variance += weight * present / _FREQUENT_ONE_IN
        self._held.append(self._some(cells, weight))
        if sum(map(len, self._held)) >= _MANY_CELLS or sum(held.nbytes for held in self._held) >= _HELD_BYTES:
            self._count_held()

    def needs_recount(self) -> bool:
        """Whether to give all cells again: there were too many values to count each, and one may be frequent."""
        if not self.is_full:
            return False
        self._count_held()
        frequent = self._seen / _FREQUENT_ONE_IN
        chance = _DEVIATIONS * math.sqrt(self._variance)
        return int(self._counts.max(initial=0)) + self._lost >= max(frequent - chance, frequent / 4)

    def recount(self, parts: Sequence[Iterable[pa.Array]], side_by_side: ColumnPool) -> None:
        """Take all cells again, none missing, in parts that are counted side by side."""
        self._count_held()
        values = pa.array([value for value, _ in self._most_frequent(_RECOUNTED)], pa.string())
        counted = side_by_side.each(lambda part: _count_each(values, part), parts)
        self._values, self._counts = values, np.sum(counted, axis=0)
        self._is_recounted = True

    def facts(self, sample: SampledCells) -> dict[str, Any]:  # noqa: ARG002 - all rows were counted
        """The fields of the column's schema that were tallied."""
        top = self._most_frequent(TOP_LIMIT)
        if self.is_full:
            is_known = self._is_recounted
            top = [(value, count) for value, count in top if is_known and count * _FREQUENT_ONE_IN >= self._seen]
        return {
            "distinct": DISTINCT_LIMIT if self.is_full else len(self._counts),
            "top": [{"value": _without_digest(value), "count": count} for value, count in top],
        }

    def repeated_rows(self) -> int:
        """Rows with a value that another row has too, as long as there were no more values than are kept."""
        return int(self._counts[self._counts > 1].sum())

    def _count_held(self) -> None:
        if self._held:
            held, self._held = pa.concat_arrays(self._held), []
            self._count(held, self._held_weight)

    def _count(self, cells: pa.Array, weight: int) -> None:
        """Count cells, each of which stands for ``weight`` of them."""
        present = cells.drop_null()
        found = pc.value_counts(present)
        if self.is_full and len(present) >= _MANY_CELLS:
            # there are many single occurrences, and they weigh little: one forty-thousandth of the cells at most
            found = found.filter(pc.greater(found.field("counts"), 1))
            self._lost += weight
        self._add(_shortened(found.field("values")), found.field("counts").to_numpy() * weight)
        if len(self._counts) > DISTINCT_LIMIT:
            self._prune()

    def _some(self, cells: pa.Array, weight: int) -> pa.Array:
        """One in ``weight`` of the cells, some twice; at random, since a value may stand in neighbouring rows."""
        count = self._random.binomial(len(cells), 1 / weight)
        return cells.take(pa.array(np.sort(self._random.integers(0, len(cells), count))))

    def _add(self, values: pa.Array, counts: Counts) -> None:
        joined = values if self._values is None else pa.concat_arrays([self._values, values])
        encoded = joined.dictionary_encode()
        # the sums are whole numbers far below 2**53: none is rounded
        sums = np.bincount(encoded.indices.to_numpy(), np.concatenate([self._counts, counts]), len(encoded.dictionary))
        self._values, self._counts = encoded.dictionary, sums.astype(np.int64)

    def _prune(self) -> None:
        assert self._values is not None
        self.is_full = True
        surplus = int(np.partition(self._counts, -DISTINCT_LIMIT - 1)[-DISTINCT_LIMIT - 1])
        self._lost += surplus
        is_kept = self._counts > surplus
        # where the others are all equally rare, any of them may fill the places that are left
        is_kept[:_RECOUNTED] = True
        self._values = self._values.filter(pa.array(is_kept))
        self._counts = np.maximum(self._counts[is_kept] - surplus, 0)

    def _most_frequent(self, limit: int) -> list[tuple[Any, int]]:
        """The values and their counts; of equally frequent ones those that are first in the order of text."""
        if self._values is None:
            return []
        is_wanted = np.ones(len(self._counts), dtype=bool)
        if len(self._counts) > limit:
            is_wanted = self._counts >= np.partition(self._counts, -limit)[-limit]
        counted = zip(
            self._values.filter(pa.array(is_wanted)).to_pylist(), self._counts[is_wanted].tolist(), strict=True
        )
        return sorted(counted, key=lambda pair: (-pair[1], str(pair[0])))[:limit]


def _count_each(values: pa.Array, part: Iterable[pa.Array]) -> Counts:
    counts = np.zeros(len(values), dtype=np.int64)
    for cells in part:
        # a long text is not found as it is: it stands among the others by its digest
        for some in (cells, _digests(cells.take(pa.array(_long_indices(cells))))):
            indices = pc.index_in(some, value_set=values).drop_null().to_numpy()
            counts += np.bincount(indices, minlength=len(counts))
    return counts


def _shortened(values: pa.Array) -> pa.Array:
    """The values; of each long text its beginning, and a digest that keeps different ones apart."""
    indices = _long_indices(values)
    if not len(indices):
        return values
    is_long = np.zeros(len(values), dtype=bool)
    is_long[indices] = True
    return pc.replace_with_mask(values, pa.array(is_long), _digests(values.take(pa.array(indices))))


def _long_indices(values: pa.Array) -> npt.NDArray[np.int64]:
    """Where the long texts stand."""
    if not pa.types.is_string(values.type):
        return np.zeros(0, dtype=np.int64)
    # no text has more characters than bytes
    indices = np.flatnonzero(cell_lengths(values) > LONGEST_SHOWN)
    if not len(indices):
        return indices
    characters = pc.utf8_length(values.take(pa.array(indices))).to_numpy()
    long: npt.NDArray[np.int64] = indices[characters > LONGEST_SHOWN]
    return long


def _digests(values: pa.Array) -> pa.Array:
    return pa.array([_digest(value) for value in values.to_pylist()], pa.string())


def _digest(value: str) -> str:
    digest = hashlib.blake2b(value.encode(), digest_size=16).hexdigest()
    return f"{value[:LONGEST_SHOWN]}{_DIGEST}{digest}"


def _without_digest(value: Any) -> Any:
    if not isinstance(value, str) or _DIGEST not in value:
        return value
    return value.rpartition(_DIGEST)[0] + "…"
