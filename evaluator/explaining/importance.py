"""Permutation importance: how much worse a model gets when one column is shuffled. Pure: no bus, no store.

Breiman, "Random Forests", Machine Learning 45 (2001); for any model: Fisher, Rudin and Dominici, "All Models are
Wrong, but Many are Useful", JMLR 20 (2019). The columns are the table's own, however many outputs they are encoded to.
Shuffled as scikit-learn's ``permutation_importance`` does, so that the same seed gives the same figures.

Cost: one prediction of all rows, and ``repeats`` more for each column.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn import metrics

from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.encoding.scaled import Floats
from modelbus.shared.tabular.predicting.model import FittedModel, Predictions
from modelbus.shared.tabular.targets.labels import Codes, Label, codes_of

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Metric:
    """A metric by which importance is measured."""

    name: str
    measure: Callable[..., float]
    """Takes truth and answers."""
    is_error: bool = False
    """Whether less of it is better."""
    needs_probabilities: bool = False


def _roc_auc(true: Codes, probabilities: Floats) -> float:
    if probabilities.shape[1] == 2:
        return float(metrics.roc_auc_score(true, probabilities[:, 1]))
    labels = np.arange(probabilities.shape[1])
    return float(metrics.roc_auc_score(true, probabilities, multi_class="ovr", labels=labels))


def _log_loss(true: Codes, probabilities: Floats) -> float:
    return float(metrics.log_loss(true, probabilities, labels=np.arange(probabilities.shape[1])))


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric("balanced_accuracy", metrics.balanced_accuracy_score),
        Metric("accuracy", metrics.accuracy_score),
        Metric("f1_macro", lambda true, given: metrics.f1_score(true, given, average="macro", zero_division=0)),
        Metric("f1_weighted", lambda true, given: metrics.f1_score(true, given, average="weighted", zero_division=0)),
        Metric("matthews_correlation", metrics.matthews_corrcoef),
        Metric("roc_auc", _roc_auc, needs_probabilities=True),
        Metric("log_loss", _log_loss, is_error=True, needs_probabilities=True),
        Metric("r2", metrics.r2_score),
        Metric("root_mean_squared_error", metrics.root_mean_squared_error, is_error=True),
        Metric("mean_absolute_error", metrics.mean_absolute_error, is_error=True),
        Metric("median_absolute_error", metrics.median_absolute_error, is_error=True),
        Metric("explained_variance", metrics.explained_variance_score),
        Metric("agreement", metrics.accuracy_score),
    )
}
"""By name; see ``IMPORTANCE_METRICS`` in ``shared/contracts/commands/explanation.py``."""


@dataclass(frozen=True)
class Importance:
    """How important a column is."""

    column: str
    values: list[float]
    """How much the metric got worse, one for each time that the column was shuffled; below 0 it got better."""

    @property
    def mean(self) -> float:
        """Of the values."""
        return float(np.mean(self.values))

    @property
    def standard_deviation(self) -> float:
        """Of the values, of the population."""
        return float(np.std(self.values))


@dataclass(frozen=True)
class Importances:
    """How important the columns are."""

    metric: Metric
    baseline: float
    """The metric with nothing shuffled."""
    columns: list[Importance]
    """Of all columns, the most important first; where two are alike, in the signature's order."""


def permutation_importance(
    model: FittedModel,
    matrix: Floats,
    truth: Sequence[Label] | None,
    metric_name: str,
    *,
    repeats: int,
    seed: int,
    report: Progress = lambda _share, _message: None,
) -> Importances:
    """Shuffle each column in turn and measure.

    Args:
        model: The model.
        matrix: Rows as its encoder encoded them, shape (n_rows, n_encoded).
        truth: The true label or number of each row; None takes what the model answers for them.
        metric_name: Of ``METRICS``, and for the model's task.
        repeats: How often each column is shuffled.
        seed: Of the shuffling.
        report: Takes the share that is done, and what is being done.

    Raises:
        InvalidCommand: The metric is not defined for these rows, or needs probabilities that the model has not.
        EstimatorRejected: The estimator refused the rows.
    """
    metric = METRICS[metric_name]
    asked = _Asked(model, metric, truth, matrix)
    baseline = asked.measured(matrix)
    # One seed for all columns, as scikit-learn has it: each meets the same shuffles.
    column_seed = np.random.RandomState(seed).randint(np.iinfo(np.int32).max + 1)
    owners = np.array(model.encoder.output_columns, dtype=object)
    names = [column.name for column in model.encoder.columns]
    found = []
    for position, name in enumerate(names):
        report(position / len(names), f"shuffling {name!r}")
        outputs = np.flatnonzero(owners == name)
        # A column that did not vary in training has no output: nothing depends on it.
        measured = _shuffled(asked, matrix, outputs, repeats, column_seed) if len(outputs) else [baseline] * repeats
        worse = [value - baseline if metric.is_error else baseline - value for value in measured]
        found.append(Importance(name, worse))
    return Importances(metric, baseline, sorted(found, key=lambda each: -each.mean))


def _shuffled(asked: "_Asked", matrix: Floats, outputs: Codes, repeats: int, seed: int) -> list[float]:
    random = np.random.RandomState(seed)
    shuffled, order = matrix.copy(), np.arange(len(matrix))
    values = []
    for _ in range(repeats):
        random.shuffle(order)
        shuffled[:, outputs] = shuffled[np.ix_(order, outputs)]
        values.append(asked.measured(shuffled))
    return values


class _Asked:
    """A model that is asked for the same rows again and again, and measured against the same truth."""

    def __init__(self, model: FittedModel, metric: Metric, truth: Sequence[Label] | None, matrix: Floats) -> None:
        self._model = model
        self._metric = metric
        if metric.needs_probabilities and not model.has_probabilities:
            raise _not_defined(metric, f"{type(model.estimator).__name__} has no probabilities")
        classes = model.signature.classes
        if truth is None:
            truth = self._ask(matrix).labels
        known = set(classes or truth)
        self._labels = [*(classes or sorted(known)), *sorted({label for label in truth if label not in known}, key=str)]
        is_number = model.signature.task == "regression"
        self._truth: Any = np.asarray(truth, np.float64) if is_number else codes_of(truth, self._labels)
        if metric.needs_probabilities and len(self._labels) > len(known):
            raise _not_defined(metric, f"some rows are of classes that the model does not know: {self._labels[-1]!r}")

    def measured(self, matrix: Floats) -> float:
        """The metric for encoded rows."""
        predictions = self._ask(matrix)
        answers: Any
        if self._metric.needs_probabilities:
            answers = predictions.probabilities
        elif self._model.signature.task == "regression":
            answers = np.asarray(predictions.labels, np.float64)
        else:
            answers = codes_of(predictions.labels, self._labels)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                value = float(self._metric.measure(self._truth, answers))
            except ValueError as error:  # scikit-learn's way to say so
                raise _not_defined(self._metric, str(error)) from error
        if not np.isfinite(value):
            raise _not_defined(self._metric, "it is no finite number")
        return value

    def _ask(self, matrix: Floats) -> Predictions:
        has_probabilities = self._metric.needs_probabilities
        return self._model.predict_encoded(matrix, has_probabilities=has_probabilities)


def _not_defined(metric: Metric, why: str) -> InvalidCommand:
    problem = f"{metric.name} cannot be measured on these rows: {why}"
    return InvalidCommand(problem, details=[{"where": "metric", "problem": problem}])
