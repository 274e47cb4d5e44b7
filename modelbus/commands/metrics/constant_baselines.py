"""The baseline of each metric: what the best constant prediction scores on the same rows.

A record holds no rows, but its metrics tell enough: R² and D² compare a prediction with the best constant, and the
shares of the classes follow from the confusion matrix or from accuracy, recall and specificity.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from modelbus.shared.contracts import EvaluationRecord, VersionRecord

_FIXED: Final[Mapping[str, float]] = {
    **dict.fromkeys(
        ("matthews_correlation", "cohen_kappa", "gini", "ks_statistic", "d2_log_loss", "d2_brier_score"), 0.0
    ),
    **dict.fromkeys(("roc_auc", "roc_auc_ovr_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted"), 0.5),
    **dict.fromkeys(("r2", "explained_variance", "d2_absolute_error"), 0.0),
    **dict.fromkeys(("d2_poisson_deviance", "d2_gamma_deviance"), 0.0),
}
"""Constants score this, whatever the rows are."""
_RELATIVE: Final[Mapping[str, str]] = {
    "log_loss": "d2_log_loss",
    "brier_score": "d2_brier_score",
    "mean_squared_error": "r2",
    "mean_absolute_error": "d2_absolute_error",
    "mean_poisson_deviance": "d2_poisson_deviance",
    "mean_gamma_deviance": "d2_gamma_deviance",
}
"""By loss, the score that is one less its ratio to the loss of the best constant."""
_LEAST_GAP: Final = 0.01
"""Recall and specificity that are nearer to each other than this say too little about the classes' shares."""

Metrics = Mapping[str, float | None]


def baselines_of_version(version: VersionRecord) -> dict[str, float]:
    """The baselines of a version's metrics on the hold-out, by metric; metrics without one are left out."""
    classes = version.signature.classes or []
    if version.signature.task != "classification":
        return _baselines(version.metrics, None, 0)
    unmeasured = version.held_out.unmeasured_class_count if version.held_out else 0
    positive = _positive_share(version.metrics) if len(classes) == 2 else None
    shares = None if positive is None else [1 - positive, positive]
    return _baselines(version.metrics, shares, len(classes) - unmeasured)


def baselines_of_evaluation(record: EvaluationRecord) -> dict[str, float]:
    """The baselines of an evaluation's metrics, by metric; metrics without one are left out."""
    metrics = record.metrics or {}
    if record.task != "classification" or not record.confusion:
        return _baselines(metrics, None, 0)
    counts = [sum(row) for row in record.confusion["counts"]]
    if record.confusion.get("left_out"):
        return _baselines(metrics, None, 0)
    total = sum(counts)
    shares = [count / total for count in counts if count] if total else None
    if shares is not None and len(shares) == 2 and record.positive_class == record.confusion["labels"][0]:
        shares = shares[::-1]
    return _baselines(metrics, shares, len(shares or []))


def _baselines(metrics: Metrics, shares: Sequence[float] | None, class_count: int) -> dict[str, float]:
    """Args:
    metrics: The metrics of the record.
    shares: The share of each class in the rows, of two classes the positive one last; None where they are unknown.
    class_count: Classes that have rows; 0 where that is unknown or nothing is classified.
    """
    found = {**_FIXED, **_relative(metrics)}
    if class_count > 1:
        found |= {"balanced_accuracy": 1 / class_count, "mean_per_class_error": 1 - 1 / class_count}
    if class_count > 2:
        found["average_precision"] = 1 / class_count
    if shares:
        found["accuracy"] = max(shares)
        if len(shares) == 2:
            found["average_precision"] = shares[1]
    return {name: found[name] for name, value in metrics.items() if name in found and value is not None}


def _relative(metrics: Metrics) -> dict[str, float]:
    found = {}
    for loss, score in _RELATIVE.items():
        own, gained = metrics.get(loss), metrics.get(score)
        if own is not None and gained is not None and gained < 1:
            found[loss] = own / (1 - gained)
    squared = found.get("mean_squared_error")
    return found if squared is None else {**found, "root_mean_squared_error": squared**0.5}


def _positive_share(metrics: Metrics) -> float | None:
    """The share of the positive class, from accuracy = share x recall + (1 - share) x specificity."""
    accuracy, recall, specificity = (metrics.get(name) for name in ("accuracy", "recall", "specificity"))
    if accuracy is None or recall is None or specificity is None or abs(recall - specificity) < _LEAST_GAP:
        return None
    share = (accuracy - specificity) / (recall - specificity)
    return share if 0 <= share <= 1 else None
