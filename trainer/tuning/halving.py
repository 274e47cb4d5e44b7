"""Successive halving (Jamieson and Talwalkar 2016): many candidates on few rows, the better ones on more, again and
again, until the rest has all rows.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.trainer.rows.splitting import RowIndices, Split

LEAST_ROWS: Final = 100
"""Rows in the first round by default, if there are as many."""


@dataclass(frozen=True)
class Round:
    """One round."""

    candidate_count: int
    row_count: int
    """Rows that each fit has."""


def rounds(candidate_count: int, row_count: int, factor: int, least_rows: int | None) -> list[Round]:
    """The rounds: each has one ``factor``-th of the candidates, and ``factor`` times the rows.

    Args:
        candidate_count: Candidates of the first round.
        row_count: All rows that a fit can have; the last round has them.
        factor: See above.
        least_rows: Rows of the first round, at least.
    """
    least = min(row_count, least_rows or LEAST_ROWS)
    count = 1
    while factor**count <= candidate_count and row_count // factor**count >= least:
        count += 1
    return [
        Round(-(-candidate_count // factor**number), row_count // factor ** (count - 1 - number))
        for number in range(count)
    ]


def with_fewer_rows(
    splits: list[Split], row_count: int, target: npt.NDArray[Any], *, is_classification: bool, seed: int
) -> list[Split]:
    """The same folds, fitted on some of their rows and measured on all.

    A smaller sample is a part of a larger one; each class keeps its fraction.

    Args:
        splits: The folds.
        row_count: Rows to fit on.
        target: Class codes or numbers of all rows, shape (n_rows,).
        is_classification: Whether they are codes.
        seed: Draws the rows.
    """
    return [
        Split(_sample(one.train, row_count, target, is_classification=is_classification, seed=seed), one.hold_out)
        for one in splits
    ]


def _sample(
    rows: RowIndices, row_count: int, target: npt.NDArray[Any], *, is_classification: bool, seed: int
) -> RowIndices:
    return rows[sample_indices(target[rows], row_count, is_classification=is_classification, seed=seed)]


def sample_indices(
    target: npt.NDArray[Any], row_count: int, *, is_classification: bool, seed: int
) -> npt.NDArray[np.int64]:
    """The indices of a sample among some rows, in their order; a smaller sample is a part of a larger one.

    Args:
        target: Class codes or numbers of the rows, shape (n_rows,).
        row_count: Rows of the sample.
        is_classification: Whether they are codes: then each class keeps its fraction.
        seed: Draws the rows.
    """
    if row_count >= len(target):
        return np.arange(len(target), dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(target)).astype(np.int64)
    if is_classification:
        order = order[np.argsort(_fractions_within(target[order]), kind="stable")]
    return np.sort(order[:row_count])


def _fractions_within(codes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """How far within its class each row is, from 0 to 1: sorted by it, any first part keeps the fractions."""
    fractions = np.empty(len(codes))
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        fractions[members] = (np.arange(len(members)) + 0.5) / len(members)
    return fractions
