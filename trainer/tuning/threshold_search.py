"""The probability from which the second of two classes is predicted: the threshold that is best on rows which the fits
did not see.

It replaces scikit-learn's ``TunedThresholdClassifierCV``, which keeps its scorer, a function, in the model: no
artifact may hold one. Here a number in the signature is all, and estimators answer as fast as without.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts.commands.tuning import Threshold
from modelbus.shared.tabular.metrics.threshold_metrics import threshold_metrics

Floats = npt.NDArray[np.float64]
Counts = tuple[Floats, Floats, Floats, Floats]
"""True positives, false positives, false negatives and true negatives, one a threshold."""

DEFAULT_SCORING: Final = "balanced_accuracy"
ALWAYS: Final = 0.0
"""The threshold at which each row is of the second class, however unlikely."""
NEVER: Final = float(np.nextafter(1.0, 2.0))
"""The threshold at which no row is, however likely: just above 1."""
_HALF: Final = 0.5
_SLACK: Final = 1e-12


def best_threshold(truth: npt.NDArray[Any], probabilities: Floats, aim: Threshold) -> dict[str, Any]:
    """Find the threshold.

    Args:
        truth: 0 for the first class and 1 for the second, shape (n_rows,); both occur.
        probabilities: Of the second class, shape (n_rows,).
        aim: What to optimise.

    Returns:
        ``value``, from 0 (each row is of the second class) to just above 1 (none is); ``aim``, what it is best in;
        ``at_value`` and ``at_half``, that aim at the threshold and at 0.5 (costs as their mean over the rows).
    """
    thresholds = _candidates(probabilities)
    merits = _merits(truth, probabilities, thresholds, aim)
    # of several that are equally good, the one that changes least
    equal = thresholds[merits >= merits.max() - _SLACK]
    value = float(equal[np.argmin(np.abs(equal - _HALF))])
    at_value, at_half = _merits(truth, probabilities, np.array([value, _HALF]), aim)
    sign = 1.0 if aim.costs is None else -1.0
    return {
        "value": value,
        "aim": "costs" if aim.costs is not None else aim.scoring or DEFAULT_SCORING,
        "at_value": float(sign * at_value),
        "at_half": float(sign * at_half),
    }


def _candidates(probabilities: Floats) -> Floats:
    """All thresholds that split the rows differently: each in the middle between two probabilities, one half, and both
    ends, from which on every row, and no row at all, is of the second class.
    """
    known = np.unique(probabilities)
    middles = (known[1:] + known[:-1]) / 2
    return np.unique(np.concatenate([[ALWAYS], middles, [_HALF, NEVER]]))


def _merits(truth: npt.NDArray[Any], probabilities: Floats, thresholds: Floats, aim: Threshold) -> Floats:
    counts = _counts(truth, probabilities, thresholds)
    if aim.costs is not None:
        _, false_positives, false_negatives, _ = counts
        paid = aim.costs.false_positive * false_positives + aim.costs.false_negative * false_negatives
        return -paid / len(truth)
    return np.nan_to_num(_scored(aim.scoring or DEFAULT_SCORING, counts))


def _counts(truth: npt.NDArray[Any], probabilities: Floats, thresholds: Floats) -> Counts:
    positives, negatives = np.sort(probabilities[truth == 1]), np.sort(probabilities[truth == 0])
    below_positives = np.searchsorted(positives, thresholds, side="left").astype(np.float64)
    below_negatives = np.searchsorted(negatives, thresholds, side="left").astype(np.float64)
    return (
        len(positives) - below_positives,
        len(negatives) - below_negatives,
        below_positives,
        below_negatives,
    )


def _scored(name: str, counts: Counts) -> Floats:
    true_positives, false_positives, false_negatives, true_negatives = counts
    return threshold_metrics(true_positives, false_positives, true_negatives, false_negatives, [name])[name]
