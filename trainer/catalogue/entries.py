"""What can be trained: scikit-learn's classifiers and regressors that learn one target from one table, its outlier
detectors and clusterers that can answer for new rows, and plug-ins.
"""

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sklearn.base import ClassifierMixin, ClusterMixin, OutlierMixin, RegressorMixin
from sklearn.utils import all_estimators

from modelbus.shared.contracts import TASKS, EstimatorRecord, Task
from modelbus.shared.contracts.checks.command_checks import unknown_estimator
from modelbus.shared.models.installed_plugins import InstalledPlugin
from modelbus.trainer.catalogue.documentation import summary
from modelbus.trainer.catalogue.hyperparameters import Hyperparameter, settable
from modelbus.trainer.catalogue.plugin_entries import settable_of, trainable_plugins
from modelbus.trainer.catalogue.streamable import streaming_fault

MEMBER_LIMIT: Final = 20
"""Estimators that a vote or a stack may have."""

_SEVERAL_TARGETS = "it is made for several targets"
_NO_NEW_ROWS = "it groups the rows that it is given and cannot say where a new row belongs"

LEFT_OUT: Final[Mapping[str, str]] = {
    "ClassifierChain": _SEVERAL_TARGETS,
    "RegressorChain": _SEVERAL_TARGETS,
    "MultiOutputClassifier": _SEVERAL_TARGETS,
    "MultiOutputRegressor": _SEVERAL_TARGETS,
    "MultiTaskElasticNet": _SEVERAL_TARGETS,
    "MultiTaskElasticNetCV": _SEVERAL_TARGETS,
    "MultiTaskLasso": _SEVERAL_TARGETS,
    "MultiTaskLassoCV": _SEVERAL_TARGETS,
    "CCA": _SEVERAL_TARGETS,
    "PLSCanonical": _SEVERAL_TARGETS,
    "FixedThresholdClassifier": "its threshold is of one class, which it knows by its code and not by its label",
    "TunedThresholdClassifierCV": "it keeps its scorer, a function, which no artifact may hold",
    "TransformedTargetRegressor": "without functions or objects it is LinearRegression",
    "CategoricalNB": "it takes category numbers only; on a table's real numbers it would be silently wrong",
    "IsotonicRegression": "it takes a single number column and answers nothing outside of its range",
    "AgglomerativeClustering": _NO_NEW_ROWS,
    "DBSCAN": _NO_NEW_ROWS,
    "HDBSCAN": _NO_NEW_ROWS,
    "OPTICS": _NO_NEW_ROWS,
    "SpectralClustering": _NO_NEW_ROWS,
    "FeatureAgglomeration": "it groups columns, not rows",
    "Birch": "its tree refers to itself in circles, which no artifact may hold",
}
"""scikit-learn's own that are not offered, each with the reason; a test knows that nothing else is missing."""


@dataclass(frozen=True)
class Nesting:
    """A hyperparameter that takes other estimators of the catalogue."""

    task: Task
    """What they must do."""
    is_list: bool = False
    """Several of them, each with a name of its own."""
    is_required: bool = False
    keeps_classes: bool = True
    """They see all classes by their codes, and not two at a time."""


_CLASSIFIER = Nesting("classification")
_REGRESSOR = Nesting("regression")
_CLASSIFIERS = Nesting("classification", is_list=True, is_required=True)
_REGRESSORS = Nesting("regression", is_list=True, is_required=True)
_OF_TWO_CLASSES = Nesting("classification", is_required=True, keeps_classes=False)

NESTED: Final[Mapping[str, Mapping[str, Nesting]]] = {
    "AdaBoostClassifier": {"estimator": _CLASSIFIER},
    "AdaBoostRegressor": {"estimator": _REGRESSOR},
    "BaggingClassifier": {"estimator": _CLASSIFIER},
    "BaggingRegressor": {"estimator": _REGRESSOR},
    "CalibratedClassifierCV": {"estimator": _CLASSIFIER},
    "OneVsOneClassifier": {"estimator": _OF_TWO_CLASSES},
    "OneVsRestClassifier": {"estimator": _OF_TWO_CLASSES},
    "OutputCodeClassifier": {"estimator": _OF_TWO_CLASSES},
    "RANSACRegressor": {"estimator": _REGRESSOR},
    "SelfTrainingClassifier": {"estimator": Nesting("classification", is_required=True)},
    "StackingClassifier": {"estimators": _CLASSIFIERS, "final_estimator": _CLASSIFIER},
    "StackingRegressor": {"estimators": _REGRESSORS, "final_estimator": _REGRESSOR},
    "VotingClassifier": {"estimators": _CLASSIFIERS},
    "VotingRegressor": {"estimators": _REGRESSORS},
}
"""By estimator, the hyperparameters that take other estimators."""

FIXED: Final[Mapping[str, Mapping[str, Any]]] = {
    "LocalOutlierFactor": {"novelty": True},  # else it judges the rows that it was fitted on, and no others
}
"""By estimator, the constructor arguments that the service sets, so that it can answer for new rows."""

_MIXINS: Final[Mapping[Task, type]] = {
    "classification": ClassifierMixin,
    "regression": RegressorMixin,
    "outlier_detection": OutlierMixin,
    "clustering": ClusterMixin,
}


