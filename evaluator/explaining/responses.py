"""The numeric form of a model's predictions that is explained: one output per class or cluster, or a single one.

Rows are encoded once and then changed in encoded form: each column has its own encoded features, so a change of these
is a change of the column. Predictions use the stored model's own predict path.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.plural import counted
from modelbus.shared.tabular.encoding.scaled import Floats
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.targets.labels import OUTLIER_CLASSES, Label, codes_of

ResponseKind = Literal["probability", "score", "membership", "value"]

_CELLS_AT_ONCE = 4_000_000
"""Encoded cells of one call to an estimator: 32 MB."""


@dataclass(frozen=True)
class Response:
    """The numeric form of a model's predictions."""

    kind: ResponseKind
    """``probability`` of each class; ``score``, the decision score, without probabilities and for outlier detection;
    ``membership``, 1 for the predicted class or cluster and 0 for the others, without either; ``value``, the predicted
    number."""
    outputs: tuple[Label, ...]
    """The class or cluster of each output, or the name of the single output."""


def response_of(model: FittedModel, matrix: Floats) -> Response:
    """Choose the numeric form of a model's predictions.

    Args:
        model: The model.
        matrix: Encoded rows, shape (n_rows, n_encoded): the outputs of a clusterer are the clusters of these rows.
    """
    task, classes = model.signature.task, model.signature.classes or []
    if task == "regression":
        return Response("value", (str(model.signature.target),))
    if model.has_probabilities:
        return Response("probability", tuple(classes))
    if task == "outlier_detection":
        return Response("score", ("score",)) if model.has_scores else Response("membership", tuple(OUTLIER_CLASSES))
    if model.has_scores:
        # with two classes there is one score, which is high for the second class
        return Response("score", tuple(classes[1:] if len(classes) == 2 else classes))
    return Response("membership", tuple(classes or sorted(set(model.predict_encoded(matrix).labels))))


def respond(model: FittedModel, response: Response, matrix: Floats) -> Floats:
    """Predict encoded rows, in numeric form.

    Args:
        model: The model.
        response: The numeric form.
        matrix: Encoded rows, shape (n_rows, n_encoded).

    Returns:
        Shape (n_rows, n_outputs), all finite.

    Raises:
        EstimatorRejected: The estimator rejected the rows, or a prediction is not finite.
    """
    step = max(1, _CELLS_AT_ONCE // max(matrix.shape[1], 1))
    parts = [_respond(model, response, matrix[start : start + step]) for start in range(0, len(matrix), step)]
    return np.vstack(parts) if parts else np.empty((0, len(response.outputs)))


def _respond(model: FittedModel, response: Response, matrix: Floats) -> Floats:
    predictions = model.predict_encoded(
        matrix,
        has_probabilities=response.kind == "probability",
        has_scores=response.kind == "score",
    )
    if response.kind == "membership":
        codes = codes_of(predictions.labels, response.outputs)
        return np.asarray(codes[:, None] == np.arange(len(response.outputs)), dtype=np.float64)
    figures = {"probability": predictions.probabilities, "score": predictions.scores}.get(response.kind)
    answers = np.array(predictions.labels if figures is None else figures, dtype=np.float64)
    answers = answers.reshape(len(matrix), -1)
    name = type(model.estimator).__name__
    if answers.shape[1] != len(response.outputs):
        given, expected = counted(answers.shape[1], "value"), len(response.outputs)
        raise EstimatorRejected(f"{name} returned {given} per row instead of {expected}")
    if not np.isfinite(answers).all():
        raise EstimatorRejected(f"{name} returned predictions that are not finite, so they cannot be explained")
    return answers
