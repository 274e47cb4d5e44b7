"""The metrics by name and task, and for each whether more of it is better. Names only: the gateway compares by them.

The names are those of scikit-learn's functions without ``_score``, where it has one; docs/evaluation.md defines each.
"""

from typing import Final, Literal, get_args

AVERAGES: Final = ("macro", "micro", "weighted")

CLASSIFICATION_METRICS: Final = (
    "accuracy",
    "balanced_accuracy",
    "mean_per_class_error",
    *(f"precision_{average}" for average in AVERAGES),
    *(f"recall_{average}" for average in AVERAGES),
    *(f"f1_{average}" for average in AVERAGES),
    *(f"f0point5_{average}" for average in AVERAGES),
    *(f"f2_{average}" for average in AVERAGES),
    "precision",
    "recall",
    "specificity",
    "f1",
    "f0point5",
    "f2",
    "matthews_correlation",
    "cohen_kappa",
    "log_loss",
    "brier_score",
    "d2_log_loss",
    "d2_brier_score",
    "roc_auc",
    "roc_auc_ovr_weighted",
    "roc_auc_ovo",
    "roc_auc_ovo_weighted",
    "average_precision",
    "gini",
    "ks_statistic",
    "top_2_accuracy",
    "top_3_accuracy",
    "top_5_accuracy",
)
"""Those without an average (`precision` to `f2`), ``gini`` and ``ks_statistic`` are of two classes, about the positive
one; those with ``ovr`` and ``ovo`` and the ``top`` ones are of more than two. ``roc_auc`` and ``average_precision`` of
more than two are one-vs-rest, macro-averaged."""

REGRESSION_METRICS: Final = (
    "r2",
    "explained_variance",
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
    "median_absolute_error",
    "max_error",
    "mean_absolute_percentage_error",
    "symmetric_mean_absolute_percentage_error",
    "mean_squared_log_error",
    "root_mean_squared_log_error",
    "mean_poisson_deviance",
    "mean_gamma_deviance",
    "d2_absolute_error",
    "d2_poisson_deviance",
    "d2_gamma_deviance",
)

CLUSTERING_METRICS: Final = ("silhouette", "calinski_harabasz", "davies_bouldin", "cluster_count")
"""Of rows and clusters alone. ``cluster_count``: clusters that have a row."""

GROUPING_METRICS: Final = (
    "adjusted_rand",
    "rand",
    "adjusted_mutual_info",
    "normalized_mutual_info",
    "homogeneity",
    "completeness",
    "v_measure",
    "fowlkes_mallows",
)
"""Of clusters beside true groups."""

OUTLIER_METRICS: Final = ("outlier_share",)
"""Without a truth; with one, outliers have the metrics of two classes too."""

ThresholdMetric = Literal[
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "f1",
    "f0point5",
    "f2",
    "matthews_correlation",
]
THRESHOLD_METRICS: Final[tuple[ThresholdMetric, ...]] = get_args(ThresholdMetric)
"""What a threshold can be chosen by: more of each is better."""

LESS_IS_BETTER: Final = frozenset(
    {
        "mean_per_class_error",
        "log_loss",
        "brier_score",
        "mean_absolute_error",
        "mean_squared_error",
        "root_mean_squared_error",
        "median_absolute_error",
        "max_error",
        "mean_absolute_percentage_error",
        "symmetric_mean_absolute_percentage_error",
        "mean_squared_log_error",
        "root_mean_squared_log_error",
        "mean_poisson_deviance",
        "mean_gamma_deviance",
        "davies_bouldin",
    }
)
NEITHER_IS_BETTER: Final = frozenset({"cluster_count", "outlier_share"})


def is_more_better(metric: str) -> bool | None:
    """Whether more of a metric is better; None where neither more nor less is."""
    return None if metric in NEITHER_IS_BETTER else metric not in LESS_IS_BETTER
