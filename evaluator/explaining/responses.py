"""What of a model's answers is explained, as numbers: one output a class, a cluster, or for the answer as it is.

Rows are encoded once and changed as the encoder's outputs: each column has outputs of its own, side by side, so a
change of these is a change of the column, and what is asked is the stored model's own predict path.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.tabular.encoding.scaled import Floats
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.targets.labels import OUTLIER_CLASSES, Label, codes_of

ResponseKind = Literal["probability", "score", "membership", "value"]

_CELLS_AT_ONCE = 4_000_000
"""Encoded cells of one call to an estimator: 32 MB."""


@dataclass(frozen=True)
class Response:
    """What a model's answer is taken as."""

    kind: ResponseKind
    """``probability`` of each class; ``score``, the decision score, where there are no probabilities, and of outlier
    detection; ``membership``, 1 for the class or cluster that is answered and 0 for the others, where there is neither;
    ``value``, the predicted number."""
    outputs: tuple[Label, ...]
    """Of classes and clusters: which one each output is of. Else the one name of the one output."""


def response_of(model: FittedModel, matrix: Floats) -> Response:
    """What a model's answers are taken as.

    Args:
        model: The model.
        matrix: Encoded rows, shape (n_rows, n_encoded): the clusters that a clusterer puts them into are its outputs.
    """
    task, classes = model.signature.task, model.signature.classes or []
    if task == "regression":
        return Response("value", (str(model.signature.target),))
    if model.has_probabilities:
        return Response("probability", tuple(classes))
    if task == "outlier_detection":
        return Response("score", ("score",)) if model.has_scores else Response("membership", tuple(OUTLIER_CLASSES))
    if model.has_scores:
        # of two classes there is one score, which speaks for the second
        return Response("score", tuple(classes[1:] if len(classes) == 2 else classes))
    return Response("membership", tuple(classes or sorted(set(model.predict_encoded(matrix).labels))))


def respond(model: FittedModel, response: Response, matrix: Floats) -> Floats:
    """Ask a model for encoded rows.

    Args:
        model: The model.
        response: What its answers are taken as.
        matrix: Encoded rows, shape (n_rows, n_encoded).

    Returns:
        Shape (n_rows, n_outputs), all finite.

    Raises:
        EstimatorRejected: The estimator refused the rows, or has no finite answer for one.
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
        what = f"{answers.shape[1]} figures a row for {len(response.outputs)}"
        raise EstimatorRejected(f"{name} answers {what}, so it is not known what each is of")
    if not np.isfinite(answers).all():
        raise EstimatorRejected(f"{name} has no finite answer for some rows, so they cannot be explained")
    return answers
