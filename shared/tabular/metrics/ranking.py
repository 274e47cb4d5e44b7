"""Rows in the order of a score, the highest first: what ROC, precision-recall, thresholds and gains are counted from.

Sorted once; every set of weights then costs two cumulative sums.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cumulated:
    """Weights of the rows whose score is a threshold or more, by threshold; the highest threshold first."""

    thresholds: Floats
    """The scores that occur, each once, descending, shape (n_thresholds,)."""
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
        """Whether there is a positive row and a negative one."""
        return self.positives > 0 and self.negatives > 0

    @cached_property
    def curve(self) -> tuple[Floats, Floats]:
        """False and true positive rates from (0, 0) to (1, 1), shape (n_thresholds + 1,) each."""
        return (
            np.append(0.0, self.false_positives / self.negatives),
            np.append(0.0, self.true_positives / self.positives),
        )

    def roc_auc(self) -> float:
        """Area under the ROC curve; NaN without a positive and a negative row."""
        if not self.has_both:
            return np.nan
        true, false = self.true_positives, self.false_positives
        # Thresholds on a straight line change nothing but the last bits, which are to be scikit-learn's.
        is_corner = np.ones(len(true), np.bool_)
        is_corner[1:-1] = (np.diff(true, 2) != 0) | (np.diff(false, 2) != 0)
        false_rates = np.append(0.0, false[is_corner] / self.negatives)
        true_rates = np.append(0.0, true[is_corner] / self.positives)
        return float(np.trapezoid(true_rates, false_rates))

    def average_precision(self) -> float:
        """Mean of the precisions, each weighted by the recall it adds; NaN without a positive and a negative row."""
        if not self.has_both:
            return np.nan
        gained = np.diff(self.true_positives / self.positives, prepend=0.0)
        total = self.true_positives + self.false_positives
        precision = np.divide(self.true_positives, total, out=np.zeros_like(total), where=total > 0)
        # Summed from the lowest threshold on, as scikit-learn does: the last bits depend on the order.
        return float(np.ascontiguousarray((gained * precision)[::-1]).sum())

    def ks_statistic(self) -> float:
        """Kolmogorov and Smirnov's: the largest distance of both rates; NaN without a positive and a negative row."""
        return float(np.abs(self.curve[1] - self.curve[0]).max()) if self.has_both else np.nan


class Ranking:
    """Rows in the order of their scores."""

    def __init__(self, is_positive: Flags, scores: Floats) -> None:
        """Sort once.

        Args:
            is_positive: Shape (n_rows,).
            scores: The higher the likelier positive; finite, one row at least.
        """
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        self._order = order
        self._is_positive = is_positive[order]
        # Rows of one score stand or fall together.
        self._last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self._thresholds = ranked[self._last]

    def cumulate(self, weights: Floats) -> Cumulated:
        """Sum up weights, shape (n_rows,), from the highest score on."""
        ranked = weights[self._order]
        positive = np.cumsum(np.where(self._is_positive, ranked, 0.0))
        negative = np.cumsum(np.where(self._is_positive, 0.0, ranked))
        return Cumulated(self._thresholds, positive[self._last], negative[self._last])
