"""Metrics of predicted labels from three sums for each label: true positives, true rows and predicted rows.

They do not need the confusion matrix, so a thousand labels cost no more than two. The arrays may have further axes,
such as one of thresholds; each metric is then computed along them at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.targets.labels import Codes

Floats = npt.NDArray[np.float64]

Fractions = tuple[Floats, Floats]
"""Numerators and denominators, by label."""

BETAS: Final = {"f1": 1.0, "f0point5": 0.5, "f2": 2.0}


@dataclass(frozen=True, eq=False)
class LabelSums:
    """Sums of weights by label, shape (n_labels, ...) each."""

    true_positives: Floats
    """Rows of the label that were predicted as such."""
    true: Floats
    """Rows of the label."""
    predicted: Floats
    """Rows that were predicted to have the label."""

    @classmethod
    def count(cls, true: Codes, predicted: Codes, weights: Floats, label_count: int) -> "LabelSums":
        """Add up the weights of rows.

        Args:
            true: Codes of the true labels, shape (n_rows,).
            predicted: Codes of the predicted labels.
            weights: The weight of each row, 0 or more.
            label_count: The number of labels.
        """
        return cls(
            _sums(true, weights * (true == predicted), label_count),
            _sums(true, weights, label_count),
            _sums(predicted, weights, label_count),
        )

    @cached_property
    def occurring(self) -> "LabelSums":
        """The sums of the labels that occur as true or predicted label."""
        return self._some(_is_any(self.true) | _is_any(self.predicted))

    @cached_property
    def occurring_recalls(self) -> Floats:
        """The recall of each label that occurs as true label."""
        return quotients(recalls(self._some(_is_any(self.true))))

    def label(self, code: int) -> "LabelSums":
        """The sums of one label, shape (...)."""
        return LabelSums(*(np.asarray(each[code]) for each in (self.true_positives, self.true, self.predicted)))

    def _some(self, is_kept: npt.NDArray[np.bool_]) -> "LabelSums":
        if is_kept.all():
            return self
        return LabelSums(self.true_positives[is_kept], self.true[is_kept], self.predicted[is_kept])


def quotients(fractions: Fractions) -> Floats:
    """The values of the fractions; NaN if the denominator is 0."""
    numerators, denominators = fractions
    values: Floats = np.divide(
        numerators, denominators, out=np.full(np.shape(numerators), np.nan), where=denominators > 0
    )
    return values


def precisions(sums: LabelSums) -> Fractions:
    """For each label, the fraction of its predicted rows that are right."""
    return sums.true_positives, sums.predicted


def recalls(sums: LabelSums) -> Fractions:
    """For each label, the fraction of its true rows that are right."""
    return sums.true_positives, sums.true


def f_scores(beta: float) -> Callable[[LabelSums], Fractions]:
    """The F score of each label, in which recall has ``beta`` times the weight of precision."""
    return lambda sums: ((1 + beta**2) * sums.true_positives, beta**2 * sums.true + sums.predicted)


def specificity(sums: LabelSums, code: int) -> Floats:
    """The fraction of the rows of other labels that were not predicted to have this one; NaN without such rows."""
    one = sums.label(code)
    negatives = sums.true.sum(axis=0) - one.true
    return quotients((negatives - (one.predicted - one.true_positives), negatives))


def accuracy(sums: LabelSums) -> Floats:
    """The fraction of rows that are right."""
    return quotients((sums.true_positives.sum(axis=0), sums.true.sum(axis=0)))


def balanced_accuracy(sums: LabelSums) -> Floats:
    """The mean recall of the labels that occur."""
    return np.asarray(sums.occurring_recalls.mean(axis=0))


def averaged(sums: LabelSums, fractions: Callable[[LabelSums], Fractions], average: str) -> Floats:
    """A metric of each label averaged over the labels that occur, as scikit-learn does with ``zero_division=0``.

    Args:
        sums: The sums.
        fractions: ``precisions``, ``recalls`` or an F score.
        average: One of ``AVERAGES``.
    """
    there = sums.occurring
    numerators, denominators = fractions(there)
    if average == "micro":
        return quotients((numerators.sum(axis=0), denominators.sum(axis=0)))
    values = np.divide(numerators, denominators, out=np.zeros_like(numerators), where=denominators > 0)
    if average == "macro":
        return np.asarray(values.mean(axis=0))
    return np.asarray((values * there.true).sum(axis=0) / there.true.sum(axis=0))


def matthews_correlation(sums: LabelSums) -> Floats:
    """Gorodkin's R_K (2004), Matthews's coefficient for two labels; 0 if all true or all predicted are equal."""
    true, predicted = sums.true, sums.predicted
    total = true.sum(axis=0)
    covariance = sums.true_positives.sum(axis=0) * total - (true * predicted).sum(axis=0)
    spread = (total**2 - (predicted * predicted).sum(axis=0)) * (total**2 - (true * true).sum(axis=0))
    roots = np.sqrt(np.maximum(spread, 0.0))
    # With weights, rounding may give a spread where there is none.
    has_spread = ((true > 0).sum(axis=0) > 1) & ((predicted > 0).sum(axis=0) > 1) & (roots > 0)
    correlation: Floats = np.divide(covariance, roots, out=np.zeros_like(roots), where=has_spread)
    return correlation


def cohen_kappa(sums: LabelSums) -> Floats:
    """Cohen's kappa; NaN if all true and predicted labels are the same."""
    total = sums.true.sum(axis=0)
    expected = (sums.true * sums.predicted).sum(axis=0) / total
    return 1 - quotients((total - sums.true_positives.sum(axis=0), total - expected))


def _sums(codes: Codes, weights: Floats, count: int) -> Floats:
    return np.bincount(codes, weights, count).astype(np.float64, copy=False)


def _is_any(sums: Floats) -> npt.NDArray[np.bool_]:
    """Whether a label has a row, for any of the further axes."""
    return np.asarray((sums > 0).reshape(len(sums), -1).any(axis=1))
