"""Classification of estimators by how they must be called so that predictions do not depend on neighbouring rows.

Estimators that are not listed here are called in tiles (see ``batching.py``), which is right for every estimator of
scikit-learn.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import AffinityPropagation, MeanShift
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.isotonic import IsotonicRegression
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    LocalOutlierFactor,
    NearestCentroid,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import LabelBinarizer, LabelEncoder
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

_ONE_BY_ONE_IN_C = "libsvm computes each row independently, as a sum over the support vectors in their order"
_TREES = "each row is evaluated independently, and the trees' results are added in the trees' order"
_CONSTANT = "the prediction is the same for all rows"

ROW_BY_NATURE: Final[Mapping[type, str]] = dict.fromkeys((SVC, SVR, NuSVC, NuSVR, OneClassSVM), _ONE_BY_ONE_IN_C)
"""Estimators that can be called with any number of rows, with the reason; padding would double the cost."""

WITHOUT_PRODUCTS: Final[Mapping[type, str]] = {
    **dict.fromkeys(
        (
            DecisionTreeClassifier,
            DecisionTreeRegressor,
            ExtraTreeClassifier,
            ExtraTreeRegressor,
            ExtraTreesClassifier,
            ExtraTreesRegressor,
            GradientBoostingClassifier,
            GradientBoostingRegressor,
            HistGradientBoostingClassifier,
            HistGradientBoostingRegressor,
            IsolationForest,
            RandomForestClassifier,
            RandomForestRegressor,
        ),
        _TREES,
    ),
    **dict.fromkeys((DummyClassifier, DummyRegressor), _CONSTANT),
}
"""Estimators without matrix products, with the reason. They can be called with any number of rows except one: NumPy
adds the classes of a single row in another order, since the memory layout of one row is ambiguous."""

_WRAPPERS: Final = frozenset(
    {
        AdaBoostClassifier,
        AdaBoostRegressor,
        BaggingClassifier,
        BaggingRegressor,
        CalibratedClassifierCV,
        OneVsOneClassifier,
        OneVsRestClassifier,
        SelfTrainingClassifier,
        VotingClassifier,
        VotingRegressor,
    }
)
"""Estimators that combine their members' predictions row by row, without matrix products of their own."""

_FITTINGS: Final = frozenset({IsotonicRegression, LabelBinarizer, LabelEncoder})
"""Parts of wrappers that process each value independently."""

_BY_NEIGHBOURS: Final = frozenset(
    {
        AffinityPropagation,
        KNeighborsClassifier,
        KNeighborsRegressor,
        LabelPropagation,
        LabelSpreading,
        LocalOutlierFactor,
        MeanShift,
        NearestCentroid,
        RadiusNeighborsClassifier,
        RadiusNeighborsRegressor,
    }
)

_DRAWING: Final = frozenset({"stratified", "uniform"})


def has_products(estimator: Any) -> bool:
    """Whether an estimator or any of its members may multiply matrices."""
    harmless = {*ROW_BY_NATURE, *WITHOUT_PRODUCTS, *_WRAPPERS, *_FITTINGS}
    return any(type(one) not in harmless for one in members(estimator))


def compares_with_stored_rows(estimator: Any) -> bool:
    """Whether an estimator or a member compares rows with stored rows, which scikit-learn does in chunks."""
    return any(type(one) in _BY_NEIGHBOURS for one in members(estimator))


def draws_by_chance(estimator: Any) -> bool:
    """Whether the estimator itself predicts at random, so that the prediction depends on the row's position."""
    return type(estimator) is DummyClassifier and estimator.strategy in _DRAWING


def has_member_by_chance(estimator: Any) -> bool:
    """Whether the estimator or a member predicts at random."""
    return any(draws_by_chance(one) for one in members(estimator))


def is_foreign(estimator: Any) -> bool:
    """Whether the estimator or a member belongs to another package than scikit-learn."""
    return any(not type(one).__module__.startswith("sklearn.") for one in members(estimator))


def product_shapes(estimator: Any) -> list[tuple[int, int]] | None:
    """The shapes (features, outputs) of an estimator's matrix products, if it computes nothing else with its rows.

    Returns:
        The shapes of a linear model or of a network's layers; None for other estimators.
    """
    if type(estimator) in (MLPClassifier, MLPRegressor):
        return [layer.shape for layer in estimator.coefs_]
    if type(estimator).__module__.startswith("sklearn.linear_model.") and len(list(members(estimator))) == 1:
        coefficients = np.atleast_2d(np.asarray(estimator.coef_))
        return [(coefficients.shape[1], coefficients.shape[0])]
    return None


def members(estimator: Any) -> Iterator[Any]:
    """The estimator and all estimators inside it, at any depth, except for the internals of trees and SVMs."""
    pending, met = [estimator], set()
    while pending:
        one = pending.pop()
        if id(one) in met:
            continue
        met.add(id(one))
        if isinstance(one, BaseEstimator):
            yield one
        if type(one) not in ROW_BY_NATURE and type(one) not in WITHOUT_PRODUCTS:
            pending += _held(one)


def _held(one: Any) -> list[Any]:
    """The parts of an object that may be or contain estimators."""
    if isinstance(one, Mapping):
        return list(one.values())
    if isinstance(one, (list, tuple)):
        return list(one)
    if isinstance(one, np.ndarray):
        return one.ravel().tolist() if one.dtype.hasobject else []
    if isinstance(one, BaseEstimator) or type(one).__module__.startswith("sklearn."):
        return list(vars(one).values()) if hasattr(one, "__dict__") else []
    return []
