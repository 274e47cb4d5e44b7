"""How many threads a prediction uses: one, where a team of them costs more than it brings.

HistGradientBoosting* start an OpenMP team for a single row. Its threads spin while they wait for each other, so on a
machine with other work one row took 10 to 250 ms instead of 0.7. Rows are computed apart from each other, so the
number of threads changes no bit of the answer.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import ThreadpoolController

SMALL_BATCH = 1000
"""Up to so many rows are predicted by one thread."""

_TEAMED = frozenset({HistGradientBoostingClassifier, HistGradientBoostingRegressor})


def prediction_threads(estimator: Any, row_count: int) -> AbstractContextManager[Any]:
    """A context in which the estimator should predict so many rows; OpenMP's limit holds for the calling thread."""
    if type(estimator) in _TEAMED and row_count <= SMALL_BATCH:
        limit: AbstractContextManager[Any] = _openmp().limit(limits=1)
        return limit
    return nullcontext()


@cache
def _openmp() -> Any:
    # finding the loaded libraries takes milliseconds, limiting them microseconds
    return ThreadpoolController().select(user_api="openmp")
