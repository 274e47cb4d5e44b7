"""Predicting for many requests together: pure, no bus and no store.

One vectorised call answers a group of requests of one model. When it fails, each request is asked alone, so that one
bad row never fails its neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelbus.shared.errors import EstimatorRejected, JobOutOfMemory, ModelbusError
from modelbus.shared.tabular.predicting.model import FittedModel, Predictions
from modelbus.shared.tabular.targets.reading_warnings import unseen_warnings

Rows = Sequence[dict[str, Any]]
"""Of one request, a mapping from column to value each."""


@dataclass(frozen=True)
class Answer:
    """What one request gets: its predictions or its error."""

    result: dict[str, Any] | None
    error: ModelbusError | None


@dataclass(frozen=True)
class Asking:
    """What is asked of a version; all requests of a group want alike."""

    model: FittedModel
    name: str
    """The model's name, for the answer."""
    version: int
    """Its version, for the answer."""
    has_probabilities: bool
    has_scores: bool
    unseen_fraction: float
    """From which fraction of a request's rows on unseen values are warned of."""


def predict_group(asking: Asking, requests: Sequence[Rows]) -> list[Answer]:
    """Answer requests of one model.

    Args:
        asking: The model, and what is asked of it.
        requests: Any number of rows each.

    Returns:
        One answer a request, in order.
    """
    rows = [row for request in requests for row in request]
    try:
        predictions = asking.model.predict_rows(rows, asking.has_probabilities, has_scores=asking.has_scores)
        return _answers(asking, requests, predictions)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is this request's answer
        if len(requests) == 1:
            return [Answer(None, told(error))]
        return [answer for request in requests for answer in predict_group(asking, [request])]


def _answers(asking: Asking, requests: Sequence[Rows], predictions: Predictions) -> list[Answer]:
    if (expected := sum(map(len, requests))) != (given := len(predictions.labels)):
        name = type(asking.model.estimator).__name__
        raise EstimatorRejected(f"{name} could not predict for these rows: it gave {given} answers for {expected} rows")
    answers = []
    start = 0
    for request in requests:
        stop = start + len(request)
        answers.append(Answer(_result(asking, predictions, start, stop), None))
        start = stop
    return answers


def told(error: Exception) -> ModelbusError:
    """The error as a request is told of it; a library's own in its own words."""
    if isinstance(error, ModelbusError):
        return error
    if isinstance(error, MemoryError):
        return JobOutOfMemory("the prediction needs more memory than the predictor has: send fewer rows")
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
