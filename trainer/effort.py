"""How much work hyperparameters make of a fit, beside others of the same estimator: to expect a time before one was
tried.
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
        hyperparameters: What differs from its defaults.
    """
    if estimator.startswith("HistGradientBoosting"):
        leaves = float(hyperparameters.get("max_leaf_nodes") or _LEAVES)
        # half of a tree's time is for its first leaves, whatever their number
        return float(hyperparameters.get("max_iter", _TREES)) * (1.0 + leaves / _LEAVES)
    if estimator.startswith(("RandomForest", "ExtraTrees")):
        share = hyperparameters.get("max_features", 1.0 if estimator.endswith("Regressor") else "sqrt")
        return float(hyperparameters.get("n_estimators", _TREES)) * (0.2 + share if isinstance(share, float) else 0.5)
    if estimator.startswith("MLP"):
        return float(sum(hyperparameters.get("hidden_layer_sizes", _LAYERS)))
    return 1.0


def usual_power(estimator: str) -> float:
    """By which power of the rows a fit and its answers take longer, as long as nothing was measured."""
    if estimator.startswith(("SV", "KNeighbors", "Calibrated")):  # what is calibrated here are support vectors
        return 2.0
    if estimator.startswith("HistGradientBoosting"):
        return 0.7  # a good part of each tree's time is the same for any number of rows
    return 1.2 if estimator.startswith(("RandomForest", "ExtraTrees")) else 1.0
