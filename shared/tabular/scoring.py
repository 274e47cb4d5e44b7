"""Measure a model on rows: joins predictions and truth, where there is one. Pure maths, no bus and no store."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from shared.contracts import SignatureColumn
from shared.errors import EstimatorRejected, InvalidCommand
from shared.tabular.metrics import (
    Metrics,
    confusion,
    score_classification,
    score_clustering,
    score_outliers,
    score_regression,
)
from shared.tabular.model import FittedModel, Predictions
from shared.tabular.report import EncodingReport
from shared.tabular.targets import Label, class_type, labels_of, read_target


@dataclass(frozen=True, eq=False)
class Scores:
    """How good a model is on some rows."""

    metrics: Metrics
    """By name; None where a metric is not defined for these rows."""
    confusion: dict[str, Any] | None
    """For classification: ``labels`` and ``counts``, a row for each true label; else None."""
    row_count: int
    """Rows that were measured."""
    dropped_row_count: int
    """Rows that were left out because they have no target."""
    truth: list[Any]
    """The true label or number of each measured row; empty where there is no target."""
    predictions: Predictions
    """What the model answered for each measured row, with probabilities where it has them."""

    @property
    def report(self) -> EncodingReport:
        """What had to be done to the measured rows."""
        return self.predictions.report


def score(model: FittedModel, frame: pd.DataFrame) -> Scores:
    """Measure a model.

    A true label that the model does not know counts as an error, whatever the model answers.

    Args:
        model: The model.
        frame: Rows with the model's columns and its target, if it has one; rows without a target are left out.

    Raises:
        InvalidCommand: The target's column is absent, or not of the target's kind.
        EstimatorRejected: No row has a target.
        SignatureMismatch: The rows do not fit the model's signature.
    """
    target = model.signature.target
    if target is None:
        return _score_without_target(model, frame)
    truth = read_truth(model, frame)
    rows = [index for index, label in enumerate(truth) if label is not None]
    if not rows:
        raise EstimatorRejected(f"no row of the dataset has a value in {target!r}, so there is nothing to measure on")
    measured = frame.iloc[rows].drop(columns=[target])
    predictions = model.predict_frame(measured, model.has_probabilities)
    true = [truth[index] for index in rows]
    metrics, table = _compare(model, true, predictions)
    return Scores(metrics, table, len(rows), len(frame) - len(rows), true, predictions)


def _score_without_target(model: FittedModel, frame: pd.DataFrame) -> Scores:
    matrix, report = model.encoder.transform(frame)
    predictions = model.predict_encoded(matrix, report)
    if model.signature.task == "clustering":
        metrics = score_clustering(matrix, predictions.labels)
    else:
        metrics = score_outliers(predictions.labels)
    return Scores(metrics, None, len(frame), 0, [], predictions)


def _compare(model: FittedModel, true: list[Any], predictions: Predictions) -> tuple[Metrics, dict[str, Any] | None]:
    classes = model.signature.classes
    if classes is None:
        return score_regression(true, predictions.labels), None
    metrics = score_classification(true, predictions.labels, predictions.probabilities, classes)
    return metrics, confusion(true, predictions.labels, classes)


def read_truth(model: FittedModel, frame: pd.DataFrame) -> list[Label | None]:
    """The true label or number of each row, as the model would answer it; None where the row has none.

    What is not of the classes' type is a label that the model does not know, as text.

    Args:
        model: A model with a target.
        frame: Rows with that column.

    Raises:
        InvalidCommand: The target's column is absent, or not of the target's kind.
    """
    signature = model.signature
    target = str(signature.target)
    if target not in frame.columns:
        raise InvalidCommand(
            f"the dataset has no column {target!r}, which the model predicts, so there is nothing to measure it on",
            details=[{"where": "dataset", "problem": f"no column {target!r}", "expected": target}],
        )
    series = frame[target]
    if signature.classes is None:
        return _true_numbers(series, SignatureColumn(name=target, type="real"))
    column = SignatureColumn(name=target, type=class_type(signature.classes))
    reading = read_target(series, column)
    labels = labels_of(reading, column)
    for fault in reading.faults:
        labels[fault.row] = str(fault.given)
    return labels


def _true_numbers(series: "pd.Series[Any]", column: SignatureColumn) -> list[Label | None]:
    reading = read_target(series, column)
    if reading.faults:
        fault = reading.faults[0]
        raise InvalidCommand(
            f"the target {column.name!r} holds {str(fault.given)[:100]!r} in row {fault.row}, which is not "
            f"{fault.expected}: the model predicts numbers",
            details=[{"where": f"rows.{fault.row}.{column.name}", "problem": f"not {fault.expected}"}],
        )
    return labels_of(reading, column)
