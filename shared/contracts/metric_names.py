"""The table of metrics: name, kind, direction and uses of each. Nothing is measured here: the gateway reads it too.

A metric is one row of ``METRIC_TABLE``, one formula in ``shared/tabular/metrics/`` and one row of the tables in
docs/evaluation.md; ``shared/tabular/metrics/registry.py`` joins row and formula and refuses to be imported if either is
missing. Names are those of scikit-learn's functions without ``_score``, where it has one. Reasons: ADR 0029.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from modelbus.shared.contracts.base import Task

AVERAGES: Final = ("macro", "micro", "weighted")

MetricKind = Literal["classification", "regression", "clustering", "grouping", "outlier_detection", "agreement"]
"""The input of a metric. ``classification``: true and predicted labels, including known outliers. ``regression``: true
and predicted numbers. ``clustering``: rows and their clusters. ``grouping``: clusters and true groups.
``outlier_detection``: predicted outliers only. ``agreement``: predictions and earlier predictions for the same rows."""

MetricUse = Literal["search", "importance", "threshold_table", "threshold_search"]
"""The uses of a metric, in addition to evaluations, which use all metrics, and comparisons with a champion, which use
all with a direction. ``search``: ranks candidates. ``importance``: ranks columns. ``threshold_table``: binary
evaluations list it by threshold and choose the best threshold by it. ``threshold_search``: a training chooses a
threshold by it. The metrics of both threshold uses depend only on label counts, and higher is better."""


@dataclass(frozen=True)
class MetricEntry:
    """The static properties of a metric."""

    name: str
    kind: MetricKind
    is_higher_better: bool | None = True
    """None if neither higher nor lower is better."""
    needs_probabilities: bool = False
    """Whether probabilities are required. Decision scores are enough for ``roc_auc``, ``average_precision``, ``gini``
    and ``ks_statistic`` in a binary evaluation."""
    uses: tuple[MetricUse, ...] = ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks whose models have the metric; with known outliers, outlier detectors also have those of
        classification.
        """
        return _TASKS_OF_KIND[self.kind]


_TASKS_OF_KIND: Final[Mapping[MetricKind, tuple[Task, ...]]] = {
    "classification": ("classification",),
    "regression": ("regression",),
    "clustering": ("clustering",),
    "grouping": ("clustering",),
    "outlier_detection": ("outlier_detection",),
    "agreement": ("outlier_detection", "clustering"),
}


def _of_classes(name: str, *uses: MetricUse, less: bool = False) -> MetricEntry:
    return MetricEntry(name, "classification", is_higher_better=not less, uses=uses)


def _of_probabilities(name: str, *uses: MetricUse, less: bool = False) -> MetricEntry:
    return MetricEntry(name, "classification", is_higher_better=not less, needs_probabilities=True, uses=uses)


def _of_numbers(name: str, *uses: MetricUse, less: bool = False) -> MetricEntry:
    return MetricEntry(name, "regression", is_higher_better=not less, uses=uses)


