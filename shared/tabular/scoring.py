"""Measures a model on rows: combines predictions with the truth, if there is one. Pure maths, no bus and no store."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.tabular.encoding.encoding_report import EncodingReport
from modelbus.shared.tabular.metrics.by_task import (
    confusion,
    score_classification,
    score_clustering,
    score_outliers,
    score_regression,
)
from modelbus.shared.tabular.metrics.measured import Metrics
from modelbus.shared.tabular.predicting.model import FittedModel, Predictions
from modelbus.shared.tabular.targets.labels import Label
from modelbus.shared.tabular.targets.reading_warnings import UNSEEN_FRACTION, truth_warnings, unseen_warnings
from modelbus.shared.tabular.targets.truth import labels_in, target_reading, true_numbers


@dataclass(frozen=True, eq=False)
class Scores:
    """The quality of a model on some rows."""

    metrics: Metrics
    """Metrics by name; None if a metric is not defined for these rows."""
    confusion: dict[str, Any] | None
    """For classification, ``labels`` and ``counts`` with a row for each true label; else None."""
    row_count: int
    """Rows that were measured."""
    dropped_row_count: int
    """Rows that were excluded because they have no target."""
    truth: list[Any]
    """The true label or number of each measured row; empty without a target."""
    predictions: Predictions
    """The predictions for the measured rows, with probabilities if the model has them."""

    warnings: list[str] = field(default_factory=list)
    """Warnings about the measurement: labels that match no class, absent classes, many unseen values."""

    @property
    def report(self) -> EncodingReport:
        """The encoder's report on the measured rows."""
        return self.predictions.report


def score(model: FittedModel, frame: pd.DataFrame) -> Scores:
    """Measure a model.

    A true label that the model does not know counts as an error.

    Args:
        model: The model.
        frame: Rows with the model's columns and its target, if it has one; rows without a target are excluded.

    Raises:
        InvalidCommand: The target's column is missing, or its values do not fit the target.
        EstimatorRejected: No row has a target.
        SignatureMismatch: The rows do not match the model's signature.
    """
    target = model.signature.target
    if target is None:
        return _score_without_target(model, frame)
    truth = read_truth(model, frame)
    rows = [index for index, label in enumerate(truth) if label is not None]
    if not rows:
        raise EstimatorRejected(f"no row of the dataset has a value in {target!r}, so nothing can be measured")
    measured = frame.iloc[rows].drop(columns=[target])
    predictions = model.predict_frame(measured, model.has_probabilities, has_scores=is_ranked_by_scores(model))
    true = [truth[index] for index in rows]
    metrics, table = _compare(model, true, predictions)
    return Scores(
        metrics, table, len(rows), len(frame) - len(rows), true, predictions, _doubts(model, true, predictions)
    )


def is_ranked_by_scores(model: FittedModel) -> bool:
    """Whether rows are ranked by decision scores, because a model of two classes has no probabilities."""
    is_binary = model.signature.task == "classification" and len(model.signature.classes or []) == 2
    return is_binary and not model.has_probabilities and model.has_scores


def _score_without_target(model: FittedModel, frame: pd.DataFrame) -> Scores:
    matrix, report = model.encoder.transform(frame)
    predictions = model.predict_encoded(matrix, report)
    if model.signature.task == "clustering":
        metrics = score_clustering(matrix, predictions.labels)
    else:
        metrics = score_outliers(predictions.labels)
    return Scores(metrics, None, len(frame), 0, [], predictions)


def _doubts(model: FittedModel, true: list[Any], predictions: Predictions) -> list[str]:
    unseen = unseen_warnings(predictions.report.counts()["unseen"], len(true), UNSEEN_FRACTION)
    classes = model.signature.classes
    return unseen if classes is None else [*truth_warnings(str(model.signature.target), true, classes), *unseen]


def _compare(model: FittedModel, true: list[Any], predictions: Predictions) -> tuple[Metrics, dict[str, Any] | None]:
    classes = model.signature.classes
    if classes is None:
        return score_regression(true, predictions.labels), None
    metrics = score_classification(
        true, predictions.labels, predictions.probabilities, classes, scores=predictions.scores
    )
    return metrics, confusion(true, predictions.labels, classes)


def read_truth(model: FittedModel, frame: pd.DataFrame) -> list[Label | None]:
    """The true label or number of each row, in the form of predictions; None if the row has none.

    Values of another type than the classes become labels that the model does not know, as text.

    Args:
        model: A model with a target.
        frame: Rows with that column.

    Raises:
        InvalidCommand: The target's column is missing, or its values do not fit the target.
    """
    target, classes = str(model.signature.target), model.signature.classes
    if target not in frame.columns:
        raise InvalidCommand(
            f"the dataset has no column {target!r}, the model's target, so nothing can be measured",
            details=[{"where": "dataset", "problem": f"no column {target!r}", "expected": target}],
        )
    if classes is not None:
        return labels_in(frame[target], target_reading(model.signature), classes)
    numbers = true_numbers(frame[target], target, column=target_reading(model.signature))
    return [
        None if is_missing else number for number, is_missing in zip(numbers.tolist(), np.isnan(numbers), strict=True)
    ]
