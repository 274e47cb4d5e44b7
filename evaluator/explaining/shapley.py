"""Shapley values: what each column of the table contributes to one prediction. Pure: no bus, no store.

The worth of a set of columns is the mean prediction, over all background rows, if these columns have the explained
row's values and the others those of a background row. A column's contribution is the worth that it adds, averaged over
all orders in which columns can be added (Shapley 1953; Štrumbelj and Kononenko, "Explaining prediction models and
individual predictions with feature contributions", Knowledge and Information Systems 41, 2014).

- Exact: all sets of columns, ``2**n`` predictions per background row.
- Sampled: some random orders for each background row, each forwards and backwards (antithetic: Mitchell, Cooper, Frank
  and Holmes, JMLR 23, 2022). A walk starts at the background row, ends at the explained row, and assigns to each column
  the change of the prediction when it is added, so the changes of a walk add up to the difference of its ends. Every
  background row has the same number of walks; hence the contributions and the base value, the mean prediction for the
  background, add up to the prediction, except for rounding.

A column without an encoded feature did not vary in training: nothing depends on it, and it contributes 0.
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

EXACT_BY_DEFAULT: Final = 8
EXACT_MAXIMUM: Final = 12
"""Maximum number of varying columns for the exact method: by default, and on request."""

_CELLS_AT_ONCE: Final = 4_000_000
"""Encoded cells that are predicted at once: 32 MB."""


@dataclass(frozen=True, eq=False)
class Contributions:
    """The contributions of the columns to the prediction for one row."""

    method: Literal["exact", "sampled"]
    base: Floats
    """The mean prediction for the background, shape (n_outputs,)."""
    value: Floats
    """The prediction for the row, shape (n_outputs,)."""
    contributions: Floats
    """Shape (n_columns, n_outputs); with the base they add up to the value."""
    standard_errors: Floats
    """Standard error of the contributions due to sampling, shape (n_columns, n_outputs); 0 if exact."""


class RowExplainer:
    """Explains single rows against a background."""

    def __init__(
        self, predict: Callable[[Floats], Floats], background: Floats, owners: Indices, column_count: int
    ) -> None:
        """Args:
        predict: The model: from encoded rows, shape (n_rows, n_encoded), to predictions, shape (n_rows, n_outputs).
        background: Encoded rows, shape (n_background, n_encoded).
        owners: The position of each encoded feature's column, shape (n_encoded,).
        column_count: The number of columns.
        """
        self._predict = predict
        self._background = background
        self._players, self._player_of_output = np.unique(owners, return_inverse=True)
        self._column_count = column_count
        self._answers = predict(background)
        self.predicted_row_count = len(background)
        """Rows that were predicted so far."""

    @property
    def player_count(self) -> int:
        """The number of columns that the prediction can depend on."""
        return len(self._players)

    def exact(self, row: Floats) -> Contributions:
        """Explain an encoded row, shape (n_encoded,), with all sets of columns."""
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
        """Explain an encoded row with random orders.

        Args:
            row: Shape (n_encoded,).
            permutations: Orders per background row, at least two, each used forwards and backwards.
            random: Generates the orders.
        """
        count, row_count = self.player_count, len(self._background)
        if not count:
            return self.exact(row)
        orders = np.argsort(random.random((permutations, row_count, count)), axis=2)
        value = self._predicted(row[None, :])[0]
        forwards = self._walked(row, orders, value)
        backwards = self._walked(row, orders[:, :, ::-1], value)
        pairs = (forwards + backwards) / 2
        found = pairs.mean(axis=(0, 1))
        # Only the orders are random; the background is the reference itself, not a sample of it.
        spread = pairs.var(axis=0, ddof=1).sum(axis=0) / permutations
        return self._of_columns("sampled", self._answers.mean(axis=0), value, found, np.sqrt(spread) / row_count)

    def _walked(self, row: Floats, orders: Indices, value: Floats) -> Floats:
        """The change by each column on its walks, shape (permutations, n_background, n_players, n_outputs)."""
        permutations, row_count, count = orders.shape
        ranks = np.argsort(orders, axis=2)
        walks = ranks.reshape(-1, count)

        def mixture(numbers: Indices) -> tuple[Masks, Indices]:
            walk, step = np.divmod(numbers, count - 1)
            # At each step of a walk, the columns up to this place in its order have been added.
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
        """The mean prediction over the background for each set of columns, shape (n_masks, n_outputs)."""
        count = len(self._background)

        def mixture(numbers: Indices) -> tuple[Masks, Indices]:
            mask, background = np.divmod(numbers, count)
            return masks[mask], background

        answers = self._of_mixtures(row, len(masks) * count, mixture)
        means: Floats = answers.reshape(len(masks), count, -1).mean(axis=1)
        return means

    def _of_mixtures(self, row: Floats, total: int, mixture: Callable[[Indices], tuple[Masks, Indices]]) -> Floats:
        """The predictions for background rows with some columns of the explained row, shape (total, n_outputs).

        Args:
            row: The explained row.
            total: The number of rows to predict.
            mixture: Maps the number of each row to the columns with the explained row's values and to the background
                row with the others.
        """
        step = max(1, _CELLS_AT_ONCE // max(len(row), 1))
        parts = [np.empty((0, self._answers.shape[1]))]
        for start in range(0, total, step):
            masks, rows = mixture(np.arange(start, min(start + step, total)))
            is_own = masks[:, self._player_of_output]
            parts.append(self._predicted(np.where(is_own, row, self._background[rows])))
        answers: Floats = np.vstack(parts)
        return answers

    def _predicted(self, matrix: Floats) -> Floats:
        self.predicted_row_count += len(matrix)
        return self._predict(matrix)

    def _of_columns(
        self, method: Literal["exact", "sampled"], base: Floats, value: Floats, found: Floats, errors: Floats
    ) -> Contributions:
        contributions, spread = (np.zeros((self._column_count, len(base))) for _ in range(2))
        contributions[self._players], spread[self._players] = found, errors
        return Contributions(method, base, value, contributions, spread)
