"""Permutation importance: how much worse a model gets when one column is shuffled. Pure: no bus, no store.

Breiman, "Random Forests", Machine Learning 45 (2001); for any model: Fisher, Rudin and Dominici, "All Models are
Wrong, but Many are Useful", JMLR 20 (2019). A column of the table is shuffled as a whole, whatever number of features
it is encoded to. The shuffling is that of scikit-learn's ``permutation_importance``: the same seed gives the same
values.

Cost: one prediction of all rows, plus ``repeats`` for each column.
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
    """The importance of a column."""

    column: str
    values: list[float]
    """By how much the metric got worse in each shuffle; negative if it got better."""

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return float(np.mean(self.values))

    @property
    def standard_deviation(self) -> float:
        """Population standard deviation of the values."""
        return float(np.std(self.values))


@dataclass(frozen=True)
class Importances:
    """The importance of all columns."""

    metric: Metric
    baseline: float
    """The metric without shuffling."""
    columns: list[Importance]
    """All columns, the most important first; ties are in the signature's order."""


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
        matrix: Encoded rows, shape (n_rows, n_encoded).
        truth: The true label or number of each row; None for the model's own predictions.
        metric_name: One of ``IMPORTANCE_METRICS`` for the model's task.
        repeats: The number of shuffles of each column.
        seed: Seed of the shuffling.
        report: Takes the fraction done and the current activity.

    Raises:
        InvalidCommand: The metric is not defined for these rows, or needs probabilities that the model does not have.
        EstimatorRejected: The estimator rejected the rows.
    """
    metric = METRICS[metric_name]
    measurement = _Measurement(model, metric, truth, matrix)
    baseline = measurement.measured(matrix)
    # One seed for all columns, as in scikit-learn: each column is shuffled in the same way.
    column_seed = np.random.RandomState(seed).randint(np.iinfo(np.int32).max + 1)
    owners = np.array(model.encoder.output_columns, dtype=object)
    names = [column.name for column in model.encoder.columns]
    found = []
    for position, name in enumerate(names):
        report(position / len(names), f"shuffling {name!r}")
        outputs = np.flatnonzero(owners == name)
        # A column that did not vary in training has no encoded feature: nothing depends on it.
        measured = (
            _shuffled(measurement, matrix, outputs, repeats, column_seed) if len(outputs) else [baseline] * repeats
        )
        worse = [baseline - value if metric.is_higher_better else value - baseline for value in measured]
        found.append(Importance(name, worse))
    return Importances(metric, baseline, sorted(found, key=lambda each: -each.mean))


def _shuffled(measurement: "_Measurement", matrix: Floats, outputs: Codes, repeats: int, seed: int) -> list[float]:
    random = np.random.RandomState(seed)
    shuffled, order = matrix.copy(), np.arange(len(matrix))
    values = []
    for _ in range(repeats):
        random.shuffle(order)
        shuffled[:, outputs] = shuffled[np.ix_(order, outputs)]
        values.append(measurement.measured(shuffled))
    return values


class _Measurement:
    """Measures a model repeatedly on variants of the same rows, against the same truth."""

    def __init__(self, model: FittedModel, metric: Metric, truth: Sequence[Label] | None, matrix: Floats) -> None:
        self._model = model
        self._metric = metric
        if metric.needs_probabilities and not model.has_probabilities:
            raise _not_defined(metric, f"{type(model.estimator).__name__} has no probabilities")
        classes = model.signature.classes
        if truth is None:
            truth = self._predict(matrix).labels
        known = set(classes or truth)
        self._labels = [*(classes or sorted(known)), *sorted({label for label in truth if label not in known}, key=str)]
        self._class_count = len(known)
        self._is_number = model.signature.task == "regression"
        self._truth: Any = np.asarray(truth, np.float64) if self._is_number else codes_of(truth, self._labels)
        if metric.needs_probabilities and len(self._labels) > len(known):
            raise _not_defined(metric, f"the model does not know the class {self._labels[-1]!r} of some rows")

    def measured(self, matrix: Floats) -> float:
        """The metric for encoded rows."""
        try:
            return self._metric.measure(self._rows(self._predict(matrix)))
        except NotDefined as error:
            raise _not_defined(self._metric, str(error)) from error

    def _rows(self, predictions: Predictions) -> NumberPairs | WeighedLabels:
        if self._is_number:
            return NumberPairs(self._truth, np.asarray(predictions.labels, np.float64))
        answers = codes_of(predictions.labels, self._labels)
        return PreparedLabels(
            Labelled(self._labels, self._class_count, self._truth, answers, predictions.probabilities)
        ).weighed()

    def _predict(self, matrix: Floats) -> Predictions:
        has_probabilities = self._metric.needs_probabilities
        return self._model.predict_encoded(matrix, has_probabilities=has_probabilities)


def _not_defined(metric: Metric, why: str) -> InvalidCommand:
    problem = f"{metric.name} cannot be measured on these rows: {why}"
    return InvalidCommand(problem, details=[{"where": "metric", "problem": problem}])
