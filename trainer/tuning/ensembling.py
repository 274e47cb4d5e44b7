"""An ensemble of candidates: greedy selection with replacement (Caruana et al. 2004), from their answers for rows
that they were not fitted on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.trainer.tuning.objectives import Objective

ROUNDS: Final = 15
"""Number of times that a member is added, the same one more than once if it helps: the weights are fifteenths."""

SAMPLE_ROWS: Final = 5_000
"""Maximum number of rows, of all folds together, on which members are selected, so that it takes seconds."""

GROUPS: Final = 5
"""Number of groups into which the rows of few folds are split, to select on some and to measure on others."""

EQUAL_LIMIT: Final = 4
"""Candidates among which ``evened`` shares out half of the weight."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Library:
    """The answers of candidates, fold by fold."""

    objective: Objective
    truth: Sequence[npt.NDArray[Any]]
    """By fold, class codes or numbers, shape (n_rows,)."""
    answers: Sequence[Sequence[Floats]]
    """By candidate and fold: probabilities, shape (n_rows, n_classes), or numbers, shape (n_rows,)."""

    def sample(self) -> "Library":
        """The same with some of the rows only, spread over each fold: enough to select on."""
        step = -(-sum(map(len, self.truth)) // SAMPLE_ROWS)
        steps = [max(1, step)] * len(self.truth)
        truth = [one[::step] for one, step in zip(self.truth, steps, strict=True)]
        answers = [[one[::step] for one, step in zip(candidate, steps, strict=True)] for candidate in self.answers]
        return Library(self.objective, truth, answers)

    def regrouped(self) -> "Library":
        """The same rows in ``GROUPS`` groups, each spread over all folds, in place of the folds."""
        groups = range(GROUPS)
        truth = [np.concatenate([one[group::GROUPS] for one in self.truth]) for group in groups]
        answers = [
            [np.concatenate([one[group::GROUPS] for one in candidate]) for group in groups]
            for candidate in self.answers
        ]
        return Library(self.objective, truth, answers)

    def score(self, weights: Sequence[int], fold: int) -> float | None:
        """The score of a weighted mean on one fold."""
        pairs = zip(weights, self.answers, strict=True)
        total = sum(weight * answers[fold] for weight, answers in pairs if weight) / sum(weights)
        return _scored(self.objective, self.truth[fold], np.asarray(total))


class SelectionOverran(Exception):
    """The time for the selection is over."""


def select(library: Library, folds: Sequence[int], is_over: Callable[[], bool] = lambda: False) -> list[int]:
    """Add, again and again, the candidate that makes the mean best on some folds; the last best of these is taken.

    Args:
        library: The candidates' answers.
        folds: The folds to select on.
        is_over: Whether there is no time left.

    Returns:
        How often each candidate was added.

    Raises:
        SelectionOverran: The time was over.
    """
    sample, objective = library.sample(), library.objective
    truth = np.concatenate([sample.truth[fold] for fold in folds])
    pooled = [np.concatenate([answers[fold] for fold in folds]) for answers in sample.answers]
    counts, total = [0] * len(pooled), np.zeros_like(pooled[0])
    best_counts, best_merit = counts, -np.inf
    for size in range(1, ROUNDS + 1):
        if is_over():
            raise SelectionOverran
        merits = [_merit(objective, truth, (total + answers) / size) for answers in pooled]
        index = int(np.argmax(merits))
        counts, total = _plus(counts, index), total + pooled[index]
        if merits[index] > best_merit:
            best_counts, best_merit = counts, merits[index]
    return best_counts


def evened(counts: Sequence[int]) -> list[int]:
    """Weights halfway between selected ones and equal ones for the first four candidates.

    Few rows cannot tell good weights from lucky ones, and equal weights are hard to beat there (ADR 0042).

    Args:
        counts: The selected weights, those of the best candidate first.
    """
    equal = min(EQUAL_LIMIT, len(counts))
    return [equal * count + sum(counts) * (index < equal) for index, count in enumerate(counts)]


def crossed_scores(
    library: Library,
    is_over: Callable[[], bool] = lambda: False,
    weigh: Callable[[Sequence[int]], Sequence[int]] = lambda counts: counts,
) -> list[float | None]:
    """By fold, the score of an ensemble that was selected on the other folds: selection gains nothing in it.

    Args:
        library: The candidates' answers.
        is_over: Whether there is no time left.
        weigh: Makes the weights of the selected counts.

    Raises:
        SelectionOverran: As ``select``.
    """
    every = range(len(library.truth))
    counts = [select(library, [one for one in every if one != fold], is_over) for fold in every]
    return [library.score(weigh(one), fold) for fold, one in enumerate(counts)]


def gain_and_error(
    ensemble: Sequence[float | None], single: Sequence[float | None], objective: Objective
) -> tuple[float, float] | None:
    """The mean gain of an ensemble over a single candidate, and its standard error; None where it is unknown."""
    if len(ensemble) < 2 or None in ensemble or None in single:
        return None
    gains = [
        objective.signed_score(ours) - objective.signed_score(theirs)
        for ours, theirs in zip(ensemble, single, strict=True)
        if ours is not None and theirs is not None
    ]
    error = float(np.std(gains, ddof=1)) / len(gains) ** 0.5
    return float(np.mean(gains)), error


def mean_difference(ensemble: Sequence[float | None], single: Sequence[float | None]) -> float:
    """The mean gain of an ensemble's scores over those of a single candidate, where both are defined."""
    pairs = zip(ensemble, single, strict=True)
    return float(np.mean([ours - theirs for ours, theirs in pairs if ours is not None and theirs is not None]))


def selection_s(library: Library, clock: Callable[[], float]) -> float:
    """Seconds that ``crossed_scores`` and one further selection are likely to take; measures one score to know."""
    sample, objective = library.sample(), library.objective
    truth, answers = np.concatenate(sample.truth), np.concatenate(sample.answers[0])
    started = clock()
    _merit(objective, truth, answers)
    return (clock() - started) * ROUNDS * len(library.answers) * (1 + len(library.truth))


def _plus(counts: Sequence[int], index: int) -> list[int]:
    return [count + (one == index) for one, count in enumerate(counts)]


def _merit(objective: Objective, truth: npt.NDArray[Any], mean: Floats) -> float:
    score = _scored(objective, truth, mean)
    return objective.signed_score(score) if score is not None else -np.inf


def _scored(objective: Objective, truth: npt.NDArray[Any], mean: Floats) -> float | None:
    if mean.ndim == 1:
        return objective.score(truth, mean, None)
    return objective.score(truth, np.argmax(mean, axis=1), mean)
