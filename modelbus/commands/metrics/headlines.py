"""The metrics that are printed first: five or six of the many that a record holds, the task's primary metric on top."""

from collections.abc import Iterable, Mapping
from typing import Final

from modelbus.shared.contracts import Task
from modelbus.shared.contracts.metric_names import PRIMARY_METRICS

LIMIT: Final = 6
"""Metrics that are printed without ``--all-metrics``, not counting those that a command compares by."""

_OF_CLASSES: Final = (
    *("balanced_accuracy", "roc_auc", "average_precision", "f1", "accuracy", "log_loss"),
    *("f1_macro", "matthews_correlation", "precision", "recall"),
)
_PREFERRED: Final[Mapping[str, tuple[str, ...]]] = {
    "classification": _OF_CLASSES,
    "regression": (
        *("r2", "mean_absolute_error", "root_mean_squared_error", "median_absolute_error"),
        *("mean_absolute_percentage_error", "max_error"),
    ),
    "clustering": (
        *("silhouette", "adjusted_rand", "adjusted_mutual_info", "v_measure"),
        *("calinski_harabasz", "davies_bouldin", "cluster_count"),
    ),
    "outlier_detection": ("outlier_share", *_OF_CLASSES),
}


def headline_metrics(
    task: Task | str | None, metrics: Mapping[str, float | None], also: Iterable[str | None] = ()
) -> list[str]:
    """The names of the metrics to print first.

    Args:
        task: What was learnt; None takes the first metrics of the record.
        metrics: All metrics of the record; null where one is not defined.
        also: Metrics that were searched, compared or thresholded by. They follow the primary one.

    Returns:
        Names of defined metrics, each once, in the order of printing.
    """
    defined = [name for name, value in metrics.items() if value is not None]
    preferred = [name for name in _PREFERRED.get(task or "", ()) if name in defined] or defined
    first = [name for name in (_primary(task), *also) if name in defined]
    shown = dict.fromkeys([*(name for name in first if name is not None), *preferred])
    return list(shown)[: max(LIMIT, len(set(first)))]


def _primary(task: Task | str | None) -> str | None:
    return next((metric for of_task, metric in PRIMARY_METRICS.items() if of_task == task), None)
