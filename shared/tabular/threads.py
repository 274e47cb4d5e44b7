"""How many threads a prediction or a fit uses: one, where a team of them costs more than it brings, or where it would
make the result another one.

HistGradientBoosting* start an OpenMP team for a single row. Its threads spin while they wait for each other, so on a
machine with other work one row took 10 to 250 ms instead of 0.7. They meet after each tree: what they lose by that is
seconds however few the rows are, and what they win is a share of a time that grows with the rows. On two cores one
thread took 14 ms for 2,000 rows of two classes, and 83 beside four busy processes; a team took 8 ms, and 1,900. Rows
are computed apart from each other, so the number of threads changes no bit of the answer.

KMeans and its kin add up what their threads found in the order in which they come to an end, so a fit by three threads
differs from the next in its last bits. They keep the number of threads of their fit for their predictions.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from sklearn.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import ThreadpoolController

SMALL_BATCH = 20_000
"""Up to so many rows are predicted by one thread: a request, and what a job asks for again and again (explanations,
drift). Whole datasets come by the row group, which is larger."""

SMALL_FIT = 200_000
"""Up to so many cells are learnt from by one thread: beside other work, a team took 12 s for what one does in 0.2."""

_TEAMED = frozenset({HistGradientBoostingClassifier, HistGradientBoostingRegressor})
_IN_ANY_ORDER = frozenset({BisectingKMeans, KMeans, MiniBatchKMeans})


def fit_threads(estimator: Any, cell_count: int) -> AbstractContextManager[Any]:
    """A context in which the estimator should be fitted on so many cells: so that the same fit gives the same bits, and
    a small one does not wait for a team. OpenMP's limit holds for the calling thread, that of BLAS for the process.
    """
    if cell_count <= SMALL_FIT:
        all_limit: AbstractContextManager[Any] = _libraries().limit(limits=1)
        return all_limit
    if type(estimator) in _IN_ANY_ORDER:
        limit: AbstractContextManager[Any] = _openmp().limit(limits=1)
        return limit
    return nullcontext()


def single_thread() -> AbstractContextManager[Any]:
    """A context in which all libraries use one thread: where whole fits run side by side."""
    limit: AbstractContextManager[Any] = _libraries().limit(limits=1)
    return limit


def prediction_threads(estimator: Any, row_count: int) -> AbstractContextManager[Any]:
    """A context in which the estimator should predict so many rows; OpenMP's limit holds for the calling thread."""
    if type(estimator) in _TEAMED and row_count <= SMALL_BATCH:
        limit: AbstractContextManager[Any] = _openmp().limit(limits=1)
        return limit
    return nullcontext()


@cache
def _libraries() -> Any:
    # finding the loaded libraries takes milliseconds, limiting them microseconds
    return ThreadpoolController()


@cache
def _openmp() -> Any:
    return _libraries().select(user_api="openmp")
