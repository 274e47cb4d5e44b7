"""How an estimator is asked, so that a row's answer does not depend on the rows beside it; ADR 0024.

Of the same model on the same machine, a row gets the same bits alone, among others of its request, in a batch with
other callers' rows and in a dataset: labels, numbers, probabilities and scores. Four ways lead there:

- **as they come**: estimators that compute each row by itself (``members.ROW_BY_NATURE``);
- **never one alone**: estimators without matrix products (``members.WITHOUT_PRODUCTS``); a single row is doubled;
- **in tiles**: all others of scikit-learn; rows are filled up to whole tiles by repeating the last one, and no call has
  more rows than those for which products were found to agree (``products.py``); by one thread;
- **by trial**: estimators of plug-ins (``foreign.py``), in the worst case row by row.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from shared.tabular.chance import chance_codes, chance_probabilities
from shared.tabular.foreign import sizes_by_trial
from shared.tabular.forest import forest_probabilities, forest_values, is_forest_classifier, is_forest_regressor
from shared.tabular.members import (
    ROW_BY_NATURE,
    compares_with_stored_rows,
    draws_by_chance,
    has_member_by_chance,
    has_products,
    is_foreign,
    product_shapes,
)
from shared.tabular.products import Sizes, common_sizes, sizes_of, sizes_of_any
from shared.tabular.threads import SMALL_BATCH, one_blas_thread, one_thread, prediction_threads

Floats = npt.NDArray[np.float64]

_ANY = 2**62
_ALIGNMENT = 16
"""Bytes; old kernels treat the first number apart where an array does not start at a multiple."""

_STORED_ROWS_MOST: Final = 256
"""What scikit-learn compares with stored rows at once: with more it divides the work in other ways, and of neighbours
at equal distances it may take others."""


class Batching:
    """Asks one estimator; to be made once a model."""

    def __init__(self, estimator: Any) -> None:
        """Args:
        estimator: Fitted.
        """
        self._estimator = estimator
        self._has_products = has_products(estimator)
        self._has_stored_rows = compares_with_stored_rows(estimator)
        self._tried: Sizes | None = None

    def codes_and_probabilities(self, matrix: Floats) -> tuple[npt.NDArray[Any], Floats]:
        """A classifier's ``predict`` and ``predict_proba``, shapes (n_rows,) and (n_rows, n_classes)."""
        if is_forest_classifier(self._estimator):
            probabilities = self.probabilities(matrix)
            return self._estimator.classes_.take(np.argmax(probabilities, axis=1)), probabilities
        return self.answers(matrix), self.probabilities(matrix)

    def answers(self, matrix: Floats) -> npt.NDArray[Any]:
        """The estimator's ``predict``.

        Args:
            matrix: Shape (n_rows, n_features), at least one row.

        Returns:
            Shape (n_rows,).
        """
        if is_forest_classifier(self._estimator):
            return self.codes_and_probabilities(matrix)[0]
        if is_forest_regressor(self._estimator):
            return forest_values(self._estimator, matrix)
        if draws_by_chance(self._estimator):
            return chance_codes(self._estimator, matrix)
        return self._ask("predict", matrix).reshape(len(matrix))

    def probabilities(self, matrix: Floats) -> Floats:
        """The estimator's ``predict_proba``, shape (n_rows, n_classes)."""
        if is_forest_classifier(self._estimator):
            return forest_probabilities(self._estimator, matrix)
        if draws_by_chance(self._estimator):
            return chance_probabilities(self._estimator, matrix)
        return self._ask("predict_proba", matrix)

    def scores(self, matrix: Floats) -> Floats:
        """The estimator's ``decision_function``, shape (n_rows,) or (n_rows, n_classes)."""
        return self._ask("decision_function", matrix)

    def sizes(self, feature_count: int) -> Sizes:
        """With how many rows the estimator is asked at once, where a row has so many features."""
        if self._tried is None:
            self._tried = self._find_sizes(feature_count)
        return self._tried

    def _ask(self, method: str, matrix: Floats) -> npt.NDArray[Any]:
        ask = getattr(self._estimator, method)
        sizes = self.sizes(matrix.shape[1])
        rows = _in_order(matrix)
        with self._threads(len(rows)):
            if len(rows) <= sizes.most:
                return _ask_filled(ask, rows, sizes.tile)
            starts = range(0, len(rows), sizes.most)
            return np.concatenate([_ask_filled(ask, rows[start : start + sizes.most], sizes.tile) for start in starts])

    def _threads(self, row_count: int) -> AbstractContextManager[Any]:
        if not self._has_products:
            return prediction_threads(self._estimator, row_count)
        return one_blas_thread() if row_count > SMALL_BATCH and not self._has_stored_rows else one_thread()

    def _find_sizes(self, feature_count: int) -> Sizes:
        estimator = self._estimator
        if is_foreign(estimator):
            return sizes_by_trial(estimator, feature_count)
        if type(estimator) in ROW_BY_NATURE:
            return Sizes(1, _ANY)
        if has_member_by_chance(estimator):  # each row gets the first lot
            return Sizes(1, 1)
        if not self._has_products:
            return Sizes(2, _ANY)
        shapes = product_shapes(estimator)
        if shapes is not None:
            return common_sizes([sizes_of(*shape) for shape in shapes])
        found = sizes_of_any()
        return Sizes(found.tile, min(found.most, _STORED_ROWS_MOST)) if self._has_stored_rows else found


def _ask_filled(ask: Callable[[Floats], Any], rows: Floats, tile: int) -> npt.NDArray[Any]:
    """Ask with the last row repeated until the tiles are full; no row is asked for that the caller does not have."""
    count = len(rows)
    lacking = -count % tile
    if lacking:
        rows = np.concatenate([rows, np.repeat(rows[-1:], lacking, axis=0)])
    return np.asarray(ask(rows))[:count]


def _in_order(matrix: Floats) -> Floats:
    """The same numbers row by row, where products and sums find them in one way only."""
    rows = np.ascontiguousarray(matrix)
    return rows if rows.__array_interface__["data"][0] % _ALIGNMENT == 0 else rows.copy()
