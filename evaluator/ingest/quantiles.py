"""Quantiles of a sample, by linear interpolation as numpy and pandas have it, exact for whole numbers of any size."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.ingest.row_groups import Values
from evaluator.ingest.table import EXACT_LIMIT, Number

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def quantiles(values: Values) -> dict[str, Number]:
    """The quantiles by their share, such as ``"0.5"``.

    Args:
        values: int64 or finite float64, shape (n_values,), at least one.
    """
    ordered = np.sort(values)
    return {str(share): _at(ordered, share * (len(ordered) - 1)) for share in SHARES}


def _at(ordered: npt.NDArray[Any], place: float) -> Number:
    below = int(place)
    low = ordered[below].item()
    high = ordered[min(below + 1, len(ordered) - 1)].item()
    return _between(low, high, place - below)


def _between(low: Number, high: Number, share: float) -> Number:
    if low == high or not share:
        return low
    difference = high - low
    if isinstance(low, int) and abs(low) > EXACT_LIMIT:
        return low + round(difference * share)
    if math.isfinite(difference):
        return low + difference * share if share < 0.5 else high - difference * (1 - share)
    return low * (1 - share) + high * share
