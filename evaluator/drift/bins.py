"""Counts of two samples of a column in the same bins: deciles of the reference, or its values. Pure maths.

The counts of a sample add up to its rows, so that each bin is a fraction of the rows.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from modelbus.evaluator.drift.distances import differ_beyond_chance, unseen_by_chance
from modelbus.shared.tabular.encoding.scaled import Floats

DISCRETE_LIMIT: Final = 10
"""Numbers with at most this many distinct values are counted by value."""
_VALUE_LIMIT: Final = 50
_MINIMUM_ROWS: Final = 20
"""Minimum reference rows of a value with its own bin: rarer values that seem frequent are so by chance, and are rarer
in any other sample."""
_SHOWN_UNSEEN: Final = 20
_HUGE: Final = 1e300
"""Beyond it, the arithmetic of a quantile may overflow."""
_SHRINK: Final = 2.0**-8


@dataclass(frozen=True)
class Bins:
    """The rows of both samples by bin."""

    labels: list[Any]
    """Each bin's value, or the upper end of its range (None for the last one), or ``(other)``, ``(unseen)`` or
    ``(missing)``."""
    reference: Floats
    """Shape (n_bins,)."""
    current: Floats
    """Shape (n_bins,)."""
    unseen: dict[Any, int] = field(default_factory=dict)
    """Current rows of each unseen value, that is, one that the reference lacks; the most frequent first."""
    unseen_by_chance: float = 0.0
    """The fraction of rows with unseen values that chance alone exceeds once in a thousand times."""

    @property
    def unseen_count(self) -> int:
        """Current rows with an unseen value."""
        return sum(self.unseen.values())

    def shown_unseen(self) -> list[dict[str, Any]]:
        """The most frequent unseen values, as JSON."""
        return [{"value": value, "count": count} for value, count in list(self.unseen.items())[:_SHOWN_UNSEEN]]


def count_ranges(reference: Floats, current: Floats, missing: tuple[int, int]) -> Bins:
    """Count numbers by the deciles of the reference; a value equal to a decile counts below it.

    A value that equals several deciles has its own bin; otherwise smaller values would be counted with it.

    Args:
        reference: The present values, at least one, all finite.
        current: The present values, all finite.
        missing: The missing values of both samples.
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
    """Count values.

    If many reference values occur once, many current rows are unseen without any drift. The reference count of the bin
    for unseen values is therefore what chance allows, limited by the number of rare rows in the reference. A value
    whose frequency differs beyond chance is excluded from this, however rare it is in the reference: it has its own
    bin, or counts as unseen where none is expected.

    Args:
        reference: The present values.
        current: The present values.
        missing: The missing values of both samples.
        known: Values that do not count as unseen although the reference lacks them, because it is a sample itself.
    """
    expected, found = Counter(reference), Counter(current)
    surprising = _beyond_chance(expected, found)
    frequent = [value for value, count in expected.most_common(_VALUE_LIMIT) if count >= _MINIMUM_ROWS]
    unseen = Counter({value: count for value, count in found.items() if value not in expected and value not in known})
    own = frequent + [value for value in surprising if value not in frequent and value not in unseen][:_VALUE_LIMIT]
    counts = [[float(each[value]) for value in own] for each in (expected, found)]
    unseen_rows = sum(unseen.values())
    by_chance = unseen_by_chance(Counter(expected.values()), len(reference), len(current))
    surprising_rows = sum(unseen[value] for value in surprising if value in unseen)
    if surprising_rows:
        by_chance = min(by_chance, (unseen_rows - surprising_rows) / len(current))
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


def _beyond_chance(expected: Counter[Any], found: Counter[Any]) -> list[Any]:
    """The values whose frequencies differ beyond chance, the most frequent first."""
    values = list({**expected, **found})
    reference, current = (
        np.fromiter((each[value] for value in values), np.int64, len(values)) for each in (expected, found)
    )
    is_beyond = differ_beyond_chance(reference, current, expected.total(), found.total())
    indices = np.flatnonzero(is_beyond)
    order = np.argsort(-(reference + current)[indices], kind="stable")
    return [values[index] for index in indices[order]]


def _likely(
    by_chance: float, unseen_rows: int, own_counts: Sequence[float], reference_rows: int, current_rows: int
) -> float:
    """Expected reference rows in the bin for unseen values: as many of the rare rows as chance allows."""
    fraction = unseen_rows / current_rows if current_rows else 0.0
    rare_rows = reference_rows - sum(own_counts)
    return min(min(by_chance, fraction) * reference_rows, rare_rows)


def _with_missing(labels: list[Any], reference: Floats, current: Floats, missing: tuple[int, int]) -> Bins:
    if not any(missing):
        return Bins(labels, reference, current)
    return Bins([*labels, "(missing)"], np.append(reference, missing[0]), np.append(current, missing[1]))
