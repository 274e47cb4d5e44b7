"""Random predictions of ``DummyClassifier``, made to depend on the row only.

scikit-learn draws the first random number for the first row, the second for the second: the prediction depends on the
row's position. Here the random number is derived from the row's values and the seed, so that it is the same in every
position, and the classes still have the right fractions over different rows.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def chance_codes(dummy: Any, matrix: Floats) -> npt.NDArray[Any]:
    """Draw the class of each row, with the training fractions (``stratified``) or with equal fractions (``uniform``).

    Args:
        dummy: A fitted ``DummyClassifier`` with one of the two strategies.
        matrix: Shape (n_rows, n_features).

    Returns:
        Elements of ``classes_``, shape (n_rows,).
    """
    fractions = np.asarray(dummy.class_prior_ if dummy.strategy == "stratified" else _equal_fractions(dummy))
    indices = np.searchsorted(np.cumsum(fractions)[:-1], _lots(matrix, dummy.random_state), side="right")
    return np.asarray(dummy.classes_).take(indices)


def chance_probabilities(dummy: Any, matrix: Floats) -> Floats:
    """Like scikit-learn: 1 for the drawn class (``stratified``), or equal probabilities (``uniform``)."""
    if dummy.strategy == "uniform":
        return np.tile(_equal_fractions(dummy), (len(matrix), 1))
    return np.asarray(chance_codes(dummy, matrix)[:, None] == np.asarray(dummy.classes_), dtype=np.float64)


def _equal_fractions(dummy: Any) -> Floats:
    return np.full(len(dummy.classes_), 1 / len(dummy.classes_))


def _lots(matrix: Floats, seed: Any) -> Floats:
    """A number in [0, 1) for each row, from its values and the seed; 0.0 and -0.0 are treated as equal."""
    key = repr(seed).encode()[:64]
    rows = np.ascontiguousarray(matrix, dtype="<f8") + 0.0
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest() for row in rows)
    words = np.frombuffer(b"".join(digests), dtype="<u8")
    return np.asarray((words >> np.uint64(11)).astype(np.float64) * 2.0**-53)
