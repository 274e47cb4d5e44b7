"""The registry of metrics: each entry of the table of names with its formula.

Search, importance, evaluation, comparison with a champion and the documentation use it. The argument of a formula
depends on the metric's kind: ``WeighedLabels`` for classification and agreement, ``NumberPairs`` for regression,
``ClusteredRows`` for clustering, ``GroupedRows`` for grouping, and predicted labels for outlier detection (ADR 0029).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from modelbus.shared.contracts.base import Task
from modelbus.shared.contracts.metric_names import METRIC_TABLE, MetricEntry, MetricKind
from modelbus.shared.tabular.metrics.class_formulas import AGREEMENT_FORMULAS, CLASS_FORMULAS
from modelbus.shared.tabular.metrics.grouping import CLUSTER_FORMULAS, GROUP_FORMULAS, OUTLIER_FORMULAS
from modelbus.shared.tabular.metrics.measured import Formula, Measured
from modelbus.shared.tabular.metrics.regression import NUMBER_FORMULAS

Formulas = Mapping[MetricKind, Mapping[str, Formula[Any]]]


@dataclass(frozen=True)
class Metric:
    """A metric: its entry in the table and its formula."""

    entry: MetricEntry
    formula: Formula[Any]

    @property
    def name(self) -> str:
        """The name in records, commands and the documentation."""
        return self.entry.name

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that it applies to."""
        return self.entry.tasks

    @property
    def is_higher_better(self) -> bool | None:
        """Whether higher values are better; None if neither higher nor lower values are."""
        return self.entry.is_higher_better

    @property
    def needs_probabilities(self) -> bool:
        """Whether it needs probabilities."""
        return self.entry.needs_probabilities

    def measure(self, rows: Any) -> float:
        """Compute the metric of some rows, a finite number.

        Args:
            rows: Rows of the type of its kind; see above.

        Raises:
                NotDefined: The metric is not defined for these rows; the message gives the reason.
        """
        return self.formula.measure(rows)


_FORMULAS: Final[Formulas] = {
    "classification": CLASS_FORMULAS,
    "regression": NUMBER_FORMULAS,
    "clustering": CLUSTER_FORMULAS,
    "grouping": GROUP_FORMULAS,
    "outlier_detection": OUTLIER_FORMULAS,
    "agreement": AGREEMENT_FORMULAS,
}


def joined(table: Sequence[MetricEntry], formulas: Formulas) -> dict[str, Metric]:
    """Join entries and formulas by kind and name.

    Raises:
        LookupError: An entry has no formula, a formula has no entry, or a name is duplicated.
    """
    rows = [(entry.kind, entry.name) for entry in table]
    measured = {(kind, name) for kind, by_name in formulas.items() for name in by_name}
    if set(rows) != measured:
        without = ", ".join(f"{name} of {kind}" for kind, name in sorted(set(rows) ^ measured))
        raise LookupError(
            f"a metric needs an entry of METRIC_TABLE and a formula; one of them is missing for {without}"
        )
    metrics = {entry.name: Metric(entry, formulas[entry.kind][entry.name]) for entry in table}
    if len(metrics) < len(table):
        raise LookupError("METRIC_TABLE contains a name twice")
    return metrics


METRICS: Final[Mapping[str, Metric]] = joined(METRIC_TABLE, _FORMULAS)
"""The metrics by name, in the order of records."""

_BY_KIND: Final[Mapping[MetricKind, list[Metric]]] = {
    kind: [metric for metric in METRICS.values() if metric.entry.kind == kind] for kind in _FORMULAS
}


def measure_all(kind: MetricKind, rows: Any) -> Measured:
    """Compute all metrics of a kind, with reasons for those that are not defined.

    Args:
        kind: The kind of the metrics.
        rows: Rows of the type of this kind; see above.
    """
    found = Measured()
    for metric in _BY_KIND[kind]:
        found.add(metric.name, metric.formula, rows)
    return found
