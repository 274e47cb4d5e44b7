"""Fitting in steps, for estimators that can report progress; the result is identical to the last bit.

Forests grow a few trees at a time (``warm_start``), with the same random numbers as in a single step. Gradient boosting
calls a monitor after each stage. Other estimators, and all fits on a cluster, have a single step.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from modelbus.trainer.fitting.fit_progress import StepCallback
from modelbus.trainer.fitting.spreading import is_spread, on_cluster

_FORESTS: Final = frozenset({RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor})
_BOOSTED: Final = frozenset({GradientBoostingClassifier, GradientBoostingRegressor})
_MINIMUM_TREES: Final = 20
_PARTS: Final = 20


def fit_in_steps(
    estimator: Any,
    matrix: npt.NDArray[np.float64],
    target: npt.NDArray[Any] | None,
    weights: npt.NDArray[np.float64] | None,
    on_step: StepCallback,
) -> None:
    """Fit an estimator.

    Args:
        estimator: Unfitted.
        matrix: Shape (n_rows, n_features).
        target: Shape (n_rows,); None for tasks without one.
        weights: The weight of each row, shape (n_rows,); None if all are equal.
        on_step: Called after each step, if the estimator has steps.
    """
    options: dict[str, Any] = {} if weights is None else {"sample_weight": weights}
    if is_spread():
        with on_cluster():
            estimator.fit(matrix, target, **options)
    elif type(estimator) in _FORESTS and _can_grow(estimator):
        _grow(estimator, matrix, target, options, on_step)
    elif type(estimator) in _BOOSTED:
        estimator.fit(matrix, target, **options, monitor=_monitor(estimator.n_estimators, on_step))
    else:
        estimator.fit(matrix, target, **options)


def _monitor(stages: int, on_step: StepCallback) -> Callable[..., bool]:
    def monitor(stage: int, *_: Any) -> bool:
        on_step(stage + 1, stages)
        return False  # True would end the fit

    return monitor


def _can_grow(forest: Any) -> bool:
    # class weights and out-of-bag scores would be recomputed, or cause a warning, in each step
    has_weights = getattr(forest, "class_weight", None) is not None
    return forest.n_estimators >= _MINIMUM_TREES and not has_weights and not forest.oob_score


def _grow(
    forest: Any,
    matrix: npt.NDArray[np.float64],
    target: npt.NDArray[Any] | None,
    options: dict[str, Any],
    on_step: StepCallback,
) -> None:
    total = forest.n_estimators
    forest.set_params(warm_start=True)
    try:
        for part in range(1, _PARTS + 1):
            forest.set_params(n_estimators=math.ceil(total * part / _PARTS))
            forest.fit(matrix, target, **options)
            on_step(forest.n_estimators, total)
    finally:
        forest.set_params(warm_start=False, n_estimators=total)
