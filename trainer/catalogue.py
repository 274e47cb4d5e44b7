"""What can be trained: scikit-learn's classifiers and regressors that learn one target from one table."""

import functools
import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sklearn.utils import all_estimators

from shared.contracts import EstimatorRecord
from shared.contracts.checks import unknown_estimator
from trainer.documentation import summary
from trainer.hyperparameters import Hyperparameter, check_hyperparameters, settable

_NEEDS_ESTIMATOR = "it wraps another estimator, which a plain hyperparameter cannot name"
_SEVERAL_TARGETS = "it is made for several targets"

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
    "FixedThresholdClassifier": _NEEDS_ESTIMATOR,
    "TunedThresholdClassifierCV": _NEEDS_ESTIMATOR,
    "OneVsOneClassifier": _NEEDS_ESTIMATOR,
    "OneVsRestClassifier": _NEEDS_ESTIMATOR,
    "OutputCodeClassifier": _NEEDS_ESTIMATOR,
    "SelfTrainingClassifier": _NEEDS_ESTIMATOR,
    "StackingClassifier": _NEEDS_ESTIMATOR,
    "StackingRegressor": _NEEDS_ESTIMATOR,
    "VotingClassifier": _NEEDS_ESTIMATOR,
    "VotingRegressor": _NEEDS_ESTIMATOR,
    "TransformedTargetRegressor": "without functions or objects it is LinearRegression",
    "CategoricalNB": "it takes category numbers only; on a table's real numbers it would be silently wrong",
    "IsotonicRegression": "it takes a single number column and answers nothing outside of its range",
}
"""Classifiers and regressors that are not offered, each with the reason; a test knows that nothing else is missing."""

Task = Literal["classification", "regression"]


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


def catalogue() -> list[EstimatorRecord]:
    """All estimators that can be trained, by name, each with a JSON Schema of its hyperparameters."""
    return [entry.record for entry in _entries().values()]


def find_estimator(name: str) -> CatalogueEntry:
    """The entry of that name.

    Raises:
        UnknownEstimator: There is none; the sentence names what is close, or why it is left out.
    """
    entry = _entries().get(name)
    if entry is not None:
        return entry
    raise unknown_estimator(name, _entries(), LEFT_OUT)


def make_estimator(name: str, hyperparameters: Mapping[str, Any], seed: int) -> Any:
    """Construct an estimator, unfitted.

    Args:
        name: A name of the catalogue.
        hyperparameters: Plain JSON values; 1 and 1.0 stay what they are, for they can mean different things. What is
            about classes (``class_weight``, ``constant``) is told by label; ``class_labels.py`` turns it into codes.
        seed: Becomes ``random_state`` where there is one.

    Raises:
        UnknownEstimator: There is no such name.
        InvalidCommand: One detail for each hyperparameter that is unknown, forbidden, or has a wrong value.
    """
    entry = find_estimator(name)
    values = check_hyperparameters(name, hyperparameters, entry.allowed, entry.refused)
    if entry.is_seeded:
        values["random_state"] = seed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # a class about to be removed says so; the release is pinned
        return entry.estimator_type(**values)


@functools.cache
def _entries() -> dict[str, CatalogueEntry]:
    entries = {}
    tasks: tuple[tuple[Task, str], ...] = (("classification", "classifier"), ("regression", "regressor"))
    for task, kind in tasks:
        for name, estimator_type in all_estimators(type_filter=kind):
            if name not in LEFT_OUT:
                entries[name] = _entry(name, estimator_type, task)
    return dict(sorted(entries.items()))


def _entry(name: str, estimator_type: type, task: Task) -> CatalogueEntry:
    defaults = {
        parameter.name: parameter.default
        for parameter in inspect.signature(estimator_type).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    allowed, refused = settable(estimator_type, defaults)
    record = EstimatorRecord(
        name=name,
        task=task,
        description=summary(estimator_type),
        module=estimator_type.__module__,
        hyperparameters={
            "type": "object",
            "properties": {each.name: each.schema for each in allowed.values()},
            "additionalProperties": False,
        },
    )
    return CatalogueEntry(record, estimator_type, allowed, refused, is_seeded="random_state" in defaults)
