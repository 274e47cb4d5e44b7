"""The relative work of a fit by its hyperparameters, beside others of the same estimator: estimates the time of a fit
before one was tried.
"""

from collections.abc import Mapping
from typing import Any, Final

_TREES: Final = 100.0
_LEAVES: Final = 31.0
_LAYERS: Final = (100,)


def effort(estimator: str, hyperparameters: Mapping[str, Any]) -> float:
    """The work of a fit, in any unit that is the same for all hyperparameters of an estimator.

    Args:
        estimator: Its name.
        hyperparameters: Those that differ from its defaults.
    """
    if estimator.startswith("HistGradientBoosting"):
        leaves = float(hyperparameters.get("max_leaf_nodes") or _LEAVES)
        # half of a tree's time is for its first leaves, whatever their number
        return float(hyperparameters.get("max_iter", _TREES)) * (1.0 + leaves / _LEAVES)
    if is_forest(estimator):
        fraction = hyperparameters.get("max_features", 1.0 if estimator.endswith("Regressor") else "sqrt")
        of_features = 0.2 + fraction if isinstance(fraction, float) else 0.5
        return float(hyperparameters.get("n_estimators", _TREES)) * of_features
    if estimator.startswith("MLP"):
        return float(sum(hyperparameters.get("hidden_layer_sizes", _LAYERS)))
    return 1.0


def usual_s(estimator: str, hyperparameters: Mapping[str, Any], row_count: int, feature_count: int) -> float:
    """Seconds that a fit takes on a usual core, roughly: the same on each machine and under any load.

    Args:
        estimator: Its name.
        hyperparameters: Those that differ from its defaults.
        row_count: Rows of the fit.
        feature_count: Encoded features.
    """
    cell_count = row_count * feature_count
    work = effort(estimator, hyperparameters)
    if estimator.startswith("HistGradientBoosting"):
        return work * (5e-4 + 5e-9 * cell_count)
    if is_forest(estimator):
        return work * (4e-4 + 3e-7 * cell_count)
    if estimator.startswith("MLP"):
        return work * (1e-3 + 5e-8 * cell_count)
    if estimator.startswith(("SV", "Calibrated")):  # what is calibrated here are support vectors
        return 0.005 + 5e-8 * row_count * cell_count
    return 0.005 + 1e-6 * cell_count


def usual_power(estimator: str) -> float:
    """The power of the rows by which fits and answers take longer, as long as nothing was measured."""
    if estimator.startswith(("SV", "Calibrated")):  # what is calibrated here are support vectors
        return 2.0
    if estimator.startswith("HistGradientBoosting"):
        # a good part of each tree's time is the same for any number of rows, and beyond 10,000 it stops early
        return 0.6
    return 1.0


def is_forest(estimator: str) -> bool:
    """Whether its trees can grow side by side."""
    return estimator.startswith(("RandomForest", "ExtraTrees"))
