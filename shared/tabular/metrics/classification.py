"""Rows with true and predicted labels, and intermediate results that their metrics share, for any weights."""

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

OF_TWO_CLASSES: Final = "it is defined for binary classification only"


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows whose truth and prediction are labels."""

    labels: Sequence[Label]
    """The classes, in the order of the probabilities, then any other true and predicted labels."""
    class_count: int
    """The number of classes among the labels."""
    true: Codes
    """Positions in the labels, shape (n_rows,)."""
    predicted: Codes
    """Positions in the labels, shape (n_rows,)."""
    probabilities: Floats | None = None
    """Shape (n_rows, class_count)."""
    scores: Floats | None = None
    """For two classes without probabilities, decision scores of the positive class, shape (n_rows,)."""
    positive: int = 1
    """The code of the positive class, if there are two."""

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, one of which is the positive class."""
        return self.class_count == 2

    @property
    def has_unknown(self) -> bool:
        """Whether a true label is not a class."""
        return bool(len(self.true)) and int(self.true.max()) >= self.class_count

    @property
    def positive_scores(self) -> Floats | None:
        """The scores to rank rows by if there are two classes; None if there are no scores."""
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
    """Make rows from lists of labels; labels that are not classes follow these, sorted as text."""
    known = set(classes)
    every = [*classes, *sorted({label for label in truth if label not in known}, key=str)]
    return Labelled(every, len(classes), codes_of(truth, every), codes_of(predicted, every), probabilities, scores)


class PreparedLabels:
    """Labelled rows (at least one) with everything that does not depend on weights, computed once on demand."""

    def __init__(self, rows: Labelled, *, is_repeated: bool = False) -> None:
        """Take the rows.

        Args:
            rows: At least one row.
            is_repeated: Whether there will be many sets of weights, so that sorted rows are kept.
        """
        self.rows = rows
        self._is_repeated = is_repeated

    def weighed(self, weights: Floats | None = None) -> "WeighedLabels":
        """The rows with weights, for metrics.

        Args:
            weights: The weight of each row, 0 or more, shape (n_rows,); rows with weight 0 are ignored. 1 by default.
        """
        return WeighedLabels(self, np.ones(len(self.rows.true)) if weights is None else weights)

    @property
    def probabilities(self) -> Floats:
        """Probabilities, shape (n_rows, n_classes).

        Raises:
            NotDefined: There are none, or they are invalid.
        """
        if self._probability_fault is not None:
            raise NotDefined(self._probability_fault)
        assert self.rows.probabilities is not None  # otherwise there is a fault
        return self.rows.probabilities

    @cached_property
    def log_losses(self) -> Floats:
        """The logarithmic loss of each row."""
        return log_losses(self.rows.true, self.probabilities)

    @cached_property
    def squared_losses(self) -> Floats:
        """The squared loss of each row, as in the Brier score of more than two classes."""
        return squared_losses(self.rows.true, self.probabilities)

    @cached_property
    def likelier_classes(self) -> Codes:
        """The number of classes that are likelier than each row's own."""
        return likelier_classes(self.rows.true, self.probabilities)

    @cached_property
    def ranking(self) -> Ranking:
        """The rows of two classes, ranked by the score of the positive class.

        Raises:
            NotDefined: There are no scores, or they cannot rank the rows.
        """
        scores = self.rows.positive_scores
        if scores is None:
            raise NotDefined("there are neither probabilities nor decision scores")
        if self.rows.has_unknown:
            raise NotDefined("some true labels are neither of the two classes")
        if not np.isfinite(scores).all():
            raise NotDefined("a score is missing or not finite")
        return Ranking(self.rows.true == self.rows.positive, scores)

    @cached_property
    def class_rankings(self) -> ClassRankings:
        """The rows of more than two classes, ranked by the probability of each class."""
        probabilities = self.probabilities
        if self.rows.class_count < 2:
            raise NotDefined("there is a single class")
        return ClassRankings(self.rows.true, probabilities, is_kept=self._is_repeated)

    @cached_property
    def _probability_fault(self) -> str | None:
        return probability_fault(self.rows.probabilities, has_unknown=self.rows.has_unknown)


class WeighedLabels:
    """Labelled rows with weights, and the sums that metrics share, each computed on demand.

    A search computes only what its metric needs, and an evaluation computes shared parts once for all metrics.
    """

    def __init__(self, prepared: PreparedLabels, weights: Floats) -> None:
        """Combine rows and weights.

        Args:
            prepared: The rows.
            weights: The weight of each row, 0 or more, shape (n_rows,).
        """
        self.prepared, self.rows, self.weights = prepared, prepared.rows, weights

    @property
    def positive(self) -> int:
        """The code of the positive class.

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
        """The mean squared distance between probabilities and truth, from 0 to 2."""
        return self._mean(self.prepared.squared_losses)

    @cached_property
    def class_fractions(self) -> Floats:
        """The fraction of rows of each class that occurs.

        Raises:
            NotDefined: There is a single class.
        """
        counts = np.bincount(self.rows.true, self.weights, self.rows.class_count)
        fractions: Floats = counts[counts > 0] / float(self.weights.sum())
        if len(fractions) < 2:
            raise NotDefined("all true labels have the same class")
        return fractions

    @cached_property
    def cumulated(self) -> Cumulated:
        """Cumulative weights of the rows of two classes by threshold."""
        return self.prepared.ranking.cumulate(self.weights)

    @cached_property
    def class_ranks(self) -> "ClassRanks":
        """For more than two classes, the quality of the ranking of each class against the rest."""
        found = [
            (one.roc_auc(), one.average_precision(), one.positives)
            for one in self.prepared.class_rankings.cumulated(self.weights)
        ]
        return ClassRanks(*(np.array(column) for column in zip(*found, strict=True)))

    @cached_property
    def class_pairs(self) -> tuple[list[float], list[float]]:
        """For more than two classes, the area for each pair of classes and the weight of their rows."""
        return self.prepared.class_rankings.pairs(self.weights)

    def _mean(self, values: Floats) -> float:
        return float((values * self.weights).sum() / self.weights.sum())


@dataclass(frozen=True, eq=False)
class ClassRanks:
    """The quality of each class's ranking against the rest, shape (n_classes,); NaN if it has no rows, or all."""

    roc_aucs: Floats
    average_precisions: Floats
    positives: Floats
    """Weight of the class's rows."""


def ranking_of(rows: Labelled) -> Ranking | None:
    """The rows of two classes, ranked by the score of the positive class; None if they cannot be ranked."""
    try:
        return PreparedLabels(rows).ranking if len(rows.true) else None
    except NotDefined:
        return None
