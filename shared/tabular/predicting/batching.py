"""Calls of an estimator in which the prediction of a row does not depend on neighbouring rows (ADR 0024).

With the same model on the same machine, a row gets the same bits alone, with other rows of its request, in a batch with
other requests, and in a dataset: labels, numbers, probabilities and scores. There are four ways:
- **unchanged**: estimators that compute each row independently (``members.ROW_BY_NATURE``);
- **at least two rows**: estimators without matrix products (``members.WITHOUT_PRODUCTS``); a single row is doubled;
- **in tiles**: all others of scikit-learn; rows are padded to whole tiles by repeating the last one, no call has more
  rows than those for which products were found to agree (``products.py``), and there is one thread;
- **by trial**: estimators of plug-ins (``foreign.py``), in the worst case row by row.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.predicting.chance import chance_codes, chance_probabilities
from modelbus.shared.tabular.predicting.foreign import sizes_by_trial
from modelbus.shared.tabular.predicting.forest import (
    forest_probabilities,
    forest_values,
    is_forest_classifier,
    is_forest_regressor,
)
from modelbus.shared.tabular.predicting.members import (
    ROW_BY_NATURE,
    compares_with_stored_rows,
    draws_by_chance,
    has_member_by_chance,
    has_products,
    is_foreign,
    product_shapes,
)
from modelbus.shared.tabular.predicting.products import Sizes, common_sizes, sizes_of, sizes_of_any
from modelbus.shared.tabular.predicting.threads import SMALL_BATCH, OneThread, one_blas_thread, prediction_threads

Floats = npt.NDArray[np.float64]

_ANY = 2**62
_ALIGNMENT = 16
"""Bytes; old kernels treat the first number differently if an array does not start at a multiple."""

_STORED_ROWS_MOST: Final = 256
"""Maximum rows that scikit-learn compares with stored rows in one chunk: with more, it divides the work differently and
may choose other neighbours at equal distances."""


class Batching:
    """Calls an estimator; made once per model."""

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
        if draws_by_chance(self._estimator):
            return self.answers(matrix), self.probabilities(matrix)
        codes, probabilities = self._ask(("predict", "predict_proba"), matrix)
        return codes.reshape(len(matrix)), probabilities

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
        return self._ask(("predict",), matrix)[0].reshape(len(matrix))

    def probabilities(self, matrix: Floats) -> Floats:
        """The estimator's ``predict_proba``, shape (n_rows, n_classes)."""
        if is_forest_classifier(self._estimator):
            return forest_probabilities(self._estimator, matrix)
        if draws_by_chance(self._estimator):
            return chance_probabilities(self._estimator, matrix)
        return self._ask(("predict_proba",), matrix)[0]

    def scores(self, matrix: Floats) -> Floats:
        """The estimator's ``decision_function``, shape (n_rows,) or (n_rows, n_classes)."""
        return self._ask(("decision_function",), matrix)[0]

    def sizes(self, feature_count: int) -> Sizes:
        """The numbers of rows per call of the estimator, for rows with this number of features."""
        if self._tried is None:
            self._tried = self._find_sizes(feature_count)
        return self._tried

    def _ask(self, methods: Sequence[str], matrix: Floats) -> list[npt.NDArray[Any]]:
        """Call several methods of the estimator for the same rows."""
        sizes = self.sizes(matrix.shape[1])
        calls = [getattr(self._estimator, method) for method in methods]
        count, most = len(matrix), sizes.most
        with self._threads(count):
            if count <= most:
                rows = _filled(matrix, sizes.tile)
                return [np.asarray(call(rows))[:count] for call in calls]
            blocks = [matrix[start : start + most] for start in range(0, count, most)]
            found = [
                [np.asarray(call(rows)) for call in calls] for rows in (_filled(one, sizes.tile) for one in blocks)
            ]
        return [np.concatenate(parts)[:count] for parts in zip(*found, strict=True)]

    def _threads(self, row_count: int) -> AbstractContextManager[Any]:
        if not self._has_products:
            return prediction_threads(self._estimator, row_count)
        return one_blas_thread() if row_count > SMALL_BATCH and not self._has_stored_rows else OneThread()

    def _find_sizes(self, feature_count: int) -> Sizes:
        estimator = self._estimator
        if is_foreign(estimator):
            return sizes_by_trial(estimator, feature_count)
        if type(estimator) in ROW_BY_NATURE:
            return Sizes(1, _ANY)
        if has_member_by_chance(estimator):  # each row gets the first random number
            return Sizes(1, 1)
        if not self._has_products:
            return Sizes(2, _ANY)
        shapes = product_shapes(estimator)
        if shapes is not None:
            return common_sizes([sizes_of(*shape) for shape in shapes])
        found = sizes_of_any()
        return Sizes(found.tile, min(found.most, _STORED_ROWS_MOST)) if self._has_stored_rows else found


def _filled(matrix: Floats, tile: int) -> Floats:
    """Pad rows to whole tiles by repeating the last one, so that no artificial row is predicted.

    The result is in row-major order, so that products and sums always read the numbers in the same order.
    """
    count = len(matrix)
    lacking = -count % tile
    if not lacking and matrix.flags.c_contiguous and matrix.__array_interface__["data"][0] % _ALIGNMENT == 0:
        return matrix
    rows = np.empty((count + lacking, matrix.shape[1]))
    rows[:count] = matrix
    rows[count:] = matrix[-1]
    return rows
