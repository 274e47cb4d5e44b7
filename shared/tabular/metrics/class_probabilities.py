"""The parts of metrics of probabilities: the loss of each row, and the ranking of rows for each class."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.metrics.measured import NotDefined
from modelbus.shared.tabular.metrics.ranking import Cumulated, Ranking
from modelbus.shared.tabular.targets.labels import Codes

Floats = npt.NDArray[np.float64]

PAIRED_CLASS_LIMIT: Final = 50
"""Maximum number of classes for ``roc_auc_ovo``, which compares all pairs of classes."""
_SUM_TOLERANCE: Final = 0.01
"""Tolerance for the sum of a row's probabilities, which may have been rounded to a few digits."""


def probability_fault(probabilities: Floats | None, *, has_unknown: bool) -> str | None:
    """Why probabilities cannot be measured; None if they can."""
    if probabilities is None:
        return "there are no probabilities"
    if has_unknown:
        return "some true labels have no probability"
    if not np.isfinite(probabilities).all():
        return "a probability is missing or not finite"
    if probabilities.min() < 0 or probabilities.max() > 1:
        return "a probability is below 0 or above 1"
    if np.abs(probabilities.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        return "the probabilities of a row do not add up to 1"
    return None


def log_losses(true: Codes, probabilities: Floats) -> Floats:
    """The logarithmic loss of each row, shape (n_rows,); probabilities are clipped to at least 2 ** -52.

    Args:
        true: Codes of the true classes, shape (n_rows,).
        probabilities: Valid probabilities, shape (n_rows, n_classes).
    """
    tiny = np.finfo(probabilities.dtype).eps
    losses: Floats = -np.log(np.clip(probabilities[np.arange(len(true)), true], tiny, 1 - tiny))
    return losses


def squared_losses(true: Codes, probabilities: Floats) -> Floats:
    """The squared distance of each row's probabilities from the truth, from 0 to 2, shape (n_rows,).

    Args:
        true: Codes of the true classes, shape (n_rows,).
        probabilities: Valid probabilities, shape (n_rows, n_classes).
    """
    squares = np.square(probabilities)
    rows = np.arange(len(true))
    squares[rows, true] = np.square(1 - probabilities[rows, true])
    losses: Floats = squares.sum(axis=1)
    return losses


def likelier_classes(true: Codes, probabilities: Floats) -> Codes:
    """The number of classes likelier than the true one, shape (n_rows,); in ties, later classes, as in scikit-learn."""
    of_true = probabilities[np.arange(len(true)), true]
    found = np.zeros(len(true), np.int64)
    for code in range(probabilities.shape[1]):
        column = probabilities[:, code]
        found += (column > of_true) | ((column == of_true) & (code > true))
    return found


class ClassRankings:
    """Rankings of each class against the rest, and of pairs of classes, for more than two classes."""

    def __init__(self, true: Codes, probabilities: Floats, *, is_kept: bool) -> None:
        """Take the rows.

        Args:
            true: Codes of the true classes.
            probabilities: Shape (n_rows, n_classes).
            is_kept: Whether to keep the sorted rows for many sets of weights, which takes as much memory as the
                probabilities. Pairs of classes are then not supported, because each would have to be sorted again.
        """
        self._true, self._probabilities = true, probabilities
        self._kept = list(self._make()) if is_kept else None

    def cumulated(self, weights: Floats) -> Iterator[Cumulated]:
        """For each class, the cumulative weights of its rows and of all others by threshold."""
        return (one.cumulate(weights) for one in (self._kept if self._kept is not None else self._make()))

    def pairs(self, weights: Floats) -> tuple[list[float], list[float]]:
        """For each pair of classes with rows, the mean of both areas (Hand and Till, 2001) and the weight of the rows.

        Raises:
            NotDefined: There are too many classes or a single one, or the rows are resampled.
        """
        if self._probabilities.shape[1] > PAIRED_CLASS_LIMIT:
            raise NotDefined(f"it is computed for at most {PAIRED_CLASS_LIMIT} classes")
        if self._kept is not None:
            raise NotDefined("it is not computed for resampled rows")
        there = np.unique(self._true[weights > 0]).tolist()
        areas, row_weights = [], []
        for position, one in enumerate(there):
            for other in there[:position]:
                rows = np.flatnonzero((self._true == one) | (self._true == other))
                areas.append(self._area(rows, one, weights) / 2 + self._area(rows, other, weights) / 2)
                row_weights.append(float(weights[rows].sum()))
        if not areas:
            raise NotDefined("all true labels have the same class")
        return areas, row_weights

    def _make(self) -> Iterator[Ranking]:
        for code in range(self._probabilities.shape[1]):
            yield Ranking(self._true == code, self._probabilities[:, code])

    def _area(self, rows: Codes, code: int, weights: Floats) -> float:
        ranking = Ranking(self._true[rows] == code, self._probabilities[rows, code])
        return ranking.cumulate(weights[rows]).roc_auc()
