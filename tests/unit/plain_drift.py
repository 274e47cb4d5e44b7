"""The statistics of drift once more, plainly: loops over values, from the definitions in docs/drift.md alone."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import jensenshannon

Cells = Sequence[Any]
"""A column's values; None where one is missing."""


def present(cells: Cells) -> list[Any]:
    """The values that are there."""
    return [cell for cell in cells if cell is not None]


def shares(reference: Cells, current: Cells, *, is_number: bool) -> tuple[list[float], list[float]]:
    """Rows by bin of both sides, in any order of the bins."""
    if is_number and len(set(present(reference))) > 10:
        counts = _by_deciles(present(reference), present(current))
    else:
        counts = _by_value(present(reference), present(current))
    missing = [sum(cell is None for cell in cells) for cells in (reference, current)]
    if any(missing):
        counts.append((missing[0], missing[1]))
    return [pair[0] for pair in counts], [pair[1] for pair in counts]


def psi(reference: Sequence[float], current: Sequence[float]) -> float:
    """Half a row is added to each bin."""
    sums = [sum(side) + len(side) / 2 for side in (reference, current)]
    total = 0.0
    for one, other in zip(reference, current, strict=True):
        p, q = (one + 0.5) / sums[0], (other + 0.5) / sums[1]
        total += (q - p) * math.log(q / p)
    return total


def jensen_shannon(reference: Sequence[float], current: Sequence[float]) -> float:
    """SciPy's distance, in bits."""
    with np.errstate(
        invalid="ignore"
    ):  # of samples that are alike, rounding may leave less than nothing under its root
        distance = float(jensenshannon(np.array(reference), np.array(current), base=2))
    return 0.0 if math.isnan(distance) else distance


def kolmogorov_smirnov(reference: Cells, current: Cells) -> float | None:
    """None where one side alone has no value."""
    one, other = present(reference), present(current)
    if not one and not other:
        return 0.0
    if not one or not other:
        return None
    return max(abs(_share_up_to(one, end) - _share_up_to(other, end)) for end in {*one, *other})


def unseen_rate(reference: Cells, current: Cells) -> float | None:
    """None where the compared side alone has no value."""
    one, other = set(present(reference)), present(current)
    if not other:
        return None if one else 0.0
    return sum(value not in one for value in other) / len(other)


def _share_up_to(values: Sequence[Any], end: Any) -> float:
    return sum(value <= end for value in values) / len(values)


def _by_deciles(reference: list[float], current: list[float]) -> list[tuple[float, float]]:
    scaled = [value / 1024 for value in reference]  # so that the quantile of huge numbers does not overflow
    deciles = [float(np.quantile(scaled, step / 10)) * 1024 for step in range(1, 10)]
    own = {decile for decile in deciles if deciles.count(decile) > 1}

    def place(value: float) -> tuple[float, bool]:
        end = next((decile for decile in sorted(set(deciles)) if value <= decile), math.inf)
        return end, end in own and value == end

    one, other = Counter(map(place, reference)), Counter(map(place, current))
    ends = {(end, False) for end in [*deciles, math.inf]} | {(end, True) for end in own}
    return [(one[end], other[end]) for end in ends]


def _by_value(reference: list[Any], current: list[Any]) -> list[tuple[float, float]]:
    one, other = Counter(reference), Counter(current)
    every = {*one, *other}
    sizes = len(reference), len(current)
    apart = {value for value in every if _is_apart(one[value], other[value], sizes, len(every))}
    frequent = [value for value, count in one.most_common(50) if count >= 20]
    unseen = {value for value in other if value not in one}
    own = {*frequent, *(apart - unseen)}
    unseen_rows = sum(other[value] for value in unseen)
    rare_rows = sum(count for value, count in one.items() if value not in own)
    likely = min(rare_rows, expected_unseen(reference, current) * sizes[0])
    counts = [(float(one[value]), float(other[value])) for value in own]
    rest = rare_rows - likely, sum(count for value, count in other.items() if value not in own) - unseen_rows
    return counts + [pair for pair in (rest, (likely, float(unseen_rows))) if any(pair)]


def expected_unseen(reference: list[Any], current: list[Any]) -> float:
    """The share of the compared rows that may be new: as many as chance allows, and no surprising value's."""
    if not reference or not current:
        return 0.0
    one, other = Counter(reference), Counter(current)
    singles, twins = (sum(count == times for count in one.values()) for times in (1, 2))
    sizes = len(reference), len(current)
    share = singles / sizes[0]
    deviation = math.sqrt((singles + 2 * twins) / sizes[0] ** 2 + share * (1 - share) / sizes[1])
    every = len({*one, *other})
    plain = [other[value] for value in other if value not in one and not _is_apart(0, other[value], sizes, every)]
    return min(1.0, share + 3.29 * deviation, sum(plain) / sizes[1])


def _is_apart(one: int, other: int, sizes: tuple[int, int], value_count: int) -> bool:
    """An exact binomial test of both tails, at one in a thousand for all values together."""
    if not all(sizes):
        return False
    share, both = sizes[1] / sum(sizes), one + other
    chances = [math.comb(both, k) * share**k * (1 - share) ** (both - k) for k in range(both + 1)]
    tail = min(math.fsum(chances[: other + 1]), math.fsum(chances[other:]))
    return 2 * tail < 0.001 / value_count
