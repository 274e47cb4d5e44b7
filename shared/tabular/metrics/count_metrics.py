"""Metrics of two classes from the four counts of a confusion, for many thresholds at once. Pure maths."""

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.metrics.label_metrics import BETAS

Floats = npt.NDArray[np.float64]


def count_metrics(hits: Floats, alarms: Floats, passes: Floats, misses: Floats) -> dict[str, Floats]:
    """The metrics that a threshold can be chosen by; NaN where one is not defined.

    Args:
        hits: True positives, shape (n_thresholds,).
        alarms: False positives.
        passes: True negatives.
        misses: False negatives.
    """
    total = hits + alarms + passes + misses
    recall, specificity = _ratio(hits, hits + misses), _ratio(passes, passes + alarms)
    spread = np.sqrt(hits + alarms) * np.sqrt(hits + misses) * np.sqrt(passes + alarms) * np.sqrt(passes + misses)
    correlation = np.divide(hits * passes - alarms * misses, spread, out=np.zeros_like(spread), where=spread > 0)
    return {
        "precision": _ratio(hits, hits + alarms),
        "recall": recall,
        "specificity": specificity,
        **{name: _ratio((1 + b * b) * hits, (1 + b * b) * hits + b * b * misses + alarms) for name, b in BETAS.items()},
        "accuracy": (hits + passes) / total,
        "balanced_accuracy": (recall + specificity) / 2,
        "matthews_correlation": correlation,
    }


def _ratio(numerators: Floats, denominators: Floats) -> Floats:
    return np.divide(numerators, denominators, out=np.full_like(numerators, np.nan), where=denominators > 0)
