"""Permutation importance: how much worse a model gets when one column is shuffled. Pure: no bus, no store.

Breiman, "Random Forests", Machine Learning 45 (2001); for any model: Fisher, Rudin and Dominici, "All Models are
Wrong, but Many are Useful", JMLR 20 (2019). The columns are the table's own, however many outputs they are encoded to.
Shuffled as scikit-learn's ``permutation_importance`` does, so that the same seed gives the same figures.

Cost: one prediction of all rows, and ``repeats`` more for each column.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.encoding.scaled import Floats
from modelbus.shared.tabular.metrics.classification import Labelled, PreparedLabels, WeighedLabels
from modelbus.shared.tabular.metrics.measured import NotDefined
from modelbus.shared.tabular.metrics.registry import METRICS, Metric
from modelbus.shared.tabular.metrics.regression import NumberPairs
from modelbus.shared.tabular.predicting.model import FittedModel, Predictions
from modelbus.shared.tabular.targets.labels import Codes, Label, codes_of

Progress = Callable[[float, str], None]


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
    report: Progress = lambda _fraction, _message: None,
) -> Importances:
    """Shuffle each column in turn and measure.

    Args:
        model: The model.
        matrix: Rows as its encoder encoded them, shape (n_rows, n_encoded).
        truth: The true label or number of each row; None takes what the model answers for them.
        metric_name: Of ``IMPORTANCE_METRICS``, for the model's task.
        repeats: How often each column is shuffled.
        seed: Of the shuffling.
        report: Takes the fraction that is done, and what is being done.

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
        worse = [baseline - value if metric.is_higher_better else value - baseline for value in measured]
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
        self._class_count = len(known)
        self._is_number = model.signature.task == "regression"
        self._truth: Any = np.asarray(truth, np.float64) if self._is_number else codes_of(truth, self._labels)
        if metric.needs_probabilities and len(self._labels) > len(known):
            raise _not_defined(metric, f"some rows are of classes that the model does not know: {self._labels[-1]!r}")

    def measured(self, matrix: Floats) -> float:
        """The metric for encoded rows."""
        try:
            return self._metric.measure(self._rows(self._ask(matrix)))
        except NotDefined as error:
            raise _not_defined(self._metric, str(error)) from error

    def _rows(self, predictions: Predictions) -> NumberPairs | WeighedLabels:
        if self._is_number:
            return NumberPairs(self._truth, np.asarray(predictions.labels, np.float64))
        answers = codes_of(predictions.labels, self._labels)
        return PreparedLabels(
            Labelled(self._labels, self._class_count, self._truth, answers, predictions.probabilities)
        ).weighed()

    def _ask(self, matrix: Floats) -> Predictions:
        has_probabilities = self._metric.needs_probabilities
        return self._model.predict_encoded(matrix, has_probabilities=has_probabilities)


def _not_defined(metric: Metric, why: str) -> InvalidCommand:
    problem = f"{metric.name} cannot be measured on these rows: {why}"
    return InvalidCommand(problem, details=[{"where": "metric", "problem": problem}])
