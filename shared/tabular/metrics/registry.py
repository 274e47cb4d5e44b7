"""The registry of metrics: each row of the table of names with the formula that measures it.

Search, importance, evaluation, comparison with a champion and the documentation all pick from here. What a formula
takes depends on the metric's kind: ``WeighedLabels`` of classification and agreement, ``NumberPairs`` of regression,
``ClusteredRows`` of clustering, ``GroupedRows`` of grouping, and predicted labels of outlier detection. Reasons:
ADR 0029.
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
    """A metric: what is known of it, and how it is measured."""

    entry: MetricEntry
    formula: Formula[Any]

    @property
    def name(self) -> str:
        """As records, commands and the documentation have it."""
        return self.entry.name

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks whose models have it."""
        return self.entry.tasks

    @property
    def is_higher_better(self) -> bool | None:
        """Whether more of it is better; None where neither more nor less is."""
        return self.entry.is_higher_better

    @property
    def needs_probabilities(self) -> bool:
        """Whether predicted labels are not enough."""
        return self.entry.needs_probabilities

    def measure(self, rows: Any) -> float:
        """The metric of some rows: a finite number.

        Args:
            rows: Of the type of its kind; see above.

        Raises:
            NotDefined: It is not defined for them; the message says why.
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
    """Join rows and formulas by kind and name.

    Raises:
        LookupError: A row has no formula, a formula no row, or a name stands twice.
    """
    rows = [(entry.kind, entry.name) for entry in table]
    measured = {(kind, name) for kind, by_name in formulas.items() for name in by_name}
    if set(rows) != measured:
        without = ", ".join(f"{name} of {kind}" for kind, name in sorted(set(rows) ^ measured))
        raise LookupError(f"a metric needs a row of METRIC_TABLE and a formula; one of them is missing for {without}")
    metrics = {entry.name: Metric(entry, formulas[entry.kind][entry.name]) for entry in table}
    if len(metrics) < len(table):
        raise LookupError("a name of METRIC_TABLE stands twice")
    return metrics


METRICS: Final[Mapping[str, Metric]] = joined(METRIC_TABLE, _FORMULAS)
"""By name, in the order in which records have them."""

_BY_KIND: Final[Mapping[MetricKind, list[Metric]]] = {
    kind: [metric for metric in METRICS.values() if metric.entry.kind == kind] for kind in _FORMULAS
}


def measure_all(kind: MetricKind, rows: Any) -> Measured:
    """All metrics of a kind, with reasons for those that are not defined.

    Args:
        kind: Of the metrics.
        rows: Of the type of that kind; see above.
    """
    found = Measured()
    for metric in _BY_KIND[kind]:
        found.add(metric.name, metric.formula, rows)
    return found
