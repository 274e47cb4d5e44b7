"""Rows ranked by a score, the highest first: the basis of ROC, precision-recall, thresholds and gains.

Rows are sorted once; each set of weights then costs two cumulative sums.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cumulated:
    """The weights of the rows whose score is at least a threshold, for each threshold, the highest first."""

    thresholds: Floats
    """The distinct scores, descending, shape (n_thresholds,)."""
    true_positives: Floats
    false_positives: Floats

    @property
    def positives(self) -> float:
        """Weight of all positive rows."""
        return float(self.true_positives[-1])

    @property
    def negatives(self) -> float:
        """Weight of all negative rows."""
        return float(self.false_positives[-1])

    @property
    def has_both(self) -> bool:
        """Whether there are positive and negative rows."""
        return self.positives > 0 and self.negatives > 0

    @cached_property
    def curve(self) -> tuple[Floats, Floats]:
        """False and true positive rates from (0, 0) to (1, 1), shape (n_thresholds + 1,) each."""
        return (
            np.append(0.0, self.false_positives / self.negatives),
            np.append(0.0, self.true_positives / self.positives),
        )

    def roc_auc(self) -> float:
        """Area under the ROC curve; NaN without positive or without negative rows."""
        if not self.has_both:
            return np.nan
        true, false = self.true_positives, self.false_positives
        # Points on straight lines change only the last bits, which must equal scikit-learn's.
        is_corner = np.ones(len(true), np.bool_)
        is_corner[1:-1] = (np.diff(true, 2) != 0) | (np.diff(false, 2) != 0)
        false_rates = np.append(0.0, false[is_corner] / self.negatives)
        true_rates = np.append(0.0, true[is_corner] / self.positives)
        return float(np.trapezoid(true_rates, false_rates))

    def average_precision(self) -> float:
        """Mean precision, weighted by the added recall; NaN without positive or without negative rows."""
        if not self.has_both:
            return np.nan
        gained = np.diff(self.true_positives / self.positives, prepend=0.0)
        total = self.true_positives + self.false_positives
        precision = np.divide(self.true_positives, total, out=np.zeros_like(total), where=total > 0)
        # Summed from the lowest threshold, like scikit-learn: the last bits depend on the order.
        return float(np.ascontiguousarray((gained * precision)[::-1]).sum())

    def ks_statistic(self) -> float:
        """Kolmogorov-Smirnov statistic, the maximum distance of both rates; NaN without positive or negative rows."""
        return float(np.abs(self.curve[1] - self.curve[0]).max()) if self.has_both else np.nan


class Ranking:
    """Rows ranked by their scores."""

    def __init__(self, is_positive: Flags, scores: Floats) -> None:
        """Sort once.

        Args:
            is_positive: Shape (n_rows,).
            scores: Higher for positive rows; finite, at least one row.
        """
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        self._order = order
        self._is_positive = is_positive[order]
        # Rows with equal scores share a threshold.
        self._last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self._thresholds = ranked[self._last]

    def cumulate(self, weights: Floats) -> Cumulated:
        """Accumulate weights, shape (n_rows,), from the highest score."""
        ranked = weights[self._order]
        positive = np.cumsum(np.where(self._is_positive, ranked, 0.0))
        negative = np.cumsum(np.where(self._is_positive, 0.0, ranked))
        return Cumulated(self._thresholds, positive[self._last], negative[self._last])
