"""Two samples of a column, counted by the same bins: deciles of the reference, or its values. Pure maths.

All counts are from 0 to the sample's rows, and add up to them: the bins are fractions of the rows.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from modelbus.evaluator.drift.distances import differ_beyond_chance, unseen_by_chance
from modelbus.shared.tabular.encoding.scaled import Floats

DISCRETE_LIMIT: Final = 10
"""Numbers with so many different values at most are counted by value."""
_VALUE_LIMIT: Final = 50
_LEAST_ROWS: Final = 20
"""The most frequent values have bins of their own, if so many reference rows have them: of rarer ones, the frequent are
those that are frequent by chance, and are rarer in any other sample."""
_SHOWN_UNSEEN: Final = 20
_HUGE: Final = 1e300
"""Between numbers beyond it, a quantile's own arithmetic may leave the range of floats."""
_SHRINK: Final = 2.0**-8


@dataclass(frozen=True)
class Bins:
    """Rows by bin."""

    labels: list[Any]
    """What each bin holds: a value, the upper end of a range (None for the last one, which has none), or the words
    ``(other)``, ``(unseen)`` and ``(missing)``."""
    reference: Floats
    """Shape (n_bins,)."""
    current: Floats
    """Shape (n_bins,)."""
    unseen: dict[Any, int] = field(default_factory=dict)
    """Of values that the reference has not: how many current rows have each, most first."""
    unseen_by_chance: float = 0.0
    """Which fraction of rows with a value that the reference has not is exceeded by chance once in a thousand times."""

    @property
    def unseen_count(self) -> int:
        """Current rows with a value that the reference has not."""
        return sum(self.unseen.values())

    def shown_unseen(self) -> list[dict[str, Any]]:
        """The most frequent of these values, ready for JSON."""
        return [{"value": value, "count": count} for value, count in list(self.unseen.items())[:_SHOWN_UNSEEN]]


def count_ranges(reference: Floats, current: Floats, missing: tuple[int, int]) -> Bins:
    """Count numbers by the deciles of the reference; a value on a decile counts below it.

    A value that is several deciles has a bin of its own: else what lies below it would be counted with it.

    Args:
        reference: The present values, one at least, all finite.
        current: The present values, all finite.
        missing: How many are missing in either sample.
    """
    edges = _edges(reference)
    counts = [
        np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
        for values in (reference, current)
    ]
    return _with_missing([*edges.tolist(), None], counts[0].astype(float), counts[1].astype(float), missing)


def _edges(reference: Floats) -> Floats:
    factor = _SHRINK if np.abs(reference).max() > _HUGE else 1.0
    deciles, times = np.unique(np.quantile(reference * factor, np.linspace(0.1, 0.9, 9)) / factor, return_counts=True)
    return np.union1d(deciles, np.nextafter(deciles[times > 1], -np.inf))


def count_values(
    reference: Sequence[Any], current: Sequence[Any], missing: tuple[int, int], known: Collection[Any] = ()
) -> Bins:
    """Count by value.

    Rare values are always new in some rows: where the reference is full of values that occur once, many rows are unseen
    without any drift. As many as chance allows are expected in the bin of the unseen, and no more than there are rare
    rows in the reference. A value that is more, or less, frequent than chance allows is not among them, however rare it
    is in the reference: it has a bin of its own, or is unseen where none is expected.

    Args:
        reference: The present values.
        current: The present values.
        missing: How many are missing in either sample.
        known: Values that are no unseen ones, though the reference has them not, because it is a sample itself.
    """
    expected, found = Counter(reference), Counter(current)
    apart = _apart(expected, found)
    frequent = [value for value, count in expected.most_common(_VALUE_LIMIT) if count >= _LEAST_ROWS]
    unseen = Counter({value: count for value, count in found.items() if value not in expected and value not in known})
    own = frequent + [value for value in apart if value not in frequent and value not in unseen][:_VALUE_LIMIT]
    counts = [[float(each[value]) for value in own] for each in (expected, found)]
    unseen_rows = sum(unseen.values())
    by_chance = unseen_by_chance(Counter(expected.values()), len(reference), len(current))
    surprising = sum(unseen[value] for value in apart if value in unseen)
    if surprising:
        by_chance = min(by_chance, (unseen_rows - surprising) / len(current))
    likely = _likely(by_chance, unseen_rows, counts[0], len(reference), len(current))
    rest = [len(reference) - sum(counts[0]) - likely, float(len(current) - sum(counts[1]) - unseen_rows)]
    labels = list(own)
    for label, pair in (("(other)", rest), ("(unseen)", [likely, float(unseen_rows)])):
        if any(pair):
            labels.append(label)
            counts[0].append(pair[0])
            counts[1].append(pair[1])
    bins = _with_missing(labels, np.array(counts[0]), np.array(counts[1]), missing)
    return Bins(bins.labels, bins.reference, bins.current, dict(unseen.most_common()), by_chance)


def _apart(expected: Counter[Any], found: Counter[Any]) -> list[Any]:
    """The values whose frequencies differ beyond chance, those of the most rows first."""
    values = list({**expected, **found})
    reference, current = (
        np.fromiter((each[value] for value in values), np.int64, len(values)) for each in (expected, found)
    )
    is_apart = differ_beyond_chance(reference, current, expected.total(), found.total())
    indices = np.flatnonzero(is_apart)
    order = np.argsort(-(reference + current)[indices], kind="stable")
    return [values[index] for index in indices[order]]


def _likely(
    by_chance: float, unseen_rows: int, own_counts: Sequence[float], reference_rows: int, current_rows: int
) -> float:
    """How many reference rows are expected to be of unseen values: of the rare ones, as many as chance allows."""
    fraction = unseen_rows / current_rows if current_rows else 0.0
    rare_rows = reference_rows - sum(own_counts)
    return min(min(by_chance, fraction) * reference_rows, rare_rows)


def _with_missing(labels: list[Any], reference: Floats, current: Floats, missing: tuple[int, int]) -> Bins:
    if not any(missing):
        return Bins(labels, reference, current)
    return Bins([*labels, "(missing)"], np.append(reference, missing[0]), np.append(current, missing[1]))
