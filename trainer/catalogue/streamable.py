"""Which estimators can be fitted one row group at a time: those whose ``partial_fit`` learns as ``fit`` does."""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from modelbus.shared.contracts import Task

_WRAPS = "its inner estimators would have to be streamed as well"

CANNOT_STREAM: Final[Mapping[str, str]] = {
    "OneVsOneClassifier": _WRAPS,
    "OneVsRestClassifier": _WRAPS,
}
"""Estimators that have a ``partial_fit`` but cannot be streamed, with the reason."""


def streaming_fault(name: str, estimator_type: type, task: Task) -> str | None:
    """Why an estimator cannot be streamed; None if it can.

    Args:
        name: Its name in the catalogue.
        estimator_type: Its class.
        task: Its task.
    """
    if name in CANNOT_STREAM:
        return CANNOT_STREAM[name]
    if task not in ("classification", "regression"):
        return "only classifiers and regressors can be streamed"
    if not hasattr(estimator_type, "partial_fit"):
        return "it has no partial_fit and needs the whole table at once"
    if task == "classification" and not takes(estimator_type, "classes"):
        return "its partial_fit does not accept the list of classes, some of which the first rows may lack"
    return None


def takes(estimator: Any, parameter: str) -> bool:
    """Whether the ``partial_fit`` of an estimator, or of a class, takes a parameter."""
    return parameter in inspect.signature(estimator.partial_fit).parameters


def takes_one_pass(estimator: Any) -> bool:
    """Whether further passes change nothing: naive Bayes counts, and counting twice gives the same fractions."""
    return type(estimator).__module__ == "sklearn.naive_bayes"
