"""Rows with true and predicted labels, and what metrics of them share, for any weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.metrics.class_probabilities import (
    ClassRankings,
    likelier_classes,
    log_losses,
    probability_fault,
    squared_losses,
)
from modelbus.shared.tabular.metrics.label_sums import LabelSums
from modelbus.shared.tabular.metrics.measured import NotDefined
from modelbus.shared.tabular.metrics.ranking import Cumulated, Ranking
from modelbus.shared.tabular.targets.labels import Codes, Label, codes_of

Floats = npt.NDArray[np.float64]

OF_TWO_CLASSES: Final = "it is of two classes, one of them the positive one"


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


class PreparedLabels:
    """Labelled rows, one at least, with what does not depend on weights: worked out once, when a metric asks for it."""

    def __init__(self, rows: Labelled, *, is_repeated: bool = False) -> None:
        """Take the rows.

        Args:
            rows: One at least.
            is_repeated: There will be many sets of weights: what was sorted is kept.
        """
        self.rows = rows
        self._is_repeated = is_repeated

    def weighed(self, weights: Floats | None = None) -> "WeighedLabels":
        """The rows for metrics to measure.

        Args:
            weights: What each row counts, from 0 on, shape (n_rows,); a row that counts 0 is not there. By default 1.
        """
        return WeighedLabels(self, np.ones(len(self.rows.true)) if weights is None else weights)

    @property
    def probabilities(self) -> Floats:
        """Shape (n_rows, n_classes).

        Raises:
            NotDefined: There are none, or they are faulty.
        """
        if self._probability_fault is not None:
            raise NotDefined(self._probability_fault)
        assert self.rows.probabilities is not None  # else there is a fault
        return self.rows.probabilities

    @cached_property
    def log_losses(self) -> Floats:
        """What each row loses in the logarithmic loss."""
        return log_losses(self.rows.true, self.probabilities)

    @cached_property
    def squared_losses(self) -> Floats:
        """What each row loses in the Brier score of more than two classes."""
        return squared_losses(self.rows.true, self.probabilities)

    @cached_property
    def likelier_classes(self) -> Codes:
        """How many classes are likelier than each row's own."""
        return likelier_classes(self.rows.true, self.probabilities)

    @cached_property
    def ranking(self) -> Ranking:
        """Rows of two classes in the order of the positive one's score.

        Raises:
            NotDefined: They have none, or cannot be ranked by it.
        """
        scores = self.rows.positive_scores
        if scores is None:
            raise NotDefined("there are neither probabilities nor decision scores")
        if self.rows.has_unknown:
            raise NotDefined("there are true labels that are neither of the two classes")
        if not np.isfinite(scores).all():
            raise NotDefined("a score is missing or not finite")
        return Ranking(self.rows.true == self.rows.positive, scores)

    @cached_property
    def class_rankings(self) -> ClassRankings:
        """Rows of more than two classes in the order of each one's probability."""
        probabilities = self.probabilities
        if self.rows.class_count < 2:
            raise NotDefined("there is one class only")
        return ClassRankings(self.rows.true, probabilities, is_kept=self._is_repeated)

    @cached_property
    def _probability_fault(self) -> str | None:
        return probability_fault(self.rows.probabilities, has_unknown=self.rows.has_unknown)


class WeighedLabels:
    """Labelled rows under one set of weights, with the sums that metrics share: each worked out when first asked for.

    So a search pays for one metric what that one needs, and an evaluation pays for all of them hardly more than once.
    """

    def __init__(self, prepared: PreparedLabels, weights: Floats) -> None:
        """Join rows and weights.

        Args:
            prepared: The rows.
            weights: What each counts, from 0 on, shape (n_rows,).
        """
        self.prepared, self.rows, self.weights = prepared, prepared.rows, weights

    @property
    def positive(self) -> int:
        """The code of the positive one of two classes.

        Raises:
            NotDefined: There are not two classes.
        """
        if not self.rows.is_binary:
            raise NotDefined(OF_TWO_CLASSES)
        return self.rows.positive

    @cached_property
    def sums(self) -> LabelSums:
        """True positives, true rows and predicted rows by label."""
        return LabelSums.count(self.rows.true, self.rows.predicted, self.weights, len(self.rows.labels))

    @cached_property
    def log_loss(self) -> float:
        """The mean logarithmic loss."""
        return self._mean(self.prepared.log_losses)

    @cached_property
    def squared_loss(self) -> float:
        """The mean squared distance of probabilities and truth, from 0 to 2."""
        return self._mean(self.prepared.squared_losses)

    @cached_property
    def class_fractions(self) -> Floats:
        """The fractions of the rows that are of each class with a row.

        Raises:
            NotDefined: All are of one class.
        """
        counts = np.bincount(self.rows.true, self.weights, self.rows.class_count)
        fractions: Floats = counts[counts > 0] / float(self.weights.sum())
        if len(fractions) < 2:
            raise NotDefined("all true labels are of one class")
        return fractions

    @cached_property
    def cumulated(self) -> Cumulated:
        """Weights of rows of two classes down to each threshold."""
        return self.prepared.ranking.cumulate(self.weights)

    @cached_property
    def class_ranks(self) -> "ClassRanks":
        """Of more than two classes, how well each is ranked against the rest."""
        found = [
            (one.roc_auc(), one.average_precision(), one.positives)
            for one in self.prepared.class_rankings.cumulated(self.weights)
        ]
        return ClassRanks(*(np.array(column) for column in zip(*found, strict=True)))

    @cached_property
    def class_pairs(self) -> tuple[list[float], list[float]]:
        """Of more than two classes, the area of each two of them, and the weight of their rows."""
        return self.prepared.class_rankings.pairs(self.weights)

    def _mean(self, values: Floats) -> float:
        return float((values * self.weights).sum() / self.weights.sum())


@dataclass(frozen=True, eq=False)
class ClassRanks:
    """How well each class is ranked against the rest; shape (n_classes,) each, NaN where it has no row, or all."""

    roc_aucs: Floats
    average_precisions: Floats
    positives: Floats
    """Weight of the class's rows."""


def ranking_of(rows: Labelled) -> Ranking | None:
    """Rows of two classes in the order of the positive one's score; None where they cannot be ranked."""
    try:
        return PreparedLabels(rows).ranking if len(rows.true) else None
    except NotDefined:
        return None
