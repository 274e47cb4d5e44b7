"""A classifier that draws lots, made to answer each row by the row alone.

scikit-learn's draws the first lot for the first row, the second for the second one: the answer is that of a row's
place. Here the lot comes from the row's own numbers and the seed, so that it is the same wherever the row stands, and
over different rows the fractions are those that were asked for.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def chance_codes(dummy: Any, matrix: Floats) -> npt.NDArray[Any]:
    """The class of each row: of ``stratified`` by the classes' fractions in training, of ``uniform`` by equal ones.

    Args:
        dummy: A fitted ``DummyClassifier`` of one of the two strategies.
        matrix: Shape (n_rows, n_features).

    Returns:
        Of ``classes_``, shape (n_rows,).
    """
    fractions = np.asarray(dummy.class_prior_ if dummy.strategy == "stratified" else _equal_fractions(dummy))
    indices = np.searchsorted(np.cumsum(fractions)[:-1], _lots(matrix, dummy.random_state), side="right")
    return np.asarray(dummy.classes_).take(indices)


def chance_probabilities(dummy: Any, matrix: Floats) -> Floats:
    """As scikit-learn's: of ``stratified`` 1 for the class that was drawn, of ``uniform`` the same for all classes."""
    if dummy.strategy == "uniform":
        return np.tile(_equal_fractions(dummy), (len(matrix), 1))
    return np.asarray(chance_codes(dummy, matrix)[:, None] == np.asarray(dummy.classes_), dtype=np.float64)


def _equal_fractions(dummy: Any) -> Floats:
    return np.full(len(dummy.classes_), 1 / len(dummy.classes_))


def _lots(matrix: Floats, seed: Any) -> Floats:
    """A number within [0, 1) for each row, from its numbers and the seed; 0.0 and -0.0 are the same number."""
    key = repr(seed).encode()[:64]
    rows = np.ascontiguousarray(matrix, dtype="<f8") + 0.0
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest() for row in rows)
    words = np.frombuffer(b"".join(digests), dtype="<u8")
    return np.asarray((words >> np.uint64(11)).astype(np.float64) * 2.0**-53)
