"""Metrics of predicted labels, all from three sums for each label: hits, true rows and predicted rows.

The whole confusion matrix is not needed, so a thousand labels cost no more than two.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts.metric_names import AVERAGES
from modelbus.shared.tabular.metrics.measured import Measured, Metrics, ratio
from modelbus.shared.tabular.targets.labels import Codes

Floats = npt.NDArray[np.float64]

BETAS = {"f1": 1.0, "f0point5": 0.5, "f2": 2.0}
_NEVER_PREDICTED = "the class was never predicted"
_NEVER_TRUE = "no row is of the class"


@dataclass(frozen=True, eq=False)
class LabelSums:
    """Sums of weights by label, shape (n_labels,) each."""

    hits: Floats
    """Rows of the label that were predicted so."""
    true: Floats
    """Rows of the label."""
    predicted: Floats
    """Rows that were predicted to be of the label."""

    @classmethod
    def count(cls, true: Codes, predicted: Codes, weights: Floats, label_count: int) -> "LabelSums":
        """Sum up rows.

        Args:
            true: Codes of the true labels, shape (n_rows,).
            predicted: Codes of the predicted ones.
            weights: What each row counts, from 0 on.
            label_count: How many labels there are codes for.
        """
        return cls(
            _sums(true, weights * (true == predicted), label_count),
            _sums(true, weights, label_count),
            _sums(predicted, weights, label_count),
        )


def _sums(codes: Codes, weights: Floats, count: int) -> Floats:
    return np.bincount(codes, weights, count).astype(np.float64, copy=False)


def measure_labels(sums: LabelSums) -> Measured:
    """Metrics over all labels that a row has or is predicted to have, as scikit-learn's with ``zero_division=0``."""
    found = Measured()
    is_there = (sums.true > 0) | (sums.predicted > 0)
    hits, true, predicted = sums.hits[is_there], sums.true[is_there], sums.predicted[is_there]
    recalls = hits[true > 0] / true[true > 0]
    found.add("accuracy", ratio(hits.sum(), true.sum()))
    found.add("balanced_accuracy", float(recalls.mean()))
    found.add("mean_per_class_error", 1 - float(recalls.mean()))
    _add_averages(found, "precision", hits, predicted, true)
    _add_averages(found, "recall", hits, true, true)
    for name, beta in BETAS.items():
        _add_averages(found, name, (1 + beta**2) * hits, beta**2 * true + predicted, true)
    found.add("matthews_correlation", matthews_correlation(hits, true, predicted))
    found.add("cohen_kappa", _cohen_kappa(hits, true, predicted), "there is one label only, true and predicted")
    return found


def measure_positive(sums: LabelSums, positive: int) -> Measured:
    """Metrics of one label of two: the positive one."""
    found = Measured()
    of_class, undefined = class_metrics(sums, positive)
    for name in ("precision", "recall", *BETAS):
        value = of_class[name]
        found.add(name, np.nan if value is None else value, undefined.get(name, ""))
    negatives = sums.true.sum() - sums.true[positive]
    false_positives = sums.predicted[positive] - sums.hits[positive]
    found.add("specificity", ratio(negatives - false_positives, negatives), "every row is of the positive class")
    return found


def class_metrics(sums: LabelSums, label: int) -> tuple[Metrics, dict[str, str]]:
    """Precision, recall, F scores and error of one label, and why those are not defined that are None."""
    found = Measured()
    hits, true, predicted = (float(each[label]) for each in (sums.hits, sums.true, sums.predicted))
    found.add("precision", ratio(hits, predicted), _NEVER_PREDICTED)
    found.add("recall", ratio(hits, true), _NEVER_TRUE)
    for name, beta in BETAS.items():
        value = ratio((1 + beta**2) * hits, beta**2 * true + predicted)
        found.add(name, value, f"{_NEVER_TRUE}, and {_NEVER_PREDICTED}")
    found.add("error", 1 - ratio(hits, true), _NEVER_TRUE)
    return found.values, found.undefined


def matthews_correlation(hits: Floats, true: Floats, predicted: Floats) -> float:
    """Gorodkin's R_K (2004), which for two labels is Matthews's; 0 where all rows are, or are predicted, alike."""
    total = true.sum()
    spread = (total**2 - predicted @ predicted) * (total**2 - true @ true)
    return float((hits.sum() * total - true @ predicted) / np.sqrt(spread)) if spread > 0 else 0.0


def _cohen_kappa(hits: Floats, true: Floats, predicted: Floats) -> float:
    total = float(true.sum())
    expected = float(true @ predicted) / total
    return 1 - ratio(total - float(hits.sum()), total - expected)


def _add_averages(found: Measured, name: str, numerators: Floats, denominators: Floats, true: Floats) -> None:
    values = np.divide(numerators, denominators, out=np.zeros_like(numerators), where=denominators > 0)
    averages = (
        float(values.mean()),
        ratio(float(numerators.sum()), float(denominators.sum())),
        ratio(float(values @ true), float(true.sum())),
    )
    for average, value in zip(AVERAGES, averages, strict=True):
        found.add(f"{name}_{average}", value)
