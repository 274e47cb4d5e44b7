"""The formulas of clustering and outlier detection, with and without a truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from modelbus.shared.tabular.metrics.measured import Formula, NotDefined, quiet
from modelbus.shared.tabular.targets.labels import OUTLIER_CLASSES, Codes, Label

Floats = npt.NDArray[np.float64]

SILHOUETTE_ROWS = 2000
"""Maximum rows for ``silhouette``, which compares all pairs of rows; more rows are sampled with a fixed seed."""
_NO_ROWS: Final = "there are no rows"


@dataclass(frozen=True, eq=False)
class ClusteredRows:
    """Rows and their clusters."""

    matrix: Floats | None
    """The encoded rows, shape (n_rows, n_features), as the estimator saw them. None if they are unknown."""
    clusters: Sequence[int] | Codes
    """Shape (n_rows,)."""


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """Clusters and true groups; their agreement does not depend on the names of either."""

    groups: Codes
    """Shape (n_rows,)."""
    clusters: Codes
    """Shape (n_rows,)."""


def _of_matrix(metric: Callable[..., Any]) -> Formula[ClusteredRows]:
    """A metric that needs 2 to ``n_rows - 1`` clusters."""

    def of(rows: ClusteredRows) -> float:
        if rows.matrix is None:
            raise NotDefined("the rows behind the clusters are unknown")
        if not len(rows.clusters):
            raise NotDefined(_NO_ROWS)
        return quiet(metric, rows.matrix, rows.clusters)

    return Formula(of, "there is a single cluster, or each row is a cluster")


def _silhouette(matrix: Floats, clusters: Codes) -> float:
    sample_size = SILHOUETTE_ROWS if len(clusters) > SILHOUETTE_ROWS else None
    return float(metrics.silhouette_score(matrix, clusters, sample_size=sample_size, random_state=0))


def _cluster_count(rows: ClusteredRows) -> float:
    if not len(rows.clusters):
        raise NotDefined(_NO_ROWS)
    return float(len(np.unique(rows.clusters)))


def _beside_truth(metric: Callable[..., Any]) -> Formula[GroupedRows]:
    def of(rows: GroupedRows) -> float:
        if not len(rows.groups):
            raise NotDefined(_NO_ROWS)
        return quiet(metric, rows.groups, rows.clusters)

    return Formula(of)


def _outlier_share(labels: Sequence[Label]) -> float:
    if not len(labels):
        raise NotDefined(_NO_ROWS)
    return sum(label == OUTLIER_CLASSES[1] for label in labels) / len(labels)


CLUSTER_FORMULAS: Final[Mapping[str, Formula[ClusteredRows]]] = {
    "silhouette": _of_matrix(_silhouette),
    "calinski_harabasz": _of_matrix(metrics.calinski_harabasz_score),
    "davies_bouldin": _of_matrix(metrics.davies_bouldin_score),
    "cluster_count": Formula(_cluster_count),
}
GROUP_FORMULAS: Final[Mapping[str, Formula[GroupedRows]]] = {
    "adjusted_rand": _beside_truth(metrics.adjusted_rand_score),
    "rand": _beside_truth(metrics.rand_score),
    "adjusted_mutual_info": _beside_truth(metrics.adjusted_mutual_info_score),
    "normalized_mutual_info": _beside_truth(metrics.normalized_mutual_info_score),
    "homogeneity": _beside_truth(metrics.homogeneity_score),
    "completeness": _beside_truth(metrics.completeness_score),
    "v_measure": _beside_truth(metrics.v_measure_score),
    "fowlkes_mallows": _beside_truth(metrics.fowlkes_mallows_score),
}
OUTLIER_FORMULAS: Final[Mapping[str, Formula[Sequence[Label]]]] = {"outlier_share": Formula(_outlier_share)}
