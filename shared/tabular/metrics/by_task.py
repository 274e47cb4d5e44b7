"""Metrics by task: from plain arrays and labels to numbers that equal scikit-learn's.

A metric that is not defined for the given rows (a single class, a label that the model does not know, no probabilities)
is None, never NaN, and causes no warning. ``measure_all`` in ``registry.py`` gives the reason.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts.metric_names import CLASSIFICATION_METRICS, REGRESSION_METRICS
from modelbus.shared.tabular.metrics.classification import Labelled, PreparedLabels, labelled
from modelbus.shared.tabular.metrics.grouping import ClusteredRows
from modelbus.shared.tabular.metrics.measured import Metrics
from modelbus.shared.tabular.metrics.registry import measure_all
from modelbus.shared.tabular.metrics.regression import NumberPairs
from modelbus.shared.tabular.targets.labels import Codes, Label

Floats = npt.NDArray[np.float64]

CONFUSION_LIMIT: Final = 200
"""Maximum labels of a confusion matrix: the most frequent ones."""


def score_clustering(matrix: Floats, labels: Sequence[int] | Codes) -> Metrics:
    """Measure how well clusters are separated.

    Args:
        matrix: The encoded rows, shape (n_rows, n_features), as the estimator saw them.
        labels: The cluster of each row.

    Returns:
        A number or None for each of ``CLUSTERING_METRICS``; the first three need 2 to ``n_rows - 1``
        clusters.
    """
    return measure_all("clustering", ClusteredRows(matrix, labels)).values


def score_outliers(labels: Sequence[Label]) -> Metrics:
    """Measure the fraction of outliers.

    Returns:
        A number or None for each of ``OUTLIER_METRICS``.
    """
    return measure_all("outlier_detection", labels).values


def score_classification(
    truth: Sequence[Label],
    labels: Sequence[Label],
    probabilities: Floats | None,
    classes: Sequence[Label],
    *,
    scores: Floats | None = None,
    weights: Floats | None = None,
) -> Metrics:
    """Measure predicted labels against true ones.

    Args:
        truth: The true labels; a label that is not a class counts as an error.
        labels: The predicted labels.
        probabilities: Shape (n_rows, n_classes), in the order of the classes, or None.
        classes: The model's classes; the second of two is the positive class.
        scores: For two classes, decision scores to rank the rows by if there are no probabilities.
        weights: The weight of each row, shape (n_rows,), above 0; 1 by default.

    Returns:
        A number or None for each of ``CLASSIFICATION_METRICS``.
    """
    if not len(truth):
        return dict.fromkeys(CLASSIFICATION_METRICS)
    rows = labelled(truth, labels, classes, probabilities, scores)
    return measure_all("classification", PreparedLabels(rows).weighed(weights)).values


def score_regression(
    truth: Sequence[float] | Floats, predicted: Sequence[float | None] | Floats, weights: Floats | None = None
) -> Metrics:
    """Measure predicted numbers against true ones.

    Returns:
        A number or None for each of ``REGRESSION_METRICS``; all None if a prediction is not finite.
    """
    true = np.asarray(truth, dtype=np.float64)
    answers = np.asarray(predicted, dtype=np.float64)  # converts None to NaN
    if not len(true):
        return dict.fromkeys(REGRESSION_METRICS)
    return measure_all("regression", NumberPairs(true, answers, weights)).values


def confusion(truth: Sequence[Label], labels: Sequence[Label], classes: Sequence[Label]) -> dict[str, Any]:
    """Count predicted labels by true ones; see ``confusion_of``."""
    return confusion_of(labelled(truth, labels, classes))


def confusion_of(rows: Labelled, weights: Floats | None = None) -> dict[str, Any]:
    """Count predicted labels by true ones.

    Args:
        rows: The rows.
        weights: The weight of each row; 1 by default.

    Returns:
        ``labels``: the model's classes, then true labels that it does not know; ``counts``: a row for each true label
        with a count for each predicted label; ``fractions``: the counts divided by their row's sum; ``left_out``: the
        number of rows with other labels than the ``CONFUSION_LIMIT`` most frequent. In JSON form.
    """
    kept = _frequent(rows)
    index_of = np.full(len(rows.labels), -1)
    index_of[kept] = np.arange(len(kept))
    true, predicted = index_of[rows.true], index_of[rows.predicted]
    is_shown = (true >= 0) & (predicted >= 0)
    counts = np.zeros((len(kept), len(kept)), np.int64 if weights is None else np.float64)
    given: Any = 1 if weights is None else weights[is_shown]
    np.add.at(counts, (true[is_shown], predicted[is_shown]), given)
    sums = counts.sum(axis=1, keepdims=True)
    fractions = np.divide(counts, sums, out=np.zeros(counts.shape), where=sums > 0)
    left_out = ~is_shown if weights is None else weights[~is_shown]
    return {
        "labels": [rows.labels[index] for index in kept.tolist()],
        "counts": counts.tolist(),
        "fractions": fractions.tolist(),
        "left_out": left_out.sum().item(),
    }


def _frequent(rows: Labelled) -> Codes:
    """The labels to show, in their own order."""
    count = len(rows.labels)
    if count <= CONFUSION_LIMIT:
        return np.arange(count)
    frequency = np.bincount(rows.true, minlength=count) + np.bincount(rows.predicted, minlength=count)
    return np.sort(np.argsort(-frequency, kind="stable")[:CONFUSION_LIMIT])
