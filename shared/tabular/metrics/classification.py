"""Rows with true and predicted labels, and all that can be measured of them, for any weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts.metric_names import CLASSIFICATION_METRICS
from modelbus.shared.tabular.metrics.label_metrics import BETAS, LabelSums, measure_labels, measure_positive
from modelbus.shared.tabular.metrics.measured import Measured
from modelbus.shared.tabular.metrics.probability_metrics import (
    TOP_COUNTS,
    ClassRankings,
    ProbabilityLosses,
    probability_fault,
)
from modelbus.shared.tabular.metrics.ranking import Ranking
from modelbus.shared.tabular.targets.labels import Codes, Label, codes_of

Floats = npt.NDArray[np.float64]

_OF_LABELS: Final = ("precision", "recall", "specificity", *BETAS)
_OF_LOSSES: Final = (
    "log_loss",
    "brier_score",
    "d2_log_loss",
    "d2_brier_score",
    *(f"top_{count}_accuracy" for count in TOP_COUNTS),
)
_OF_TWO: Final = ("gini", "ks_statistic")
_OF_MANY: Final = ("roc_auc_ovr_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted")
_RANKED: Final = ("roc_auc", "average_precision")


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows whose truth and prediction are labels."""

    labels: Sequence[Label]
    """The classes, in the order of the probabilities, then true and predicted labels that are none of them."""
    class_count: int
    """How many of the labels are classes."""
    true: Codes
    """Positions in the labels, shape (n_rows,)."""
    predicted: Codes
    """Positions in the labels, shape (n_rows,)."""
    probabilities: Floats | None = None
    """Shape (n_rows, class_count)."""
    scores: Floats | None = None
    """Of two classes, where there are no probabilities: shape (n_rows,), the higher the likelier the positive one."""
    positive: int = 1
    """The positive one of two classes."""

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, so that one of them is the positive one."""
        return self.class_count == 2

    @property
    def has_unknown(self) -> bool:
        """Whether a true label is none of the classes."""
        return bool(len(self.true)) and int(self.true.max()) >= self.class_count

    @property
    def positive_scores(self) -> Floats | None:
        """What rows are ranked by where there are two classes; None without it."""
        if not self.is_binary:
            return None
        return self.scores if self.probabilities is None else self.probabilities[:, self.positive]

    def part(self, rows: npt.NDArray[np.int64]) -> "Labelled":
        """Some of the rows."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        scores = None if self.scores is None else self.scores[rows]
        return replace(
            self, true=self.true[rows], predicted=self.predicted[rows], probabilities=probabilities, scores=scores
        )


def labelled(
    truth: Sequence[Label],
    predicted: Sequence[Label],
    classes: Sequence[Label],
    probabilities: Floats | None = None,
    scores: Floats | None = None,
) -> Labelled:
    """Rows from lists of labels; labels that are no classes follow these in the order of their texts."""
    known = set(classes)
    every = [*classes, *sorted({label for label in truth if label not in known}, key=str)]
    return Labelled(every, len(classes), codes_of(truth, every), codes_of(predicted, every), probabilities, scores)


class ClassificationMeasure:
    """Measures labelled rows, once or for many sets of weights."""

    def __init__(self, rows: Labelled, *, is_repeated: bool = False) -> None:
        """Prepare what does not depend on weights.

        Args:
            rows: One at least.
            is_repeated: There will be many sets of weights: what was sorted is kept.
        """
        self._rows = rows
        self._is_repeated = is_repeated
        self._fault = probability_fault(rows.probabilities, has_unknown=rows.has_unknown)

    def measure(self, weights: Floats) -> Measured:
        """All of ``CLASSIFICATION_METRICS``.

        Args:
            weights: What each row counts, from 0 on, shape (n_rows,); a row that counts 0 is not there.
        """
        rows = self._rows
        sums = LabelSums.count(rows.true, rows.predicted, weights, len(rows.labels))
        found = measure_labels(sums)
        if rows.is_binary:
            found.update(measure_positive(sums, rows.positive))
        else:
            found.leave_out(_OF_LABELS, "it is of two classes, one of them the positive one")
        if self._fault is None:
            found.update(self._losses.measure(weights))
        else:
            found.leave_out(_OF_LOSSES, self._fault)
        found.update(self._ranked(weights))
        return found.ordered(CLASSIFICATION_METRICS)

    def _ranked(self, weights: Floats) -> Measured:
        if self._rows.is_binary:
            return self._ranked_two(weights)
        found = Measured()
        found.leave_out(_OF_TWO, "it is of two classes, one of them the positive one")
        if self._fault is not None or self._rows.class_count < 2:
            found.leave_out((*_RANKED, *_OF_MANY), self._fault or "there is one class only")
            return found
        found.update(self._rankings.measure(weights))
        return found

    def _ranked_two(self, weights: Floats) -> Measured:
        found = Measured()
        found.leave_out(_OF_MANY, "it is of more than two classes")
        fault = self._score_fault()
        if fault is not None:
            found.leave_out((*_RANKED, *_OF_TWO), fault)
            return found
        counts = self._ranking.cumulate(weights)
        area, reason = counts.roc_auc(), "all true labels are of one class"
        precision = counts.average_precision() if counts.has_both else np.nan
        found.add("roc_auc", area, reason)
        found.add("average_precision", precision, reason)
        found.add("gini", 2 * area - 1, reason)
        found.add("ks_statistic", counts.ks_statistic(), reason)
        return found

    def _score_fault(self) -> str | None:
        scores = self._rows.positive_scores
        if scores is None:
            return "there are neither probabilities nor decision scores"
        if self._rows.has_unknown:
            return "there are true labels that are neither of the two classes"
        return None if np.isfinite(scores).all() else "a score is missing or not finite"

    @cached_property
    def _losses(self) -> ProbabilityLosses:
        assert self._rows.probabilities is not None  # else there is a fault
        return ProbabilityLosses(self._rows.true, self._rows.probabilities)

    @cached_property
    def _ranking(self) -> Ranking:
        ranking = ranking_of(self._rows)
        assert ranking is not None  # else there is a fault
        return ranking

    @cached_property
    def _rankings(self) -> ClassRankings:
        assert self._rows.probabilities is not None  # else there is a fault
        return ClassRankings(self._rows.true, self._rows.probabilities, is_kept=self._is_repeated)


def ranking_of(rows: Labelled) -> Ranking | None:
    """Rows of two classes in the order of the positive one's score; None where they cannot be ranked."""
    scores = rows.positive_scores
    if scores is None or not len(scores) or rows.has_unknown or not np.isfinite(scores).all():
        return None
    return Ranking(rows.true == rows.positive, scores)
