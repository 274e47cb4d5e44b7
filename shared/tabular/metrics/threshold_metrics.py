"""Metrics of two classes for many thresholds at once, with the formulas of the registry. Pure maths."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts.metric_names import THRESHOLD_METRICS
from modelbus.shared.tabular.metrics.label_sums import LabelSums
from modelbus.shared.tabular.metrics.registry import METRICS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CountsByThreshold:
    """The sums of two labels, of which the second is positive; replaces ``WeighedLabels`` in formulas."""

    sums: LabelSums
    """Shape (2, n_thresholds)."""
    positive: Final[int] = 1


def threshold_metrics(
    true_positives: Floats,
    false_positives: Floats,
    true_negatives: Floats,
    false_negatives: Floats,
    names: Iterable[str] = THRESHOLD_METRICS,
) -> dict[str, Floats]:
    """The metrics by which a threshold can be chosen, each of shape (n_thresholds,); NaN if one is not defined.

    Args:
        true_positives: Shape (n_thresholds,), like the other counts.
        false_positives: See above.
        true_negatives: See above.
        false_negatives: See above.
        names: The metrics to compute.
    """
    counts = CountsByThreshold(
        LabelSums(
            np.stack([true_negatives, true_positives]),
            np.stack([true_negatives + false_positives, true_positives + false_negatives]),
            np.stack([true_negatives + false_negatives, true_positives + false_positives]),
        )
    )
    return {name: np.asarray(METRICS[name].formula.of(counts)) for name in names}
