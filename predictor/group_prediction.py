"""Predicting for many requests together: pure, no bus and no store.

One vectorised call answers a group of requests of one model. When it fails, each request is asked alone, so that one
bad row never fails its neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelbus.shared.contracts import Predict
from modelbus.shared.errors import JobOutOfMemory, ModelbusError
from modelbus.shared.tabular.predicting.model import FittedModel, Predictions
from modelbus.shared.tabular.targets.reading_warnings import unseen_warnings


@dataclass(frozen=True)
class Answer:
    """What one request gets: its predictions or its error."""

    result: dict[str, Any] | None
    error: ModelbusError | None


def predict_group(
    model: FittedModel, name: str, version: int, requests: Sequence[Predict], unseen_fraction: float
) -> list[Answer]:
    """Answer requests of one model.

    Args:
        model: The model.
        name: Its name, for the answer.
        version: Its version, for the answer.
        requests: What is asked, any number of rows each; all want probabilities and scores alike.
        unseen_fraction: From which fraction of a request's rows on unseen values are warned of.

    Returns:
        One answer a request, in order.
    """
    rows = [row for request in requests for row in request.rows]
    try:
        predictions = model.predict_rows(rows, requests[0].has_probabilities, has_scores=requests[0].has_scores)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is this request's answer
        if len(requests) == 1:
            return [Answer(None, _told(error))]
        return [
            answer for request in requests for answer in predict_group(model, name, version, [request], unseen_fraction)
        ]
    answers = []
    start = 0
    for request in requests:
        stop = start + len(request.rows)
        answers.append(Answer(_result(model, name, version, predictions, start, stop, unseen_fraction), None))
        start = stop
    return answers


def _told(error: Exception) -> ModelbusError:
    """The error as a request is told of it; a library's own in its own words."""
    if isinstance(error, ModelbusError):
        return error
    if isinstance(error, MemoryError):
        return JobOutOfMemory("the prediction needs more memory than the predictor has: send fewer rows")
    return ModelbusError(f"{type(error).__name__}: {error}")


def _result(
    model: FittedModel,
    name: str,
    version: int,
    predictions: Predictions,
    start: int,
    stop: int,
    unseen_fraction: float,
) -> dict[str, Any]:
    result: dict[str, Any] = {"model": name, "version": version, "predictions": predictions.labels[start:stop]}
    if predictions.probabilities is not None:
        result["classes"] = model.signature.classes
        result["probabilities"] = predictions.probabilities[start:stop].tolist()
    if predictions.scores is not None:
        result["classes"] = model.signature.classes
        result["scores"] = predictions.scores[start:stop].tolist()
    counts = predictions.report.part(start, stop).counts()
    result["report"] = {incident: columns for incident, columns in counts.items() if columns}
    if counts["unseen"] and (warnings := unseen_warnings(counts["unseen"], stop - start, unseen_fraction)):
        result["warnings"] = warnings
    return result