@dataclass(frozen=True)
class CatalogueEntry:
    """One estimator that can be trained."""

    record: EstimatorRecord
    estimator_type: type
    allowed: Mapping[str, Hyperparameter]
    """Hyperparameters that may be set."""
    refused: Mapping[str, str]
    """Hyperparameters that may not, with the reason."""
    is_seeded: bool
    """Whether it has a ``random_state``."""
    nested: Mapping[str, Nesting] = field(default_factory=dict)
    """Hyperparameters that take other estimators."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Constructor arguments that the service sets."""
    default_member_count: int = 1
    """How many estimators it is made of when nothing else is said."""


def catalogue() -> list[EstimatorRecord]:
    """All estimators that can be trained, by name, each with a JSON Schema of its hyperparameters."""
    return [entry.record for entry in _entries().values()]


def left_out() -> dict[str, str]:
    """What is not offered on purpose or because of a fault, with the reason: scikit-learn's own and plug-ins."""
    plugins = trainable_plugins().left_out
    return {
        **{name: f"its plug-in has a fault: {one.reason}" for name, one in plugins.items() if name not in _entries()},
        **LEFT_OUT,
    }


def find_estimator(name: str) -> CatalogueEntry:
    """The entry of that name.

    Raises:
        UnknownEstimator: There is none; the sentence names what is close, or why it is left out.
    """
    entry = _entries().get(name)
    if entry is not None:
        return entry
    raise unknown_estimator(name, _entries(), left_out())


@functools.cache
def _entries() -> dict[str, CatalogueEntry]:
    plugins = {name: _plugin_entry(plugin) for name, plugin in trainable_plugins().usable.items()}
    return dict(sorted((_library_entries() | plugins).items()))


@functools.cache
def _library_entries() -> dict[str, CatalogueEntry]:
    return {
        name: _entry(name, estimator_type, task)
        for task in TASKS
        for name, estimator_type in library_estimators(task)
        if name not in LEFT_OUT
    }


def library_estimators(task: Task) -> list[tuple[str, type]]:
    """All of scikit-learn's estimators of a task, those that are left out included: names and classes."""
    return [(name, each) for name, each in _every_library_estimator() if issubclass(each, _MIXINS[task])]


@functools.cache
def _every_library_estimator() -> list[tuple[str, type]]:
    return list(all_estimators())  # the library has no filter for outlier detectors, and each call walks its modules


def _entry(name: str, estimator_type: type, task: Task) -> CatalogueEntry:
    defaults = {
        parameter.name: parameter.default
        for parameter in inspect.signature(estimator_type).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    nested, fixed = NESTED.get(name, {}), FIXED.get(name, {})
    plain = {key: value for key, value in defaults.items() if key not in nested and key not in fixed}
    allowed, refused = settable(estimator_type, plain)
    return CatalogueEntry(
        _record(name, estimator_type, task, summary(estimator_type), allowed, nested),
        estimator_type,
        allowed,
        {**refused, **dict.fromkeys(fixed, "the service sets it")},
        is_seeded="random_state" in defaults,
        nested=nested,
        fixed=fixed,
        default_member_count=_default_member_count(defaults),
    )


def _plugin_entry(installed: InstalledPlugin) -> CatalogueEntry:
    plugin = installed.plugin
    arguments = plugin.estimator_type(**plugin.fixed).get_params(deep=False)
    allowed, refused = settable_of(installed, arguments)
    published = {name: each.schema["default"] for name, each in allowed.items() if "default" in each.schema}
    description = plugin.description or summary(plugin.estimator_type)
    return CatalogueEntry(
        _record(installed.name, plugin.estimator_type, plugin.task, description, allowed, {}),
        plugin.estimator_type,
        allowed,
        refused,
        is_seeded="random_state" in arguments,
        fixed=plugin.fixed,
        default_member_count=_default_member_count({**arguments, **published}),
    )


def _record(
    name: str,
    estimator_type: type,
    task: Task,
    description: str,
    allowed: Mapping[str, Hyperparameter],
    nested: Mapping[str, Nesting],
) -> EstimatorRecord:
    properties = {each.name: each.schema for each in allowed.values()}
    properties |= {key: _nested_schema(nesting) for key, nesting in nested.items()}
    required = [key for key, nesting in nested.items() if nesting.is_required]
    return EstimatorRecord(
        name=name,
        task=task,
        description=description,
        module=estimator_type.__module__,
        hyperparameters={
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            **({"required": required} if required else {}),
        },
        can_stream=streaming_fault(name, estimator_type, task) is None,
    )


def _default_member_count(defaults: Mapping[str, Any]) -> int:
    default = defaults.get("n_estimators")
    return default if isinstance(default, int) else 1


def _nested_schema(nesting: Nesting) -> dict[str, Any]:
    """A specification inside another: its estimator's own hyperparameters are at ``GET /estimators/{name}``."""
    one: dict[str, Any] = {
        "type": "object",
        "properties": {
            "estimator": {"type": "string", "description": f"A name of the catalogue whose task is {nesting.task}."},
            "hyperparameters": {"type": "object", "description": "Its hyperparameters.", "default": {}},
        },
        "required": ["estimator"],
        "additionalProperties": False,
    }
    if not nesting.is_list:
        kinds = [one] if nesting.is_required else [one, {"type": "null"}]
        return {"anyOf": kinds, "description": "Another estimator, which this one wraps."}
    one["properties"]["name"] = {"type": "string", "description": "What to call it; default: its estimator."}
    return {
        "type": "array",
        "items": one,
        "minItems": 1,
        "maxItems": MEMBER_LIMIT,
        "description": "Other estimators, which this one asks together.",
    }
