"""Predictions for groups of requests. Pure, no bus and no store.

A single vectorized call answers a group of requests for one model. If it fails, each request is predicted alone, so
that a bad row never fails other requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelbus.shared.errors import EstimatorRejected, JobOutOfMemory, ModelbusError
from modelbus.shared.plural import counted
from modelbus.shared.tabular.predicting.model import FittedModel, Predictions
from modelbus.shared.tabular.targets.reading_warnings import unseen_warnings

Rows = Sequence[dict[str, Any]]
"""The rows of a request, each a mapping from column to value."""


@dataclass(frozen=True)
class Answer:
    """The result of a request: predictions or an error."""

    result: dict[str, Any] | None
    error: ModelbusError | None


@dataclass(frozen=True)
class Asking:
    """The model version and the options of a group of requests."""

    model: FittedModel
    name: str
    """The model's name, for the result."""
    version: int
    """The version's number, for the result."""
    has_probabilities: bool
    has_scores: bool
    unseen_fraction: float
    """The minimum fraction of rows with unseen values for a warning."""


def predict_group(asking: Asking, requests: Sequence[Rows]) -> list[Answer]:
    """Answer requests for one model.

    Args:
        asking: The model and the options.
        requests: The rows of each request, any number.

    Returns:
        One answer per request, in order.
    """
    rows = [row for request in requests for row in request]
    try:
        predictions = asking.model.predict_rows(rows, asking.has_probabilities, has_scores=asking.has_scores)
        return _answers(asking, requests, predictions)
    except Exception as error:  # noqa: BLE001 - any exception of a library is the request's answer
        if len(requests) == 1:
            return [Answer(None, told(error))]
        return [answer for request in requests for answer in predict_group(asking, [request])]


def _answers(asking: Asking, requests: Sequence[Rows], predictions: Predictions) -> list[Answer]:
    if (expected := sum(map(len, requests))) != (given := len(predictions.labels)):
        name = type(asking.model.estimator).__name__
        returned = f"{counted(given, 'prediction')} for {counted(expected, 'row')}"
        raise EstimatorRejected(f"{name} could not predict these rows: it returned {returned}")
    answers = []
    start = 0
    for request in requests:
        stop = start + len(request)
        answers.append(Answer(_result(asking, predictions, start, stop), None))
        start = stop
    return answers


def told(error: Exception) -> ModelbusError:
    """Convert an exception to a request's error; exceptions of libraries keep their own message."""
    if isinstance(error, ModelbusError):
        return error
    if isinstance(error, MemoryError):
        return JobOutOfMemory("the prediction needs more memory than the predictor may use: send fewer rows")
    return ModelbusError(f"{type(error).__name__}: {error}")


def _result(asking: Asking, predictions: Predictions, start: int, stop: int) -> dict[str, Any]:
    classes = asking.model.signature.classes
    result: dict[str, Any] = {
        "model": asking.name,
        "version": asking.version,
        "predictions": predictions.labels[start:stop],
    }
    if predictions.probabilities is not None:
        result["classes"] = classes
        result["probabilities"] = predictions.probabilities[start:stop].tolist()
    if predictions.scores is not None:
        result["classes"] = classes
        result["scores"] = predictions.scores[start:stop].tolist()
    counts = predictions.report.part(start, stop).counts()
    result["report"] = {incident: columns for incident, columns in counts.items() if columns}
    if counts["unseen"] and (warnings := unseen_warnings(counts["unseen"], stop - start, asking.unseen_fraction)):
        result["warnings"] = warnings
    return result
