"""What each column contributes to one answer: Shapley values over the table's own columns. Pure: no bus, no store.

A set of columns is worth the mean answer when these columns have the row's values and the others those of a background
row, over all background rows; a column's contribution is what it adds, over all orders in which columns may join
(Shapley 1953; Štrumbelj and Kononenko, "Explaining prediction models and individual predictions with feature
contributions", Knowledge and Information Systems 41, 2014).

- Exact: all sets of columns, ``2**n`` times the background rows.
- Sampled: for each background row some random orders, each walked there and back (antithetic: Mitchell, Cooper, Frank
  and Holmes, JMLR 23, 2022). A walk begins at the background row, ends at the row itself and gives each column what the
  answer changed by when it joined, so the changes of a walk add up to the difference of its ends. Each background row
  has as many walks as any other; hence contributions and base value, the mean answer for the background, add up to the
  answer, but for the rounding of sums.

A column without an encoded output did not vary in training: nothing depends on it, and it contributes 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.encoding.scaled import Floats

Masks = npt.NDArray[np.bool_]
"""Shape (n_rows, n_players): which columns have the explained row's value."""
Indices = npt.NDArray[np.int64]

EXACT_BY_ITSELF: Final = 8
EXACT_AT_MOST: Final = 12
"""Columns that vary: so many are tried in all sets where nothing is said, and where it is asked for."""

_CELLS_AT_ONCE: Final = 4_000_000
"""Encoded cells that are put together at once: 32 MB."""


@dataclass(frozen=True, eq=False)
class Contributions:
    """What the columns contribute to the answer for one row."""

    method: Literal["exact", "sampled"]
    base: Floats
    """The mean answer for the background, shape (n_outputs,)."""
    value: Floats
    """The answer for the row, shape (n_outputs,)."""
    contributions: Floats
    """Shape (n_columns, n_outputs); with the base they add up to the value."""
    standard_errors: Floats
    """Shape (n_columns, n_outputs): how far sampling is likely to have led from the exact contribution; 0 if exact."""


class RowExplainer:
    """Explains single rows against a background."""

    def __init__(self, ask: Callable[[Floats], Floats], background: Floats, owners: Indices, column_count: int) -> None:
        """Args:
        ask: The model: encoded rows, shape (n_rows, n_encoded), to answers, shape (n_rows, n_outputs).
        background: Encoded rows, shape (n_background, n_encoded).
        owners: The position of the column that each encoded output is of, shape (n_encoded,).
        column_count: How many columns there are.
        """
        self._ask = ask
        self._background = background
        self._players, self._player_of_output = np.unique(owners, return_inverse=True)
        self._column_count = column_count
        self._answers = ask(background)
        self.predicted_row_count = len(background)
        """Rows that the model was asked for so far."""

    @property
    def player_count(self) -> int:
        """Columns that the answer can depend on."""
        return len(self._players)

    def exact(self, row: Floats) -> Contributions:
        """Explain an encoded row, shape (n_encoded,), by all sets of columns."""
        count = self.player_count
        codes = np.arange(2**count)
        masks = (codes[:, None] >> np.arange(count)) % 2 == 1
        worth = self._worth(row, masks)
        sizes = masks.sum(axis=1)
        found = np.zeros((count, worth.shape[1]))
        for player in range(count):
            without = codes[~masks[:, player]]
            weights = np.array([1 / (count * comb(count - 1, size)) for size in sizes[without].tolist()])
            found[player] = weights @ (worth[without | (1 << player)] - worth[without])
        return self._of_columns("exact", worth[0], worth[-1], found, np.zeros_like(found))

    def sampled(self, row: Floats, permutations: int, random: np.random.Generator) -> Contributions:
        """Explain an encoded row by random orders.

        Args:
            row: Shape (n_encoded,).
            permutations: Orders for each background row, two at least, each walked there and back.
            random: Where they come from.
        """
        count, row_count = self.player_count, len(self._background)
        if not count:
            return self.exact(row)
        orders = np.argsort(random.random((permutations, row_count, count)), axis=2)
        value = self._asked(row[None, :])[0]
        there = self._walked(row, orders, value)
        back = self._walked(row, orders[:, :, ::-1], value)
        pairs = (there + back) / 2
        found = pairs.mean(axis=(0, 1))
        # The background is what is compared with, and no sample of something else: what is random are the orders.
        spread = pairs.var(axis=0, ddof=1).sum(axis=0) / permutations
        return self._of_columns("sampled", self._answers.mean(axis=0), value, found, np.sqrt(spread) / row_count)

    def _walked(self, row: Floats, orders: Indices, value: Floats) -> Floats:
        """What each column changed on its walks, shape (permutations, n_background, n_players, n_outputs)."""
        permutations, row_count, count = orders.shape
        ranks = np.argsort(orders, axis=2)
        walks = ranks.reshape(-1, count)

        def mixture(numbers: Indices) -> tuple[Masks, Indices]:
            walk, step = np.divmod(numbers, count - 1)
            # On a walk's step those columns have joined whose place in its order is not after the step's.
            return walks[walk] <= step[:, None], walk % row_count

        output_count = len(value)
        between = self._of_mixtures(row, permutations * row_count * (count - 1), mixture)
        between = between.reshape(permutations, row_count, count - 1, output_count)
        shape = (permutations, row_count, 1, output_count)
        starts = np.broadcast_to(self._answers[None, :, None, :], shape)
        changes = np.diff(np.concatenate([starts, between, np.broadcast_to(value, shape)], axis=2), axis=2)
        of_columns: Floats = np.take_along_axis(changes, ranks[:, :, :, None], axis=2)
        return of_columns

    def _worth(self, row: Floats, masks: Masks) -> Floats:
        """The mean answer over the background for each set of columns, shape (n_masks, n_outputs)."""
        count = len(self._background)

        def mixture(numbers: Indices) -> tuple[Masks, Indices]:
            mask, background = np.divmod(numbers, count)
            return masks[mask], background

        answers = self._of_mixtures(row, len(masks) * count, mixture)
        means: Floats = answers.reshape(len(masks), count, -1).mean(axis=1)
        return means

    def _of_mixtures(self, row: Floats, total: int, mixture: Callable[[Indices], tuple[Masks, Indices]]) -> Floats:
        """The answers for background rows that have some columns of the explained one, shape (total, n_outputs).

        Args:
            row: The explained row.
            total: How many rows to ask for.
            mixture: Says of each, by its number, which columns are the explained row's, and which background row's
                the others are.
        """
        step = max(1, _CELLS_AT_ONCE // max(len(row), 1))
        parts = [np.empty((0, self._answers.shape[1]))]
        for start in range(0, total, step):
            masks, rows = mixture(np.arange(start, min(start + step, total)))
            is_own = masks[:, self._player_of_output]
            parts.append(self._asked(np.where(is_own, row, self._background[rows])))
        answers: Floats = np.vstack(parts)
        return answers

    def _asked(self, matrix: Floats) -> Floats:
        self.predicted_row_count += len(matrix)
        return self._ask(matrix)

    def _of_columns(
        self, method: Literal["exact", "sampled"], base: Floats, value: Floats, found: Floats, errors: Floats
    ) -> Contributions:
        contributions, spread = (np.zeros((self._column_count, len(base))) for _ in range(2))
        contributions[self._players], spread[self._players] = found, errors
        return Contributions(method, base, value, contributions, spread)
