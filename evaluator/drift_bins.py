"""Two samples of a column, counted by the same bins: deciles of the reference, or its values. Pure maths."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from evaluator.drift_statistics import unseen_by_chance
from shared.tabular.scaled import Floats

DISCRETE_LIMIT: Final = 10
"""Numbers with so many different values at most are counted by value."""
_VALUE_LIMIT: Final = 50
_LEAST_ROWS: Final = 20
"""The most frequent values have bins of their own, if so many reference rows have them: of rarer ones, the frequent are
those that are frequent by chance, and are rarer in any other sample."""
_SHOWN_UNSEEN: Final = 20


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
    """Which share of rows with a value that the reference has not is exceeded by chance once in a thousand times."""

    @property
    def unseen_count(self) -> int:
        """Current rows with a value that the reference has not."""
        return sum(self.unseen.values())

    def shown_unseen(self) -> list[dict[str, Any]]:
        """The most frequent of these values, ready for JSON."""
        return [{"value": value, "count": count} for value, count in list(self.unseen.items())[:_SHOWN_UNSEEN]]


def count_ranges(reference: Floats, current: Floats, missing: tuple[int, int]) -> Bins:
    """Count numbers by the deciles of the reference; a value on a decile counts below it.

    Args:
        reference: The present values, one at least.
        current: The present values.
        missing: How many are missing in either sample.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0.1, 0.9, 9)))
    counts = [
        np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
        for values in (reference, current)
    ]
    return _with_missing([*edges.tolist(), None], counts[0].astype(float), counts[1].astype(float), missing)


def count_values(
    reference: Sequence[Any], current: Sequence[Any], missing: tuple[int, int], known: Collection[Any] = ()
) -> Bins:
    """Count by value.

    Rare values are always new in some rows: where the reference is full of values that occur once, many rows are unseen
    without any drift. As many as chance allows are expected in the bin of the unseen, and no more than there are.

    Args:
        reference: The present values.
        current: The present values.
        missing: How many are missing in either sample.
        known: Values that are no unseen ones, though the reference has them not, because it is a sample itself.
    """
    expected, found = Counter(reference), Counter(current)
    frequent = [value for value, count in expected.most_common(_VALUE_LIMIT) if count >= _LEAST_ROWS]
    unseen = Counter({value: count for value, count in found.items() if value not in expected and value not in known})
    chance = unseen_by_chance(Counter(expected.values()), len(reference), len(current))
    unseen_share = sum(unseen.values()) / len(current) if len(current) else 0.0
    likely = min(chance, unseen_share) * len(reference)
    counts = [[float(each[value]) for value in frequent] for each in (expected, found)]
    rest = [len(reference) - sum(counts[0]) - likely, len(current) - sum(counts[1]) - sum(unseen.values())]
    labels = list(frequent)
    for label, pair in (("(other)", rest), ("(unseen)", [likely, float(sum(unseen.values()))])):
        if any(pair):
            labels.append(label)
            counts[0].append(pair[0])
            counts[1].append(pair[1])
    bins = _with_missing(labels, np.array(counts[0]), np.array(counts[1]), missing)
    return Bins(bins.labels, bins.reference, bins.current, dict(unseen.most_common()), chance)


def _with_missing(labels: list[Any], reference: Floats, current: Floats, missing: tuple[int, int]) -> Bins:
    if not any(missing):
        return Bins(labels, reference, current)
    return Bins([*labels, "(missing)"], np.append(reference, missing[0]), np.append(current, missing[1]))
