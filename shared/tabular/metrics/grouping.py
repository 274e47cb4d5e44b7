"""Metrics of clusters and outliers: of the rows alone, and beside a truth."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from modelbus.shared.contracts.metric_names import CLUSTERING_METRICS, GROUPING_METRICS, OUTLIER_METRICS
from modelbus.shared.tabular.metrics.measured import Measured
from modelbus.shared.tabular.targets.labels import OUTLIER_CLASSES, Codes, Label

Floats = npt.NDArray[np.float64]

SILHOUETTE_ROWS = 2000
"""``silhouette`` compares all rows with each other; of more rows than this it is of a sample, always the same one."""

_BESIDE_TRUTH: Final[dict[str, Callable[..., Any]]] = {
    "adjusted_rand": metrics.adjusted_rand_score,
    "rand": metrics.rand_score,
    "adjusted_mutual_info": metrics.adjusted_mutual_info_score,
    "normalized_mutual_info": metrics.normalized_mutual_info_score,
    "homogeneity": metrics.homogeneity_score,
    "completeness": metrics.completeness_score,
    "v_measure": metrics.v_measure_score,
    "fowlkes_mallows": metrics.fowlkes_mallows_score,
}


def measure_clusters(matrix: Floats, labels: Sequence[int] | Codes) -> Measured:
    """All of ``CLUSTERING_METRICS``; the first three need 2 to ``n_rows - 1`` clusters.

    Args:
        matrix: The encoded rows, shape (n_rows, n_features): what the estimator saw.
        labels: The cluster of each row.
    """
    found = Measured()
    if not len(labels):
        found.leave_out(CLUSTERING_METRICS, "there are no rows")
        return found
    reason = "there is one cluster only, or one for each row"
    sample_size = SILHOUETTE_ROWS if len(labels) > SILHOUETTE_ROWS else None
    silhouette = _quiet(metrics.silhouette_score, matrix, labels, sample_size=sample_size, random_state=0)
    found.add("silhouette", silhouette, reason)
    found.add("calinski_harabasz", _quiet(metrics.calinski_harabasz_score, matrix, labels), reason)
    found.add("davies_bouldin", _quiet(metrics.davies_bouldin_score, matrix, labels), reason)
    found.add("cluster_count", float(len(np.unique(labels))))
    return found


def measure_groups(groups: Codes, clusters: Codes) -> Measured:
    """All of ``GROUPING_METRICS``: how well clusters agree with true groups, whatever either is called."""
    found = Measured()
    if not len(groups):
        found.leave_out(GROUPING_METRICS, "there are no rows")
        return found
    for name, metric in _BESIDE_TRUTH.items():
        found.add(name, _quiet(metric, groups, clusters))
    return found


def measure_outliers(labels: Sequence[Label]) -> Measured:
    """All of ``OUTLIER_METRICS``."""
    found = Measured()
    if not len(labels):
        found.leave_out(OUTLIER_METRICS, "there are no rows")
    else:
        found.add("outlier_share", sum(label == OUTLIER_CLASSES[1] for label in labels) / len(labels))
    return found


def _quiet(metric: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return float(metric(*arguments, **options))
        except ValueError:  # scikit-learn's way to say that it is not defined for these rows
            return np.nan
