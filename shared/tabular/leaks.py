"""Detection of target leaks, measured on arrays. Pure; the messages are in ``alerts.py``."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
"""One code per row: equal values have equal codes, from 0 without gaps; ``MISSING_CODE`` is a missing value."""
Floats = npt.NDArray[np.float64]

MISSING_CODE: Final = -1
RECODED_FRACTION: Final = 0.99
"""A column that corresponds one to one to the classes in this fraction of the rows leaks them."""
SUPPORT: Final = 5
"""Minimum rows of a pair of value and class: a value that occurs once always has a single class."""
CORRELATED: Final = 0.999
"""A column whose absolute correlation with a numeric target is at least this high leaks it."""

_BEYOND_LARGEST_FRACTION = 0.9
"""Minimum fraction of the rows outside the largest class: if it has 99 % of the rows, a constant would look like a
leak."""
_ROWS_NEEDED = 20
_LOOKED_AT_FIRST = 1000
_SURELY_NOT = 0.9
_OUTERMOST_FRACTION = 0.01
_STILL_CORRELATED = 0.99


@dataclass(frozen=True)
class Correlation:
    """The correlation of a numeric column with a numeric target."""

    coefficient: Literal["Pearson", "Spearman"]
    value: float
    """Between -1 and 1."""


def recoded_fraction(codes: Codes, target_codes: Codes) -> float:
    """The fraction of the rows in which a column's value and the class correspond one to one.

    A value and a class correspond if each is the other's most frequent partner, in at least 5 rows. A missing value
    counts as a value here (such as a leaving date, which only former customers have); rows without a target are
    ignored.

    Args:
        codes: The column, shape (n_rows,).
        target_codes: The classes, shape (n_rows,).

    Returns:
        Between 0 and 1; 0 if the smaller classes are not recovered.
    """
    is_known = target_codes != MISSING_CODE
    values, classes = codes[is_known] - MISSING_CODE, target_codes[is_known]
    if not len(values):
        return 0.0
    width = int(classes.max()) + 1
    pairs, counts = np.unique(values * width + classes, return_counts=True)
    # an identifier has no pair with enough rows
    if int(counts.max()) < SUPPORT:
        return 0.0
    is_mutual = _are_mutual(pairs // width, pairs % width, counts) & (counts >= SUPPORT)
    class_sizes = np.bincount(classes)
    is_beyond = pairs % width != int(class_sizes.argmax())
    beyond = len(values) - int(class_sizes.max())
    if not beyond or counts[is_mutual & is_beyond].sum() < _BEYOND_LARGEST_FRACTION * beyond:
        return 0.0
    return float(counts[is_mutual].sum() / len(values))


def _are_mutual(values: Codes, classes: Codes, counts: Codes) -> npt.NDArray[np.bool_]:
    """Which pairs are the most frequent of both their value and their class, shape (n_pairs,)."""
    order = np.argsort(counts, kind="stable")
    best_of_value = np.zeros(int(values.max()) + 1, dtype=np.int64)
    best_of_class = np.zeros(int(classes.max()) + 1, dtype=np.int64)
    # for a repeated index, the last assignment wins: the most frequent pair
    best_of_value[values[order]] = order
    best_of_class[classes[order]] = order
    own = np.arange(len(counts))
    mutual: npt.NDArray[np.bool_] = (best_of_value[values] == own) & (best_of_class[classes] == own)
    return mutual


def find_correlation(numbers: Floats, target: Floats) -> Correlation | None:
    """The correlation by which a numeric column leaks a numeric target; None if it does not.

    Pearson's coefficient must also hold without the outermost rows, because a single pair of outliers can make it 1.

    Args:
        numbers: The column, shape (n_rows,); values that are not finite are missing.
        target: The target, shape (n_rows,); values that are not finite are missing.
    """
    is_known = np.isfinite(numbers) & np.isfinite(target)
    numbers, target = numbers[is_known], target[is_known]
    if len(numbers) < _ROWS_NEEDED or not _may_correlate(numbers, target):
        return None
    straight = _pearson(numbers, target)
    if abs(straight) >= CORRELATED and _holds_within(numbers, target):
        return Correlation("Pearson", straight)
    monotonic = _pearson(_ranks(numbers), _ranks(target))
    return Correlation("Spearman", monotonic) if abs(monotonic) >= CORRELATED else None


def _may_correlate(numbers: Floats, target: Floats) -> bool:
    """A quick check on some rows, which rules out most columns."""
    step = max(1, len(numbers) // _LOOKED_AT_FIRST)
    numbers, target = numbers[::step], target[::step]
    if abs(_pearson(numbers, target)) >= _SURELY_NOT:
        return True
    return abs(_pearson(_ranks(numbers), _ranks(target))) >= _SURELY_NOT


def _holds_within(numbers: Floats, target: Floats) -> bool:
    distance = np.abs(target / 2 - np.median(target / 2))  # halves, because the whole may overflow
    left_out = max(1, int(_OUTERMOST_FRACTION * len(target)))
    within = np.argpartition(distance, len(target) - left_out)[:-left_out]
    return abs(_pearson(numbers[within], target[within])) >= _STILL_CORRELATED


def _pearson(one: Floats, other: Floats) -> float:
    """Pearson's coefficient; 0 if either does not vary."""
    one, other = _centered(one), _centered(other)
    length = float(np.sqrt((one * one).sum()) * np.sqrt((other * other).sum()))
    return float((one * other).sum() / length) if length else 0.0


def _centered(values: Floats) -> Floats:
    """Values centred and scaled to -1..1, so that squares neither overflow nor underflow."""
    low, high = float(values.min()), float(values.max())
    middle = values - (low / 2 + high / 2)
    largest = float(np.abs(middle).max())
    if not largest or low == high:
        return np.zeros(len(values))
    middle = middle / largest
    centered: Floats = middle - middle.mean()
    return centered


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values have the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
