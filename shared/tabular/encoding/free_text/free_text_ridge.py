"""Ridge regression on sparse texts with conjugate gradients, for all targets at once. Pure maths, only for learning.

scikit-learn's Ridge needs a pass per target and does not accept a product of two sparse matrices, which is an eighth of
the size of the multiplied matrix (texts by words, words by their spelling).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.encoding.scaled import Floats

PENALTIES: Final = (0.5, 2.0, 8.0)
"""Candidate penalties: the ratio of the variance of the noise to that of the weights, for any number of rows."""

_TOLERANCE: Final = 1e-3
_STEPS: Final = 100


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts as the product ``terms @ features``, which is never computed."""

    terms: Any
    """The weight of each term in each text, sparse, shape (n_texts, n_terms)."""
    features: Any
    """The features of each term, sparse, shape (n_terms, n_features)."""

    def within(self, rows: npt.NDArray[Any]) -> "Texts":
        """Some of the texts."""
        return Texts(self.terms[rows], self.features)

    def project(self, weights: Floats) -> Floats:
        """Project the texts to shape (n_texts, n_outputs) with weights of shape (n_features, n_outputs)."""
        projected: Floats = self.terms @ (self.features @ weights)
        return projected


def fit_ridge(texts: Texts, target: Floats, penalty: float) -> Floats:
    """Fit the weights of the features, shape (n_features, n_targets).

    Args:
        texts: The training texts.
        target: Shape (n_texts, n_targets), each with mean 0.
        penalty: The penalty on the squared weights.
    """
    terms, features = texts.terms, texts.features
    back, spread = terms.T.tocsr(), features.T.tocsr()
    residual: Floats = spread @ (back @ target)
    weights = np.zeros_like(residual)
    direction = residual.copy()
    squares = _squares(residual)
    enough = _TOLERANCE**2 * squares
    for _ in range(_STEPS):
        curved = spread @ (back @ (terms @ (features @ direction))) + penalty * direction
        step = _ratio(squares, np.einsum("ij,ij->j", direction, curved))
        weights += step * direction
        residual -= step * curved
        before, squares = squares, _squares(residual)
        if (squares <= enough).all():
            break
        direction = residual + _ratio(squares, before) * direction
    return weights


def choose_penalty(texts: Texts, target: Floats, split: tuple[Any, Any]) -> float:
    """The penalty of ``PENALTIES`` with the smallest squared error.

    Args:
        texts: All texts.
        target: Shape (n_texts, n_targets), each with mean 0.
        split: Positions of the texts to learn from and of those to measure on.
    """
    learnt, measured = split

    def error(penalty: float) -> float:
        weights = fit_ridge(texts.within(learnt), target[learnt], penalty)
        return float(((texts.within(measured).project(weights) - target[measured]) ** 2).mean())

    return min(PENALTIES, key=error)


def cross_fit(
    texts: Texts,
    target: Floats,
    splits: Sequence[tuple[Any, Any]],
) -> tuple[Floats, Floats]:
    """Score each text with a ridge regression that did not see it, and fit the weights on all texts.

    Args:
        texts: The texts.
        target: Shape (n_texts, n_targets), each with mean 0.
        splits: For each fold, positions of the texts to learn from and of those to score; each text is scored once.

    Returns:
        Scores, shape (n_texts, n_targets), and weights, shape (n_features, n_targets).
    """
    penalty = choose_penalty(texts, target, splits[0])
    scores = np.zeros_like(target)
    for learnt, scored in splits:
        weights = fit_ridge(texts.within(learnt), target[learnt], penalty)
        scores[scored] = texts.within(scored).project(weights)
    return scores, fit_ridge(texts, target, penalty)


def _squares(columns: Floats) -> Floats:
    squares: Floats = np.einsum("ij,ij->j", columns, columns)
    return squares


def _ratio(above: Floats, below: Floats) -> Floats:
    """The quotients; 0 where the denominator is 0, because this target is solved."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
