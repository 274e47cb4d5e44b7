"""A classifier by the nearest centroid, in nothing but numpy."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from modelbus.plugins import EstimatorPlugin


class Centroids:
    """What a fit finds: a part of its own type, which skops does not trust by itself."""

    def __init__(self, places: Any, weights: Any) -> None:
        self.places = places
        self.weights = weights


class NearestCentroids(ClassifierMixin, BaseEstimator):
    """Classify by the nearest centroid.

    Parameters
    ----------
    shrinkage : float
        How far centroids move to the common mean.
    """

    def __init__(
        self,
        shrinkage: float = 0.0,
        distance: str = "euclidean",
        power: float = 2.0,
        n_estimators: int = 100,
        class_weight: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        secret: Any = None,
    ) -> None:
        self.shrinkage = shrinkage
        self.distance = distance
        self.power = power
        self.n_estimators = n_estimators
        self.class_weight = class_weight
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.secret = secret

    def fit(self, X: Any, y: Any) -> "NearestCentroids":  # noqa: N803 - scikit-learn's name
        if self.power == 13:
            raise ValueError("thirteen brings bad luck")
        self.classes_ = np.unique(y)
        means = np.array([X[y == code].mean(axis=0) for code in self.classes_])
        places = (1 - self.shrinkage) * means + self.shrinkage * X.mean(axis=0)
        given = self.class_weight or {}
        weights = np.array([float(given.get(int(code), 1.0)) for code in self.classes_])
        self.centroids_ = Centroids(places, weights)
        self._scorer = "kept"
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        difference = np.abs(np.asarray(X)[:, None, :] - self.centroids_.places[None])
        order = 1.0 if self.distance == "manhattan" else self.power
        nearness = self.centroids_.weights / (1e-9 + (difference**order).sum(axis=2))
        return nearness / nearness.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> Any:  # noqa: N803
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


CLASSIFIER = EstimatorPlugin(
    estimator_type=NearestCentroids,
    task="classification",
    description="The class whose centroid is nearest.",
    hyperparameters={
        "shrinkage": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.0},
        "distance": {"enum": ["euclidean", "manhattan"], "default": "euclidean", "description": "How to measure."},
        "power": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "Infinity"}]},
        "n_estimators": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        "class_weight": {
            "anyOf": [
                {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
                {"type": "null"},
            ]
        },
    },
    fixed={"n_jobs": 1},
    trusted_types={"centroids.Centroids": "two arrays"},
    libraries=("numpy", "threadpoolctl"),
)