METRIC_TABLE: Final[tuple[MetricEntry, ...]] = (
    _of_classes("accuracy", "search", "importance", "threshold_table", "threshold_search"),
    _of_classes("balanced_accuracy", "search", "importance", "threshold_table", "threshold_search"),
    _of_classes("mean_per_class_error", less=True),
    _of_classes("precision_macro", "search"),
    _of_classes("precision_micro"),
    _of_classes("precision_weighted", "search"),
    _of_classes("recall_macro", "search"),
    _of_classes("recall_micro"),
    _of_classes("recall_weighted", "search"),
    _of_classes("f1_macro", "search", "importance", "threshold_search"),
    _of_classes("f1_micro"),
    _of_classes("f1_weighted", "search", "importance"),
    _of_classes("f0point5_macro"),
    _of_classes("f0point5_micro"),
    _of_classes("f0point5_weighted"),
    _of_classes("f2_macro"),
    _of_classes("f2_micro"),
    _of_classes("f2_weighted"),
    # from here to f2: of two classes, about the positive one
    _of_classes("precision", "threshold_table"),
    _of_classes("recall", "threshold_table"),
    _of_classes("specificity", "threshold_table"),
    _of_classes("f1", "threshold_table", "threshold_search"),
    _of_classes("f0point5", "threshold_table"),
    _of_classes("f2", "threshold_table"),
    _of_classes("matthews_correlation", "search", "importance", "threshold_table", "threshold_search"),
    _of_classes("cohen_kappa", "search"),
    _of_probabilities("log_loss", "search", "importance", less=True),
    _of_probabilities("brier_score", "search", less=True),
    _of_probabilities("d2_log_loss"),
    _of_probabilities("d2_brier_score"),
    # of more than two classes one-vs-rest, macro-averaged
    _of_probabilities("roc_auc", "search", "importance"),
    # of more than two classes only
    _of_probabilities("roc_auc_ovr_weighted"),
    _of_probabilities("roc_auc_ovo"),
    _of_probabilities("roc_auc_ovo_weighted"),
    # of more than two classes one-vs-rest, macro-averaged
    _of_probabilities("average_precision", "search"),
    # of two classes only
    _of_probabilities("gini"),
    _of_probabilities("ks_statistic"),
    # of more classes than it counts
    _of_probabilities("top_2_accuracy"),
    _of_probabilities("top_3_accuracy"),
    _of_probabilities("top_5_accuracy"),
    _of_numbers("r2", "search", "importance"),
    _of_numbers("explained_variance", "search", "importance"),
    _of_numbers("mean_absolute_error", "search", "importance", less=True),
    _of_numbers("mean_squared_error", "search", less=True),
    _of_numbers("root_mean_squared_error", "search", "importance", less=True),
    _of_numbers("median_absolute_error", "search", "importance", less=True),
    _of_numbers("max_error", "search", less=True),
    _of_numbers("mean_absolute_percentage_error", "search", less=True),
    _of_numbers("symmetric_mean_absolute_percentage_error", less=True),
    _of_numbers("mean_squared_log_error", less=True),
    _of_numbers("root_mean_squared_log_error", less=True),
    _of_numbers("mean_poisson_deviance", less=True),
    _of_numbers("mean_gamma_deviance", less=True),
    _of_numbers("d2_absolute_error"),
    _of_numbers("d2_poisson_deviance"),
    _of_numbers("d2_gamma_deviance"),
    MetricEntry("silhouette", "clustering", uses=("search",)),
    MetricEntry("calinski_harabasz", "clustering", uses=("search",)),
    MetricEntry("davies_bouldin", "clustering", is_higher_better=False, uses=("search",)),
    MetricEntry("cluster_count", "clustering", is_higher_better=None),
    MetricEntry("adjusted_rand", "grouping"),
    MetricEntry("rand", "grouping"),
    MetricEntry("adjusted_mutual_info", "grouping"),
    MetricEntry("normalized_mutual_info", "grouping"),
    MetricEntry("homogeneity", "grouping"),
    MetricEntry("completeness", "grouping"),
    MetricEntry("v_measure", "grouping"),
    MetricEntry("fowlkes_mallows", "grouping"),
    MetricEntry("outlier_share", "outlier_detection", is_higher_better=None),
    MetricEntry("agreement", "agreement", uses=("importance",)),
)
"""In the order of the records."""

_BY_NAME: Final[Mapping[str, MetricEntry]] = {entry.name: entry for entry in METRIC_TABLE}

PRIMARY_METRICS: Final[Mapping[Task, str]] = {
    "classification": "balanced_accuracy",
    "regression": "r2",
    "clustering": "silhouette",
}
"""The default metric for comparisons by task; higher is better. Outlier detection has none."""


def metrics_of_kind(kind: MetricKind) -> tuple[str, ...]:
    """The names of one kind's metrics, in the table's order."""
    return tuple(entry.name for entry in METRIC_TABLE if entry.kind == kind)


def metrics_for(use: MetricUse, *tasks: Task) -> tuple[str, ...]:
    """The names of the metrics with a use, in the table's order, optionally restricted to some tasks."""
    return tuple(
        entry.name
        for entry in METRIC_TABLE
        if use in entry.uses and (not tasks or not set(tasks).isdisjoint(entry.tasks))
    )


CLASSIFICATION_METRICS: Final = metrics_of_kind("classification")
REGRESSION_METRICS: Final = metrics_of_kind("regression")
CLUSTERING_METRICS: Final = metrics_of_kind("clustering")
GROUPING_METRICS: Final = metrics_of_kind("grouping")
OUTLIER_METRICS: Final = metrics_of_kind("outlier_detection")
THRESHOLD_METRICS: Final = metrics_for("threshold_table")

if TYPE_CHECKING:
    ImportanceMetric: TypeAlias = str
    ThresholdMetric: TypeAlias = str
    SearchedThresholdMetric: TypeAlias = str
else:
    # For pydantic and OpenAPI, which list the names; a type checker cannot follow a literal that is worked out.
    ImportanceMetric = Literal[metrics_for("importance")]
    ThresholdMetric = Literal[THRESHOLD_METRICS]
    SearchedThresholdMetric = Literal[metrics_for("threshold_search")]


def is_higher_better(metric: str) -> bool | None:
    """Whether higher values of a metric are better; None if neither is, or if the metric is unknown."""
    entry = _BY_NAME.get(metric)
    return None if entry is None else entry.is_higher_better
