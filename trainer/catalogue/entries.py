"""The estimators that can be trained: scikit-learn's classifiers and regressors with one target, its outlier detectors
and clusterers that can predict new rows, and plug-ins.
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
"""Maximum number of estimators in a vote or a stack."""

_SEVERAL_TARGETS = "it predicts several targets at once"
_NO_NEW_ROWS = "it clusters only the rows that it is fitted on and cannot assign new rows"

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
    "FixedThresholdClassifier": "its threshold refers to a class by code, not by label; use `threshold` instead",
    "TunedThresholdClassifierCV": "it stores a function, which an artifact cannot contain; use `threshold` instead",
    "TransformedTargetRegressor": "its parts are Python objects; with plain values only, it is LinearRegression",
    "CategoricalNB": "it accepts category codes only and would silently give wrong predictions for real numbers",
    "IsotonicRegression": "it accepts a single numeric column and predicts nothing outside its training range",
    "AgglomerativeClustering": _NO_NEW_ROWS,
    "DBSCAN": _NO_NEW_ROWS,
    "HDBSCAN": _NO_NEW_ROWS,
    "OPTICS": _NO_NEW_ROWS,
    "SpectralClustering": _NO_NEW_ROWS,
    "FeatureAgglomeration": "it clusters columns, not rows",
    "Birch": "its tree contains circular references, which an artifact cannot store",
}
"""scikit-learn's estimators that are not offered, with the reason; a test checks that no other is missing."""


@dataclass(frozen=True)
class Nesting:
    """A hyperparameter whose value is another estimator of the catalogue, or a list of them."""

    task: Task
    """The task that the inner estimators must have."""
    is_list: bool = False
    """Whether it is a list, in which each estimator has its own name."""
    is_required: bool = False
    keeps_classes: bool = True
    """Whether the inner estimators see all classes by their codes, and not two at a time."""


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
"""By estimator, the hyperparameters whose value is another estimator."""

FIXED: Final[Mapping[str, Mapping[str, Any]]] = {
    "LocalOutlierFactor": {"novelty": True},  # without it, only the rows that it was fitted on can be predicted
}
"""By estimator, the constructor arguments that the service sets so that new rows can be predicted."""

_MIXINS: Final[Mapping[Task, type]] = {
    "classification": ClassifierMixin,
    "regression": RegressorMixin,
    "outlier_detection": OutlierMixin,
    "clustering": ClusterMixin,
}


@dataclass(frozen=True)
class CatalogueEntry:
    """An estimator that can be trained."""

    record: EstimatorRecord
    estimator_type: type
    allowed: Mapping[str, Hyperparameter]
    """Hyperparameters that may be set."""
    refused: Mapping[str, str]
    """Hyperparameters that may not be set, with the reason."""
    is_seeded: bool
    """Whether it has a ``random_state``."""
    nested: Mapping[str, Nesting] = field(default_factory=dict)
    """Hyperparameters whose value is another estimator."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Constructor arguments that the service sets."""
    default_member_count: int = 1
    """The number of estimators that it consists of by default."""


def catalogue() -> list[EstimatorRecord]:
    """All estimators that can be trained, sorted by name, each with a JSON Schema of its hyperparameters."""
    return [entry.record for entry in _entries().values()]


def left_out() -> dict[str, str]:
    """The estimators of scikit-learn and of plug-ins that are not offered, with the reason."""
    plugins = trainable_plugins().left_out
    return {
        **{name: f"its plug-in has a fault: {one.reason}" for name, one in plugins.items() if name not in _entries()},
        **LEFT_OUT,
    }


def find_estimator(name: str) -> CatalogueEntry:
    """Find an estimator by its name.

    Raises:
        UnknownEstimator: There is none of this name. The message suggests similar names, or says why it is not offered.
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
    """Names and classes of all scikit-learn estimators of a task, including those that are not offered."""
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
        {**refused, **dict.fromkeys(fixed, "it is set by the service")},
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
    """The schema of an inner estimator; its own hyperparameters are at ``GET /estimators/{name}``."""
    one: dict[str, Any] = {
        "type": "object",
        "properties": {
            "estimator": {"type": "string", "description": f"The name of an estimator whose task is {nesting.task}."},
            "hyperparameters": {"type": "object", "description": "The estimator's hyperparameters.", "default": {}},
        },
        "required": ["estimator"],
        "additionalProperties": False,
    }
    if not nesting.is_list:
        kinds = [one] if nesting.is_required else [one, {"type": "null"}]
        return {"anyOf": kinds, "description": "The estimator that this one wraps."}
    unique = "A unique name for this member; default: the estimator's name."
    one["properties"]["name"] = {"type": "string", "description": unique}
    return {
        "type": "array",
        "items": one,
        "minItems": 1,
        "maxItems": MEMBER_LIMIT,
        "description": "The estimators that this one combines.",
    }
