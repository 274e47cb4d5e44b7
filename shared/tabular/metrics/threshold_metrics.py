"""Metrics of two classes for many thresholds at once, by the formulas of the registry. Pure maths."""

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
    """The sums of two labels, the second one the positive; takes the place of ``WeighedLabels`` in formulas."""

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
    """The metrics that a threshold can be chosen by, shape (n_thresholds,) each; NaN where one is not defined.

    Args:
        true_positives: Shape (n_thresholds,), as the other counts.
        false_positives: See above.
        true_negatives: See above.
        false_negatives: See above.
        names: Which of the metrics of either threshold use.
    """
    counts = CountsByThreshold(
        LabelSums(
            np.stack([true_negatives, true_positives]),
            np.stack([true_negatives + false_positives, true_positives + false_negatives]),
            np.stack([true_negatives + false_negatives, true_positives + false_positives]),
        )
    )
    return {name: np.asarray(METRICS[name].formula.of(counts)) for name in names}
