"""A regressor on square roots, which takes no negative features; in nothing but numpy."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from modelbus.plugins import EstimatorPlugin


class RootRegressor(RegressorMixin, BaseEstimator):
    """Fit a line to the features and their square roots."""

    def __init__(self, penalty: float = 0.001) -> None:
        self.penalty = penalty

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def fit(self, X: Any, y: Any) -> "RootRegressor":  # noqa: N803 - scikit-learn's name
        wide = self._wide(X)
        self.mean_ = float(np.mean(y))
        square = wide.T @ wide + self.penalty * np.eye(wide.shape[1])
        self.slopes_ = np.linalg.solve(square, wide.T @ (y - self.mean_))
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return self.mean_ + self._wide(X) @ self.slopes_

    def _wide(self, X: Any) -> Any:  # noqa: N803
        if (np.asarray(X) < 0).any():
            raise ValueError("a negative number has no root")
        return np.hstack([X, np.sqrt(X), np.ones((len(X), 1))])


REGRESSOR = EstimatorPlugin(
    estimator_type=RootRegressor,
    task="regression",
    hyperparameters={"penalty": {"type": "number", "exclusiveMinimum": 0, "default": 0.001}},
)
