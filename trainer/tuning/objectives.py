"""What a search makes as good as can be: one metric, on class codes or numbers, equal to ``shared.tabular.metrics``.

One at a time, where the metrics of an evaluation are all measured together: a search measures thousands of times.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from modelbus.shared.contracts import Task
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.metrics.by_task import score_clustering
from modelbus.trainer.tuning.rough_measures import mean_recall, rank_auc

Answers = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Measure = Callable[[Answers, Answers, Floats | None], Any]
"""Takes the truth, the answers and the probabilities."""

PRIMARY_METRIC: Final[Mapping[Task, str]] = {
    "classification": "balanced_accuracy",
    "regression": "r2",
    "clustering": "silhouette",
}
"""What is compared where nothing else is said, by task: more is better. Nothing says whose outliers are right."""


@dataclass(frozen=True)
class Objective:
    """A metric, and which way is better."""

    name: str
    measure: Measure
    is_more_better: bool = True
    needs_probabilities: bool = False
    rough: Measure | None = None
    """The same but for its last bits, and quicker."""

    def roughly(self) -> "Objective":
        """What is taken where the metric is measured thousands of times."""
        return self if self.rough is None else replace(self, measure=self.rough)

    def score(self, truth: Answers, answers: Answers, probabilities: Floats | None) -> float | None:
        """Measure.

        Args:
            truth: Class codes or numbers, shape (n_rows,); of clustering the encoded rows, shape (n_rows, n_features).
            answers: Class codes, numbers or clusters, shape (n_rows,).
            probabilities: Shape (n_rows, n_classes), or None.

        Returns:
            The metric; None where it is not defined for these rows.
        """
        if self.needs_probabilities and (probabilities is None or not np.isfinite(probabilities).all()):
            return None
        if not np.isfinite(answers).all():
            return None
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                value = self.measure(truth, answers, probabilities)
            except ValueError:  # scikit-learn's way to say that it is not defined for these rows
                return None
        return float(value) if value is not None and math.isfinite(value) else None

    def signed_score(self, score: float) -> float:
        """The score with its sign so that more is better."""
        return score if self.is_more_better else -score


def objective_of(scoring: str | None, task: Task, *, where: str = "scoring") -> Objective:
    """The objective of a name; the task's primary metric without one.

    Args:
        scoring: The name.
        task: What is learnt.
        where: Where in the command the name stands.

    Raises:
        InvalidCommand: The task has no such metric, or none at all that says what is better.
    """
    known = _OBJECTIVES[task]
    name = scoring or PRIMARY_METRIC.get(task)
    if name in known:
        return known[str(name)]
    if not known:
        problem = f"{task} has no metric that says what is better"
    else:
        problem = f"{task} has no metric {str(name)[:100]!r} to search by"
    raise InvalidCommand(problem, details=[{"where": where, "problem": problem, "expected": sorted(known)}])


def objective_names(task: Task) -> frozenset[str]:
    """The metrics that a task can be searched by: those that people compare models by; none of outlier detection."""
    return frozenset(_OBJECTIVES[task])


def _averaged(metric: Callable[..., Any], average: str) -> Measure:
    return lambda truth, answers, _: metric(truth, answers, average=average, zero_division=0)


def _plain(metric: Callable[..., Any]) -> Measure:
    return lambda truth, answers, _: metric(truth, answers)


def _log_loss(truth: Answers, _answers: Answers, probabilities: Any) -> Any:
    return metrics.log_loss(truth, probabilities, labels=np.arange(probabilities.shape[1]))


def _roc_auc(truth: Answers, _answers: Answers, probabilities: Any) -> Any:
    codes = np.arange(probabilities.shape[1])
    if len(np.unique(truth)) < len(codes):  # a class without a true row cannot be ranked
        return None
    if len(codes) == 2:
        return metrics.roc_auc_score(truth, probabilities[:, 1])
    return metrics.roc_auc_score(truth, probabilities, multi_class="ovr", labels=codes)


def _average_precision(truth: Answers, _answers: Answers, probabilities: Any) -> Any:
    codes = np.arange(probabilities.shape[1])
    if len(np.unique(truth)) < len(codes):
        return None
    if len(codes) == 2:
        return metrics.average_precision_score(truth, probabilities[:, 1])
    return metrics.average_precision_score(truth[:, None] == codes, probabilities, average="macro")


def _brier_score(truth: Answers, _answers: Answers, probabilities: Any) -> Any:
    if probabilities.shape[1] == 2:
        return metrics.brier_score_loss(truth, probabilities[:, 1]) if len(np.unique(truth)) == 2 else None
    return metrics.brier_score_loss(truth, probabilities, labels=np.arange(probabilities.shape[1]))


def _cluster(name: str) -> Measure:
    return lambda matrix, answers, _: score_clustering(matrix, answers.astype(np.int64))[name]


_CLASSIFICATION = (
    Objective("accuracy", _plain(metrics.accuracy_score)),
    Objective("balanced_accuracy", _plain(metrics.balanced_accuracy_score), rough=mean_recall),
    Objective("precision_macro", _averaged(metrics.precision_score, "macro")),
    Objective("precision_weighted", _averaged(metrics.precision_score, "weighted")),
    Objective("recall_macro", _averaged(metrics.recall_score, "macro")),
    Objective("recall_weighted", _averaged(metrics.recall_score, "weighted")),
    Objective("f1_macro", _averaged(metrics.f1_score, "macro")),
    Objective("f1_weighted", _averaged(metrics.f1_score, "weighted")),
    Objective("matthews_correlation", _plain(metrics.matthews_corrcoef)),
    Objective("cohen_kappa", _plain(metrics.cohen_kappa_score)),
    Objective("log_loss", _log_loss, is_more_better=False, needs_probabilities=True),
    Objective("roc_auc", _roc_auc, needs_probabilities=True, rough=rank_auc),
    Objective("average_precision", _average_precision, needs_probabilities=True),
    Objective("brier_score", _brier_score, is_more_better=False, needs_probabilities=True),
)
_REGRESSION = (
    Objective("r2", _plain(metrics.r2_score)),
    Objective("root_mean_squared_error", _plain(metrics.root_mean_squared_error), is_more_better=False),
    Objective("mean_squared_error", _plain(metrics.mean_squared_error), is_more_better=False),
    Objective("mean_absolute_error", _plain(metrics.mean_absolute_error), is_more_better=False),
    Objective("median_absolute_error", _plain(metrics.median_absolute_error), is_more_better=False),
    Objective("mean_absolute_percentage_error", _plain(metrics.mean_absolute_percentage_error), is_more_better=False),
    Objective("max_error", _plain(metrics.max_error), is_more_better=False),
    Objective("explained_variance", _plain(metrics.explained_variance_score)),
)
_CLUSTERING = (
    Objective("silhouette", _cluster("silhouette")),
    Objective("calinski_harabasz", _cluster("calinski_harabasz")),
    Objective("davies_bouldin", _cluster("davies_bouldin"), is_more_better=False),
)
_OBJECTIVES: Final[Mapping[Task, Mapping[str, Objective]]] = {
    "classification": {one.name: one for one in _CLASSIFICATION},
    "regression": {one.name: one for one in _REGRESSION},
    "clustering": {one.name: one for one in _CLUSTERING},
    "outlier_detection": {},
}
