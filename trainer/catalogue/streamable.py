"""Which estimators can be fitted a row group at a time: those with a ``partial_fit`` that learns as ``fit`` does."""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from modelbus.shared.contracts import Task

_WRAPS = "the estimators inside of it would have to be streamed too"

CANNOT_STREAM: Final[Mapping[str, str]] = {
    "OneVsOneClassifier": _WRAPS,
    "OneVsRestClassifier": _WRAPS,
}
"""Estimators with a ``partial_fit`` that are not streamed all the same, with the reason."""


def streaming_fault(name: str, estimator_type: type, task: Task) -> str | None:
    """Why an estimator cannot be streamed; None if it can.

    Args:
        name: Its name in the catalogue.
        estimator_type: Its class.
        task: What it does.
    """
    if name in CANNOT_STREAM:
        return CANNOT_STREAM[name]
    if task not in ("classification", "regression"):
        return "only what learns a target is streamed"
    if not hasattr(estimator_type, "partial_fit"):
        return "it learns from the whole table at once (it has no partial_fit)"
    if task == "classification" and not takes(estimator_type, "classes"):
        return "its partial_fit cannot be told the classes, of which the first rows may lack some"
    return None


def takes(estimator: Any, parameter: str) -> bool:
    """Whether the ``partial_fit`` of an estimator, or of a class, takes a parameter."""
    return parameter in inspect.signature(estimator.partial_fit).parameters


def takes_one_pass(estimator: Any) -> bool:
    """Whether further passes teach it nothing: naive Bayes counts, and counting twice gives the same shares."""
    return type(estimator).__module__ == "sklearn.naive_bayes"
