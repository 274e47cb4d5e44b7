"""What a search optimises: one metric of the registry, measured on class codes or numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts import Task
from modelbus.shared.contracts.metric_names import PRIMARY_METRICS, metrics_for
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.metrics.classification import Labelled, PreparedLabels
from modelbus.shared.tabular.metrics.grouping import ClusteredRows
from modelbus.shared.tabular.metrics.measured import NotDefined
from modelbus.shared.tabular.metrics.registry import METRICS, Metric
from modelbus.shared.tabular.metrics.regression import NumberPairs

Answers = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A metric of a task, and which way is better."""

    metric: Metric
    task: Task

    @property
    def name(self) -> str:
        """The metric's."""
        return self.metric.name

    @property
    def needs_probabilities(self) -> bool:
        """Whether predicted labels are not enough."""
        return self.metric.needs_probabilities

    def score(self, truth: Answers, answers: Answers, probabilities: Floats | None) -> float | None:
        """Measure.

        Args:
            truth: Class codes or numbers, shape (n_rows,); of clustering the encoded rows, shape (n_rows, n_features).
            answers: Class codes, numbers or clusters, shape (n_rows,).
            probabilities: Shape (n_rows, n_classes), or None.

        Returns:
            The metric; None where it is not defined for these rows.
        """
        if not np.isfinite(answers).all():
            return None
        try:
            return self.metric.measure(self._rows(truth, answers, probabilities))
        except NotDefined:
            return None

    def signed_score(self, score: float) -> float:
        """The score with its sign so that more is better."""
        return score if self.metric.is_higher_better else -score

    def _rows(self, truth: Answers, answers: Answers, probabilities: Floats | None) -> Any:
        if self.task == "regression":
            return NumberPairs(truth, answers)
        codes = answers.astype(np.int64, copy=False)
        if self.task == "clustering":
            return ClusteredRows(truth, codes)
        known = int(max(truth.max(), codes.max())) + 1 if probabilities is None else probabilities.shape[1]
        return PreparedLabels(Labelled(range(known), known, truth, codes, probabilities)).weighed()


def objective_of(scoring: str | None, task: Task, *, where: str = "scoring") -> Objective:
    """The objective of a name; the task's primary metric without one.

    Args:
        scoring: The name.
        task: What is learnt.
        where: The place of the name in the command.

    Raises:
        InvalidCommand: The task has no such metric, or no metric to search by at all.
    """
    known = metrics_for("search", task)
    name = scoring or PRIMARY_METRICS.get(task)
    if name in known:
        return Objective(METRICS[str(name)], task)
    if not known:
        problem = f"{task} has no metric to search by"
    else:
        problem = f"{task} has no metric {str(name)[:100]!r} to search by"
    raise InvalidCommand(problem, details=[{"where": where, "problem": problem, "expected": sorted(known)}])
