"""Checks of a fitted clusterer: it has clusters, and it can be stored."""

from typing import Any, Final

from sklearn.cluster import BisectingKMeans

from modelbus.shared.errors import EstimatorRejected

DEPTH_LIMIT: Final = 100
"""Maximum depth of a tree of clusters. skops stores and loads it recursively, and Python fails at a depth of 140."""


def require_clusters(estimator: Any) -> None:
    """Check a fitted clusterer.

    Raises:
        EstimatorRejected: It found no cluster, or its tree is too deep to be stored.
    """
    name = type(estimator).__name__
    if not len(estimator.cluster_centers_):
        raise EstimatorRejected(
            f"{name} did not converge to any cluster: raise max_iter or damping, or lower preference"
        )
    if type(estimator) is BisectingKMeans and (depth := _depth(estimator._bisecting_tree)) > DEPTH_LIMIT:
        raise EstimatorRejected(
            f"{name} made a tree of {depth} levels, and at most {DEPTH_LIMIT} can be stored: reduce n_clusters, or set "
            "bisecting_strategy to largest_cluster"
        )


def _depth(tree: Any) -> int:
    """The depth of a tree of clusters, found without recursion, which would fail for deep trees."""
    deepest, nodes = 0, [(tree, 0)]
    while nodes:
        node, depth = nodes.pop()
        deepest = max(deepest, depth)
        if node.left is not None:
            nodes += [(node.left, depth + 1), (node.right, depth + 1)]
    return deepest
