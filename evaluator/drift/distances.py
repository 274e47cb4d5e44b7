"""How far two samples lie apart, and how far chance alone would put them. Pure: no bus, no store.

Every statistic comes with the value that chance alone exceeds once in a thousand times if both samples are of the same
population: few rows lie far apart without any drift.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import jensenshannon
from scipy.stats import binom, chi2

from modelbus.shared.tabular.encoding.scaled import Floats

Counts = npt.NDArray[np.int64] | Floats
"""Rows by bin, shape (n_bins,)."""
Mask = npt.NDArray[np.bool_]

CHANCE: Final = 0.001
_DEVIATIONS: Final = 3.29
"""So many standard deviations are exceeded, on either side, with that chance."""
_PSEUDO_COUNT: Final = 0.5
"""Added to each bin, so that an empty one has a logarithm (Jeffreys' prior)."""


def stability_index(reference: Counts, current: Counts) -> float:
    """Population stability index, from 0 on: the sum of (q - p) ln(q / p) over the bins' fractions p and q."""
    p, q = (_smoothed(counts) for counts in (reference, current))
    return float(((q - p) * np.log(q / p)).sum())


def stability_index_by_chance(bin_count: int, reference_rows: int, current_rows: int) -> float:
    """What the index exceeds by chance alone (Yurdakul, Statistical Properties of Population Stability Index, 2018)."""
    if bin_count < 2:
        return 0.0
    return float((1 / reference_rows + 1 / current_rows) * chi2.ppf(1 - CHANCE, bin_count - 1))


def jensen_shannon_distance(reference: Counts, current: Counts) -> float:
    """Jensen-Shannon distance, from 0 to 1: the root of the divergence in bits.

    Args:
        reference: One row at least.
        current: One row at least.
    """
    with np.errstate(invalid="ignore"):
        distance = float(jensenshannon(reference, current, base=2))
    # Of samples that are alike, rounding may leave a divergence below 0, of which SciPy takes the root.
    return 0.0 if math.isnan(distance) else distance


def jensen_shannon_by_chance(bin_count: int, reference_rows: int, current_rows: int) -> float:
    """What the distance exceeds by chance alone: for near distributions the divergence is an eighth of the index."""
    return math.sqrt(stability_index_by_chance(bin_count, reference_rows, current_rows) / (8 * math.log(2)))


def kolmogorov_smirnov(reference: Floats, current: Floats) -> float:
    """The largest distance between two empirical distribution functions, from 0 to 1.

    Args:
        reference: One value at least, none missing.
        current: One value at least, none missing.
    """
    # Not SciPy's ks_2samp: it works out a probability too, for which it divides by zero where each side has one row.
    ends = np.concatenate([reference, current])
    one, other = (np.searchsorted(np.sort(side), ends, side="right") / len(side) for side in (reference, current))
    return float(np.abs(one - other).max())


def kolmogorov_smirnov_by_chance(reference_rows: int, current_rows: int) -> float:
    """What the distance exceeds by chance alone (Smirnov's bound for large samples)."""
    return math.sqrt(-math.log(CHANCE / 2) / 2 * (1 / reference_rows + 1 / current_rows))


def rate_by_chance(count: float, reference_rows: int, current_rows: int) -> float:
    """By how much two fractions differ by chance alone.

    Args:
        count: The rows of both samples that are counted.
        reference_rows: The rows of one sample.
        current_rows: The rows of the other one.
    """
    fraction = count / (reference_rows + current_rows)
    return _DEVIATIONS * math.sqrt(fraction * (1 - fraction) * (1 / reference_rows + 1 / current_rows))


def unseen_by_chance(values_of_count: Mapping[int, int], reference_rows: int, current_rows: int) -> float:
    """The fraction of rows with a value that the reference has not, which chance alone exceeds.

    Good and Turing's estimate, the fraction of reference rows whose value no other one has, and its error (Good, "The
    Population Frequencies of Species", Biometrika 40, 1953), which is large where unseen values come in clumps.

    Args:
        values_of_count: How many values occur once in the reference, how many twice, and so on.
        reference_rows: All rows of the reference.
        current_rows: All rows that are compared.
    """
    if not reference_rows or not current_rows:
        return 0.0
    once, twice = values_of_count.get(1, 0), values_of_count.get(2, 0)
    estimate = once / reference_rows
    variance = (once + 2 * twice) / reference_rows**2 + estimate * (1 - estimate) / current_rows
    return min(1.0, estimate + _DEVIATIONS * math.sqrt(variance))


def differ_beyond_chance(reference: Counts, current: Counts, reference_rows: int, current_rows: int) -> Mask:
    """Which values are more, or less, frequent in one sample than chance allows.

    Of the rows that have a value, each is in either sample as likely as the samples' sizes say: an exact binomial test
    of both tails. All values together are beyond it once in a thousand times (Bonferroni).

    Args:
        reference: How many reference rows have each value, shape (n_values,).
        current: How many compared rows have each, shape (n_values,).
        reference_rows: All rows of the reference.
        current_rows: All rows that are compared.

    Returns:
        Shape (n_values,).
    """
    if not len(reference) or not reference_rows or not current_rows:
        return np.zeros(len(reference), dtype=np.bool_)
    # Most of many values occur once: each pair of counts is worked out once.
    pairs, inverse = np.unique(np.stack([reference, current], axis=1), axis=0, return_inverse=True)
    both, fraction = pairs.sum(axis=1), current_rows / (reference_rows + current_rows)
    tails = binom.cdf(pairs[:, 1], both, fraction), binom.sf(pairs[:, 1] - 1, both, fraction)
    is_beyond: Mask = 2 * np.minimum(*tails) < CHANCE / len(reference)
    return is_beyond[inverse.reshape(-1)]


def can_index_exceed(reference: Counts, current_rows: int) -> bool:
    """Whether the index of any so many rows would be beyond chance: of those in a bin that the reference has not."""
    filled = np.asarray(reference)[np.asarray(reference) > 0]
    counts = np.append(filled, 0), np.append(np.zeros(len(filled)), current_rows)
    by_chance = stability_index_by_chance(len(counts[0]), int(np.rint(filled.sum())), current_rows)
    return stability_index(*counts) > by_chance


def can_rate_exceed(count: int, reference_rows: int, current_rows: int) -> bool:
    """Whether the fraction of any so many rows would differ beyond chance: that of all of them, or of none.

    Args:
        count: The reference rows that are counted.
        reference_rows: All rows of the reference.
        current_rows: All rows that are compared.
    """
    return any(
        abs(rows / current_rows - count / reference_rows) > rate_by_chance(count + rows, reference_rows, current_rows)
        for rows in (0, current_rows)
    )


def _smoothed(counts: Counts) -> Floats:
    smoothed = np.asarray(counts, dtype=np.float64) + _PSEUDO_COUNT
    fractions: Floats = smoothed / smoothed.sum()
    return fractions
