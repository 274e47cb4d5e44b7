"""Finds out by trial how an estimator of another package can be called.

Test rows are predicted in several orders and sizes. The first way in which no prediction depends on neighbouring rows
is used; an estimator without one, such as one that scales a batch by its own mean, predicts row by row.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.predicting.products import MOST_ROWS, Sizes
from modelbus.shared.tabular.predicting.threads import OneThread

METHODS: Final = ("predict", "predict_proba", "decision_function")

_ROW_COUNT = 96
_WAYS: Final = (Sizes(1, MOST_ROWS), Sizes(8, MOST_ROWS), Sizes(8, 8), Sizes(16, 16))
_ROW_BY_ROW: Final = Sizes(1, 1)


def sizes_by_trial(estimator: Any, feature_count: int) -> Sizes:
    """The first of the ways in which the estimator's methods predict each row independently of the others."""
    rows = np.random.default_rng(feature_count).random((_ROW_COUNT, feature_count))
    rows[::3] = np.round(rows[::3])  # one-hot columns and booleans are 0 or 1
    try:
        with OneThread():
            for sizes in _WAYS:
                if all(_is_independent(estimator, method, rows, sizes) for method in METHODS):
                    return sizes
    except Exception:  # noqa: BLE001 - that it refuses these test rows does not mean that it refuses others
        return _ROW_BY_ROW
    return _ROW_BY_ROW


def _is_independent(estimator: Any, method: str, rows: npt.NDArray[np.float64], sizes: Sizes) -> bool:
    ask = getattr(estimator, method, None)
    if ask is None:
        return True
    tile = sizes.tile
    expected = [np.asarray(ask(np.repeat(row[None], tile, axis=0)))[0].tobytes() for row in rows]
    return all(
        [answer.tobytes() for answer in np.asarray(ask(rows[chosen]))] == [expected[index] for index in chosen]
        for chosen in _choices(sizes)
    )


def _choices(sizes: Sizes) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of rows to predict together."""
    random = np.random.default_rng(0)
    lengths = [sizes.tile] * 12
    if sizes.most > sizes.tile:
        lengths += [sizes.tile * times for times in (2, 3, 5, 7, 12) if sizes.tile * times <= _ROW_COUNT]
        lengths += [_ROW_COUNT] * 3
    return (random.permutation(_ROW_COUNT)[:length] for length in lengths)
