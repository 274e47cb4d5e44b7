"""What ``auto`` tries: estimators by task and table, each with its default, with others of proven merit, and a space.

In the order in which they are tried: quick and reliable ones first. All take features of the same range, so that
each fold of the rows is encoded once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from modelbus.shared.contracts import Task
from modelbus.shared.contracts.commands.tuning import Auto, Dimension
from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.fitting.plan import FitPlan

BASELINES: Final[Mapping[Task, str]] = {"classification": "DummyClassifier", "regression": "DummyRegressor"}
"""The estimator that all others must beat, by task."""


QUICK_FROM_ROWS: Final = 4_000
"""With more training rows, a family begins with what is quick."""
_CALIBRATION_FOLDS: Final = 3


@dataclass(frozen=True)
class Family:
    """One estimator of the portfolio."""

    estimator: str
    default: Mapping[str, Any] = field(default_factory=dict)
    """The hyperparameters of its first candidate."""
    others: Sequence[Mapping[str, Any]] = ()
    """Further ones, which have been better on some tables."""
    space: Mapping[str, Dimension] = field(default_factory=dict)
    """The space to draw from when it is among the best."""
    quick: Mapping[str, Any] | None = None
    """Those of its first candidate on large tables, in place of the default: less work, and hardly worse."""
    row_limit: int | None = None
    """Maximum number of training rows: beyond it, time or memory grows faster than the table."""
    has_probabilities: bool = True
    inner: str | None = None
    """The inner estimator, which takes the hyperparameters, where ``estimator`` only adds probabilities."""

    def made_of(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """The hyperparameters of ``estimator`` for some of the family's own."""
        if self.inner is None:
            return dict(chosen)
        specification = {"estimator": self.inner, "hyperparameters": dict(chosen)}
        return {"estimator": specification, "cv": _CALIBRATION_FOLDS, "ensemble": False}

    def chosen_of(self, hyperparameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The family's own hyperparameters within some of ``estimator``."""
        own: Mapping[str, Any] = (
            hyperparameters if self.inner is None else hyperparameters["estimator"]["hyperparameters"]
        )
        return own


def _one_of(*values: Any) -> Dimension:
    return Dimension(values=list(values))


def _real(low: float, high: float, *, is_logarithmic: bool = False) -> Dimension:
    return Dimension(distribution="log_uniform" if is_logarithmic else "uniform", low=low, high=high)


def _whole(low: int, high: int) -> Dimension:
    return Dimension(distribution="int_log_uniform", low=low, high=high)


_BALANCED: Final = {"class_weight": "balanced"}
_WEIGHTS: Final = {"class_weight": _one_of(None, "balanced")}
_BOOSTING: Final = {
    "learning_rate": _real(0.02, 0.3, is_logarithmic=True),
    "max_iter": _whole(60, 600),
    "max_leaf_nodes": _whole(6, 63),
    "min_samples_leaf": _whole(5, 80),
    "l2_regularization": _real(1e-4, 10.0, is_logarithmic=True),
    "max_features": _real(0.3, 1.0),
}
_SLOW_BOOSTING: Final = {"learning_rate": 0.05, "max_iter": 250, "max_leaf_nodes": 15, "l2_regularization": 1.0}
_LARGE_BOOSTING: Final = {
    "learning_rate": 0.08,
    "max_iter": 300,
    "max_leaf_nodes": 63,
    "min_samples_leaf": 10,
    "max_features": 0.6,
}
_STEADY_BOOSTING: Final = {"learning_rate": 0.03, "max_iter": 500, "max_features": 0.5, "l2_regularization": 0.1}
_SHALLOW_BOOSTING: Final = {"max_iter": 200, "max_leaf_nodes": 6}
_BOOSTINGS: Final = (_STEADY_BOOSTING, _LARGE_BOOSTING, _SLOW_BOOSTING, _SHALLOW_BOOSTING)
_QUICK_TREES: Final = {"n_estimators": 50, "min_samples_leaf": 2}
_FOREST: Final = {"max_features": _real(0.1, 1.0), "min_samples_leaf": _whole(1, 20)}
_NEIGHBOURS: Final = {"n_neighbors": _whole(3, 50), "weights": _one_of("uniform", "distance"), "p": _one_of(1, 2)}
_KERNEL: Final = {"C": _real(0.05, 100.0, is_logarithmic=True), "gamma": _real(1e-3, 1.0, is_logarithmic=True)}
_NETWORK: Final = {
    "hidden_layer_sizes": _one_of([50], [100], [50, 50], [100, 50]),
    "alpha": _real(1e-5, 1.0, is_logarithmic=True),
    "learning_rate_init": _real(5e-4, 2e-2, is_logarithmic=True),
}
_STOPPING: Final = {"early_stopping": True, "max_iter": 300}
_QUICK_NETWORK: Final = {**_STOPPING, "learning_rate_init": 0.005, "batch_size": 500}

_CLASSIFIERS: Final = (
    Family("DummyClassifier", {"strategy": "prior"}),
    Family(
        "LogisticRegression",
        {"max_iter": 1000},
        [{"max_iter": 1000, **_BALANCED}, {"max_iter": 1000, "C": 0.05}],
        {"C": _real(1e-3, 100.0, is_logarithmic=True), "max_iter": _one_of(1000), **_WEIGHTS},
    ),
    Family(
        "HistGradientBoostingClassifier",
        {},
        [_BALANCED, *_BOOSTINGS],
        {**_BOOSTING, **_WEIGHTS},
    ),
    Family(
        "RandomForestClassifier",
        {},
        [{"min_samples_leaf": 3, "max_features": 0.5, **_BALANCED}],
        {**_FOREST, "class_weight": _one_of(None, "balanced_subsample")},
        quick=_QUICK_TREES,
    ),
    Family("GaussianNB", {}, [], {"var_smoothing": _real(1e-10, 1.0, is_logarithmic=True)}),
    Family(
        "ExtraTreesClassifier",
        {},
        [{"min_samples_leaf": 3, "max_features": 0.5, **_BALANCED}],
        _FOREST | _WEIGHTS,
        quick=_QUICK_TREES,
    ),
    Family("KNeighborsClassifier", {}, [{"n_neighbors": 15, "weights": "distance"}], _NEIGHBOURS, row_limit=50_000),
    Family("SVC", {}, [{"C": 10.0, **_BALANCED}], {**_KERNEL, **_WEIGHTS}, row_limit=5_000, has_probabilities=False),
    Family(
        "MLPClassifier",
        _STOPPING,
        [],
        {**_NETWORK, **{key: _one_of(value) for key, value in _STOPPING.items()}},
        quick=_QUICK_NETWORK,
    ),
)
_REGRESSORS: Final = (
    Family("DummyRegressor"),
    Family("Ridge", {}, [{"alpha": 30.0}], {"alpha": _real(1e-3, 1e3, is_logarithmic=True)}),
    Family("HistGradientBoostingRegressor", {}, _BOOSTINGS, _BOOSTING),
    Family(
        "RandomForestRegressor",
        {},
        [{"max_features": 0.4, "min_samples_leaf": 3}],
        _FOREST,
        quick={**_QUICK_TREES, "max_features": 0.4},
        row_limit=200_000,
    ),
    Family(
        "ExtraTreesRegressor",
        {},
        [{"max_features": 0.6, "min_samples_leaf": 3}],
        _FOREST,
        quick={**_QUICK_TREES, "max_features": 0.6},
        row_limit=200_000,
    ),
    Family("KNeighborsRegressor", {}, [{"n_neighbors": 15, "weights": "distance"}], _NEIGHBOURS, row_limit=50_000),
    Family(
        "ElasticNet",
        {"alpha": 0.1},
        [],
        {"alpha": _real(1e-4, 10.0, is_logarithmic=True), "l1_ratio": _real(0.05, 0.95)},
    ),
    Family("SVR", {}, [{"C": 100.0}], {**_KERNEL, "C": _real(0.1, 1e4, is_logarithmic=True)}, row_limit=5_000),
    Family(
        "MLPRegressor",
        _STOPPING,
        [],
        {**_NETWORK, **{key: _one_of(value) for key, value in _STOPPING.items()}},
        quick=_QUICK_NETWORK,
        row_limit=200_000,
    ),
)
PORTFOLIO: Final[Mapping[Task, Sequence[Family]]] = {"classification": _CLASSIFIERS, "regression": _REGRESSORS}


def families_for(auto: Auto, plan: FitPlan, task: Task, row_count: int) -> list[Family]:
    """The families that suit a command and its table; all of the command's, where none of them suits.

    Args:
        auto: The included and excluded estimators.
        plan: Whether classes are weighted and probabilities calibrated.
        task: What is learnt.
        row_count: Training rows.

    Raises:
        InvalidCommand: As ``require_families``.
    """
    families = require_families(auto, task)
    suited = [one for one in families if one.row_limit is None or row_count <= one.row_limit] or families
    if plan.calibration is None:
        suited = [one if one.has_probabilities else with_probabilities(one) for one in suited]
    if plan.class_weight is not None:
        suited = [without_class_weights(one) for one in suited]
    return [with_quick_first(one) for one in suited] if row_count > QUICK_FROM_ROWS else suited


def with_quick_first(family: Family) -> Family:
    """The family where the table is large: the quick hyperparameters first, the default after the others."""
    if family.quick is None:
        return family
    return replace(family, default=family.quick, others=[*family.others, family.default])


def with_probabilities(family: Family) -> Family:
    """The family wrapped so that it gives probabilities, which any user of a classifier may need."""
    return replace(family, estimator="CalibratedClassifierCV", inner=family.estimator, has_probabilities=True)


def require_families(auto: Auto, task: Task) -> list[Family]:
    """The families that a command leaves, whatever the table.

    Raises:
        InvalidCommand: A name is not in the portfolio, or no estimator is left.
    """
    known = [family.estimator for family in PORTFOLIO[task]]
    details = []
    for where, names in (("include", auto.include or []), ("exclude", auto.exclude)):
        for index, name in enumerate(names):
            if name not in known:
                problem = f"{name!r} is not in the portfolio for {task}"
                details.append({"where": f"auto.{where}.{index}", "problem": problem, "expected": known})
    if details:
        raise InvalidCommand("; ".join(str(one["problem"]) for one in details[:3]), details=details)
    included = known if auto.include is None else auto.include
    left = [one for one in PORTFOLIO[task] if one.estimator in included and one.estimator not in auto.exclude]
    if not left:
        problem = "no estimator of the portfolio is left to try"
        raise InvalidCommand(problem, details=[{"where": "auto.exclude", "problem": problem, "expected": known}])
    return left


def without_class_weights(family: Family) -> Family:
    """The family where the command itself weighs the classes."""
    return replace(
        family,
        default=_without(family.default),
        others=[_without(one) for one in family.others],
        quick=None if family.quick is None else _without(family.quick),
        space=_without(family.space),
    )


def _without(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if name != "class_weight"}
