"""Metrics of probabilities: how much was given to the true class, and how well rows are ranked by them."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.metrics.measured import Measured, ratio
from modelbus.shared.tabular.metrics.ranking import Ranking
from modelbus.shared.tabular.targets.labels import Codes

Floats = npt.NDArray[np.float64]

TOP_COUNTS: Final = (2, 3, 5)
PAIRED_CLASS_LIMIT: Final = 50
"""``roc_auc_ovo`` compares each class with each other: of more classes than these it is left out."""
_SUM_TOLERANCE: Final = 0.01
"""How far from 1 the probabilities of a row may sum up: they may have been rounded to a few digits."""


def probability_fault(probabilities: Floats | None, *, has_unknown: bool) -> str | None:
    """Why probabilities cannot be measured; None if they can."""
    if probabilities is None:
        return "there are no probabilities"
    if has_unknown:
        return "there are true labels that have no probability"
    if not np.isfinite(probabilities).all():
        return "a probability is missing or not finite"
    if probabilities.min() < 0 or probabilities.max() > 1:
        return "a probability is less than 0 or more than 1"
    if np.abs(probabilities.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        return "the probabilities of a row do not sum up to 1"
    return None


class ProbabilityLosses:
    """What each row loses, worked out once for any weights."""

    def __init__(self, true: Codes, probabilities: Floats) -> None:
        """Work out the losses.

        Args:
            true: Codes of the true classes, shape (n_rows,).
            probabilities: Without a fault, shape (n_rows, n_classes).
        """
        self._true, self._class_count = true, probabilities.shape[1]
        of_true = probabilities[np.arange(len(true)), true]
        tiny = np.finfo(probabilities.dtype).eps
        self._log_losses = -np.log(np.clip(of_true, tiny, 1 - tiny))
        self._squares = np.square(probabilities).sum(axis=1) - 2 * of_true + 1
        self._places = places(true, probabilities)

    def measure(self, weights: Floats) -> Measured:
        """The losses' weighted means, and how they compare with always giving the classes' shares."""
        found = Measured()
        total = float(weights.sum())
        log_loss, squares = (float(each @ weights) / total for each in (self._log_losses, self._squares))
        shares = np.bincount(self._true, weights, self._class_count) / total
        found.add("log_loss", log_loss)
        found.add("brier_score", squares / 2 if self._class_count < 3 else squares)
        there = shares[shares > 0]
        if len(there) > 1:
            found.add("d2_log_loss", 1 - ratio(log_loss, -float(there @ np.log(there))))
            found.add("d2_brier_score", 1 - ratio(squares, 1 - float(there @ there)))
        else:
            found.leave_out(("d2_log_loss", "d2_brier_score"), "all true labels are of one class")
        for count in TOP_COUNTS:
            reason = f"there are no more than {count} classes"
            value = self.hit_ratio(weights, count) if count < self._class_count else np.nan
            found.add(f"top_{count}_accuracy", value, reason)
        return found

    def hit_ratio(self, weights: Floats, count: int) -> float:
        """The share of the rows whose class is among the ``count`` likeliest."""
        return float(weights[self._places < count].sum() / weights.sum())


def places(true: Codes, probabilities: Floats) -> Codes:
    """How many classes are likelier than the true one, shape (n_rows,); of equal ones the later, as scikit-learn's."""
    of_true = probabilities[np.arange(len(true)), true]
    found = np.zeros(len(true), np.int64)
    for code in range(probabilities.shape[1]):
        column = probabilities[:, code]
        found += (column > of_true) | ((column == of_true) & (code > true))
    return found


class ClassRankings:
    """Each class against the rest, and each against each other, for more than two classes."""

    def __init__(self, true: Codes, probabilities: Floats, *, is_kept: bool) -> None:
        """Take the rows.

        Args:
            true: Codes of the true classes.
            probabilities: Shape (n_rows, n_classes).
            is_kept: Keep what was sorted, for many sets of weights; it takes as much memory as the probabilities. Pairs
                of classes are then left out: each would have to be sorted anew.
        """
        self._true, self._probabilities = true, probabilities
        self._kept = list(self._make()) if is_kept else None

    def measure(self, weights: Floats) -> Measured:
        """The areas' averages."""
        found = Measured()
        areas, precisions, shares = [], [], []
        for ranking in self._kept if self._kept is not None else self._make():
            counts = ranking.cumulate(weights)
            areas.append(counts.roc_auc())
            precisions.append(counts.average_precision())
            shares.append(counts.positives)
        reason = "a class has no true row, or all of them"
        found.add("roc_auc", float(np.mean(areas)), reason)
        found.add("roc_auc_ovr_weighted", ratio(float(np.dot(areas, shares)), sum(shares)), reason)
        found.add("average_precision", float(np.mean(precisions)), reason)
        self._add_pairs(found, weights)
        return found

    def _make(self) -> Iterator[Ranking]:
        for code in range(self._probabilities.shape[1]):
            yield Ranking(self._true == code, self._probabilities[:, code])

    def _add_pairs(self, found: Measured, weights: Floats) -> None:
        names = ("roc_auc_ovo", "roc_auc_ovo_weighted")
        if self._probabilities.shape[1] > PAIRED_CLASS_LIMIT:
            found.leave_out(names, f"there are more than {PAIRED_CLASS_LIMIT} classes to compare with each other")
            return
        if self._kept is not None:
            found.leave_out(names, "it is not measured again and again")
            return
        pairs = list(self._pairs(weights))
        if not pairs:
            found.leave_out(names, "all true labels are of one class")
            return
        areas, shares = zip(*pairs, strict=True)
        found.add(names[0], float(np.mean(areas)))
        found.add(names[1], ratio(float(np.dot(areas, shares)), sum(shares)))

    def _pairs(self, weights: Floats) -> Iterator[tuple[float, float]]:
        """For each two classes with rows: the mean of both areas (Hand and Till, 2001), and the weight of the rows."""
        there = np.unique(self._true[weights > 0]).tolist()
        for place, one in enumerate(there):
            for other in there[:place]:
                rows = np.flatnonzero((self._true == one) | (self._true == other))
                yield self._area(rows, one, weights) / 2 + self._area(rows, other, weights) / 2, weights[rows].sum()

    def _area(self, rows: Codes, code: int, weights: Floats) -> float:
        ranking = Ranking(self._true[rows] == code, self._probabilities[rows, code])
        return ranking.cumulate(weights[rows]).roc_auc()
