"""What a fitted clusterer must have so that its answers mean something and it can be stored."""

from typing import Any, Final

from sklearn.cluster import BisectingKMeans

from modelbus.shared.errors import EstimatorRejected

DEPTH_LIMIT: Final = 100
"""Levels of a tree of clusters. skops stores and loads it level by level, and Python ends that at about 140."""


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
            f"{name} split what was split before, {depth} times over; {DEPTH_LIMIT} can be stored: ask for fewer "
            "clusters, or set bisecting_strategy to largest_cluster"
        )


def _depth(tree: Any) -> int:
    """How often a cluster was split out of another, at most; without recursion, which it is there to prevent."""
    deepest, nodes = 0, [(tree, 0)]
    while nodes:
        node, depth = nodes.pop()
        deepest = max(deepest, depth)
        if node.left is not None:
            nodes += [(node.left, depth + 1), (node.right, depth + 1)]
    return deepest
