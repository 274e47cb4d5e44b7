"""Distances between two samples, and the distances to expect by chance. Pure: no bus, no store.

For each statistic there is the value that chance alone exceeds once in a thousand times if both samples come from the
same population: small samples are far apart without any drift.
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
"""The two-sided quantile of the standard normal distribution for this probability."""
_PSEUDO_COUNT: Final = 0.5
"""Added to each bin, so that the logarithm of an empty one is finite (Jeffreys' prior)."""


def stability_index(reference: Counts, current: Counts) -> float:
    """Population stability index, 0 or more: the sum of (q - p) ln(q / p) over the bins' fractions p and q."""
    p, q = (_smoothed(counts) for counts in (reference, current))
    return float(((q - p) * np.log(q / p)).sum())


def stability_index_by_chance(bin_count: int, reference_rows: int, current_rows: int) -> float:
    """The index that chance alone exceeds (Yurdakul, Statistical Properties of Population Stability Index, 2018)."""
    if bin_count < 2:
        return 0.0
    return float((1 / reference_rows + 1 / current_rows) * chi2.ppf(1 - CHANCE, bin_count - 1))


def jensen_shannon_distance(reference: Counts, current: Counts) -> float:
    """Jensen-Shannon distance, from 0 to 1: the square root of the divergence in bits.

    Args:
        reference: At least one row.
        current: At least one row.
    """
    with np.errstate(invalid="ignore"):
        distance = float(jensenshannon(reference, current, base=2))
    # For identical samples, rounding may make the divergence negative, and SciPy takes its square root.
    return 0.0 if math.isnan(distance) else distance


def jensen_shannon_by_chance(bin_count: int, reference_rows: int, current_rows: int) -> float:
    """The distance that chance alone exceeds: for similar distributions, the divergence is an eighth of the index."""
    return math.sqrt(stability_index_by_chance(bin_count, reference_rows, current_rows) / (8 * math.log(2)))


def kolmogorov_smirnov(reference: Floats, current: Floats) -> float:
    """The maximum distance between two empirical distribution functions, from 0 to 1.

    Args:
        reference: At least one value, none missing.
        current: At least one value, none missing.
    """
    # SciPy's ks_2samp also computes a p-value, which divides by zero if each side has one row.
    ends = np.concatenate([reference, current])
    one, other = (np.searchsorted(np.sort(side), ends, side="right") / len(side) for side in (reference, current))
    return float(np.abs(one - other).max())


def kolmogorov_smirnov_by_chance(reference_rows: int, current_rows: int) -> float:
    """The distance that chance alone exceeds (Smirnov's bound for large samples)."""
    return math.sqrt(-math.log(CHANCE / 2) / 2 * (1 / reference_rows + 1 / current_rows))


def rate_by_chance(count: float, reference_rows: int, current_rows: int) -> float:
    """The difference of two fractions that chance alone exceeds.

    Args:
        count: The counted rows of both samples together.
        reference_rows: All rows of the reference.
        current_rows: All rows that are compared.
    """
    fraction = count / (reference_rows + current_rows)
    return _DEVIATIONS * math.sqrt(fraction * (1 - fraction) * (1 / reference_rows + 1 / current_rows))


def unseen_by_chance(values_of_count: Mapping[int, int], reference_rows: int, current_rows: int) -> float:
    """The fraction of rows with unseen values that chance alone exceeds.

    The Good-Turing estimate, which is the fraction of reference rows with a unique value, plus its error (Good, "The
    Population Frequencies of Species", Biometrika 40, 1953), which is large if unseen values occur in clusters.

    Args:
        values_of_count: The number of values that occur once in the reference, twice, and so on.
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
    """Which values have frequencies that differ beyond chance.

    An exact two-sided binomial test: without drift, each row of a value belongs to a sample with a probability
    proportional to the sample's size. The error over all values together is one in a thousand (Bonferroni).

    Args:
        reference: Reference rows of each value, shape (n_values,).
        current: Compared rows of each value, shape (n_values,).
        reference_rows: All rows of the reference.
        current_rows: All rows that are compared.

    Returns:
        Shape (n_values,).
    """
    if not len(reference) or not reference_rows or not current_rows:
        return np.zeros(len(reference), dtype=np.bool_)
    # Most values occur once, so each distinct pair of counts is computed once.
    pairs, inverse = np.unique(np.stack([reference, current], axis=1), axis=0, return_inverse=True)
    both, fraction = pairs.sum(axis=1), current_rows / (reference_rows + current_rows)
    tails = binom.cdf(pairs[:, 1], both, fraction), binom.sf(pairs[:, 1] - 1, both, fraction)
    is_beyond: Mask = 2 * np.minimum(*tails) < CHANCE / len(reference)
    return is_beyond[inverse.reshape(-1)]


def can_index_exceed(reference: Counts, current_rows: int) -> bool:
    """Whether the index could exceed chance with this number of rows: if all were in a bin that the reference lacks."""
    filled = np.asarray(reference)[np.asarray(reference) > 0]
    counts = np.append(filled, 0), np.append(np.zeros(len(filled)), current_rows)
    by_chance = stability_index_by_chance(len(counts[0]), int(np.rint(filled.sum())), current_rows)
    return stability_index(*counts) > by_chance


def can_rate_exceed(count: int, reference_rows: int, current_rows: int) -> bool:
    """Whether a fraction could differ beyond chance with this number of rows: if all of them counted, or none.

    Args:
        count: The counted reference rows.
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
