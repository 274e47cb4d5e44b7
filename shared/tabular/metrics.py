"""Metrics by task: plain arrays and labels in, numbers out, equal to scikit-learn's own.

A metric that is not defined for the given rows (one class only, a label that the model does not know, no
probabilities) is None: never NaN, never a warning.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from shared.tabular.targets import OUTLIER_CLASSES, UNKNOWN_CODE, Codes, Label, codes_of

Metrics = dict[str, float | None]
Floats = npt.NDArray[np.float64]

CLASSIFICATION_METRICS = (
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "precision_weighted",
    "recall_macro",
    "recall_weighted",
    "f1_macro",
    "f1_weighted",
    "matthews_correlation",
    "cohen_kappa",
    "log_loss",
    "roc_auc",
    "average_precision",
    "brier_score",
)
"""``roc_auc`` is one-vs-rest, macro-averaged, for more than two classes; the last two are for two classes only, of
which the second in the signature is the positive one."""

REGRESSION_METRICS = (
    "r2",
    "root_mean_squared_error",
    "mean_absolute_error",
    "median_absolute_error",
    "mean_absolute_percentage_error",
    "max_error",
    "explained_variance",
)


CLUSTERING_METRICS = ("silhouette", "calinski_harabasz", "davies_bouldin", "cluster_count")
"""The less of ``davies_bouldin`` the better, of the first two the more. ``cluster_count``: clusters that have a row."""

OUTLIER_METRICS = ("outlier_share",)

SILHOUETTE_ROWS = 2000
"""``silhouette`` compares all rows with each other; of more rows than this it is of a sample, always the same one."""


def score_clustering(matrix: Floats, labels: Sequence[int] | Codes) -> Metrics:
    """Measure how well clusters are apart.

    Args:
        matrix: The encoded rows, shape (n_rows, n_features): what the estimator saw.
        labels: The cluster of each row.

    Returns:
        A number or None for each of ``CLUSTERING_METRICS``; the first three need 2 to ``n_rows - 1``
        clusters.
    """
    if not len(labels):
        return dict.fromkeys(CLUSTERING_METRICS)
    sample_size = SILHOUETTE_ROWS if len(labels) > SILHOUETTE_ROWS else None
    return {
        "silhouette": _measure(metrics.silhouette_score, matrix, labels, sample_size=sample_size, random_state=0),
        "calinski_harabasz": _measure(metrics.calinski_harabasz_score, matrix, labels),
        "davies_bouldin": _measure(metrics.davies_bouldin_score, matrix, labels),
        "cluster_count": float(len(np.unique(labels))),
    }


def score_outliers(labels: Sequence[Label]) -> Metrics:
    """Say how many rows are outliers.

    Returns:
        A number or None for each of ``OUTLIER_METRICS``.
    """
    if not len(labels):
        return dict.fromkeys(OUTLIER_METRICS)
    return {"outlier_share": sum(label == OUTLIER_CLASSES[1] for label in labels) / len(labels)}


def score_classification(
    truth: Sequence[Label], labels: Sequence[Label], probabilities: Floats | None, classes: Sequence[Label]
) -> Metrics:
    """Measure predicted labels against true ones.

    Args:
        truth: The true labels; one that is not among the classes counts as an error like any other.
        labels: The predicted ones.
        probabilities: Shape (n_rows, n_classes), in the order of the classes, or None.
        classes: What the model knows.

    Returns:
        A number or None for each of ``CLASSIFICATION_METRICS``.
    """
    if not len(truth):
        return dict.fromkeys(CLASSIFICATION_METRICS)
    every = [*classes, *_unknown(truth, classes)]
    true, predicted = codes_of(truth, every), codes_of(labels, every)
    return {**_of_labels(true, predicted), **_of_probabilities(codes_of(truth, classes), probabilities)}


def _of_labels(true: Codes, predicted: Codes) -> Metrics:
    found: Metrics = {
        "accuracy": _measure(metrics.accuracy_score, true, predicted),
        "balanced_accuracy": _measure(metrics.balanced_accuracy_score, true, predicted),
    }
    scores = {"precision": metrics.precision_score, "recall": metrics.recall_score, "f1": metrics.f1_score}
    for name, score in scores.items():
        for average in ("macro", "weighted"):
            found[f"{name}_{average}"] = _measure(score, true, predicted, average=average, zero_division=0)
    found["matthews_correlation"] = _measure(metrics.matthews_corrcoef, true, predicted)
    found["cohen_kappa"] = _measure(metrics.cohen_kappa_score, true, predicted)
    return found


def _of_probabilities(true: Codes, probabilities: Floats | None) -> Metrics:
    found: Metrics = dict.fromkeys(("log_loss", "roc_auc", "average_precision", "brier_score"))
    # a row whose true class has no probability has no log loss and no rank
    if probabilities is None or np.any(true == UNKNOWN_CODE) or not np.isfinite(probabilities).all():
        return found
    codes = np.arange(probabilities.shape[1])
    found["log_loss"] = _measure(metrics.log_loss, true, probabilities, labels=codes)
    if len(np.unique(true)) < len(codes):  # a class without a true row cannot be ranked
        return found
    if len(codes) > 2:
        found["roc_auc"] = _measure(metrics.roc_auc_score, true, probabilities, multi_class="ovr", labels=codes)
        return found
    positive = probabilities[:, 1]
    found["roc_auc"] = _measure(metrics.roc_auc_score, true, positive)
    found["average_precision"] = _measure(metrics.average_precision_score, true, positive)
    found["brier_score"] = _measure(metrics.brier_score_loss, true, positive)
    return found


def confusion(truth: Sequence[Label], labels: Sequence[Label], classes: Sequence[Label]) -> dict[str, Any]:
    """Count predicted labels by true ones.

    Returns:
        ``labels``: the model's classes, then true labels that it does not know; ``counts``: a row for each true label,
        in it a count for each predicted one. Ready for JSON.
    """
    every = [*classes, *_unknown(truth, classes)]
    counts = np.zeros((len(every), len(every)), dtype=np.int64)
    np.add.at(counts, (codes_of(truth, every), codes_of(labels, every)), 1)
    return {"labels": every, "counts": counts.tolist()}


def score_regression(truth: Sequence[float] | Floats, predicted: Sequence[float | None] | Floats) -> Metrics:
    """Measure predicted numbers against true ones.

    Returns:
        A number or None for each of ``REGRESSION_METRICS``; all None if a prediction is not finite.
    """
    true = np.asarray(truth, dtype=np.float64)
    answers = np.asarray(predicted, dtype=np.float64)  # None becomes NaN
    if not len(true) or not np.isfinite(answers).all():
        return dict.fromkeys(REGRESSION_METRICS)
    return {
        "r2": _measure(metrics.r2_score, true, answers),
        "root_mean_squared_error": _measure(metrics.root_mean_squared_error, true, answers),
        "mean_absolute_error": _measure(metrics.mean_absolute_error, true, answers),
        "median_absolute_error": _measure(metrics.median_absolute_error, true, answers),
        "mean_absolute_percentage_error": _measure(metrics.mean_absolute_percentage_error, true, answers),
        "max_error": _measure(metrics.max_error, true, answers),
        "explained_variance": _measure(metrics.explained_variance_score, true, answers),
    }


def _unknown(truth: Sequence[Label], classes: Sequence[Label]) -> list[Label]:
    known = set(classes)
    return sorted({label for label in truth if label not in known}, key=str)


def _measure(metric: Callable[..., Any], *arguments: Any, **options: Any) -> float | None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = float(metric(*arguments, **options))
        except ValueError:  # scikit-learn's way to say that it is not defined for these rows
            return None
    return value if math.isfinite(value) else None
