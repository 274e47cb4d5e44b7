"""The number of threads of predictions and fits: one, if several are slower or would change the result.

HistGradientBoosting* start an OpenMP team even for a single row. Its threads spin while they wait for each other, so on
a busy machine one row took 10 to 250 ms instead of 0.7 ms. The threads synchronize after each tree, which costs the
same for any number of rows, while the gain grows with the rows. On two cores, one thread took 14 ms for 2,000 rows of
two classes, and 83 ms beside four busy processes; a team took 8 ms and 1,900 ms. Rows are computed independently, so
the number of threads does not change the result.

KMeans and its relatives add the results of threads in the order in which they finish, so fits with three threads differ
in their last bits. They keep the number of threads of the fit for predictions.

A BLAS divides a product among its threads, and each part has its own edges (see ``products.py``). Estimators with
matrix products therefore predict with one thread.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any, Final

from sklearn.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import ThreadpoolController

SMALL_BATCH = 20_000
"""Maximum rows that are predicted with one thread: requests, and the repeated predictions of explanations and drift
reports. Datasets are predicted in row groups, which are larger."""

SMALL_FIT = 200_000
"""Maximum cells that are fitted with one thread: on a busy machine, a team took 12 s instead of 0.2 s."""

_TEAMED = frozenset({HistGradientBoostingClassifier, HistGradientBoostingRegressor})
_IN_ANY_ORDER = frozenset({BisectingKMeans, KMeans, MiniBatchKMeans})


def fit_threads(estimator: Any, cell_count: int) -> AbstractContextManager[Any]:
    """A context for a fit on this number of cells, which keeps fits reproducible to the last bit and small fits fast.

    The limit of OpenMP applies to the calling thread, that of BLAS to the process.
    """
    if cell_count <= SMALL_FIT:
        all_limit: AbstractContextManager[Any] = _libraries().limit(limits=1)
        return all_limit
    if type(estimator) in _IN_ANY_ORDER:
        limit: AbstractContextManager[Any] = _openmp().limit(limits=1)
        return limit
    return nullcontext()


def single_thread() -> AbstractContextManager[Any]:
    """A context in which all libraries use one thread, for fits that run in parallel."""
    limit: AbstractContextManager[Any] = _libraries().limit(limits=1)
    return limit


def prediction_threads(estimator: Any, row_count: int) -> AbstractContextManager[Any]:
    """A context for predicting this number of rows; OpenMP's limit applies to the calling thread."""
    if type(estimator) in _TEAMED and row_count <= SMALL_BATCH:
        limit: AbstractContextManager[Any] = _openmp().limit(limits=1)
        return limit
    return nullcontext()


class OneThread:
    """A context with one thread: OpenMP for the calling thread, BLAS for the process while any thread is inside."""

    def __enter__(self) -> None:
        self._several = [(one, count) for one in _openmp_libraries() if (count := one.get_num_threads()) > 1]
        for library, _ in self._several:
            library.set_num_threads(1)
        _BLAS_LIMIT.enter()

    def __exit__(self, *_error: object) -> None:
        _BLAS_LIMIT.leave()
        for library, count in self._several:
            library.set_num_threads(count)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Like ``OneThread``, only for BLAS."""
    _BLAS_LIMIT.enter()
    try:
        yield
    finally:
        _BLAS_LIMIT.leave()


def stay_with_one_blas_thread() -> None:
    """Limit BLAS for the lifetime of a process that only predicts.

    A limit for each request would take up to 25 µs, a quarter of a linear model's time for a row.
    """
    for library in _blas_libraries():
        _limit_blas(library, 1)


class _BlasLimit:
    """The first thread to enter limits the libraries, the last to leave restores them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limited: list[tuple[Any, int]] = []

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            self._limited = [(one, count) for one in _blas_libraries() if (count := one.get_num_threads()) > 1]
            for library, _ in self._limited:
                _limit_blas(library, 1)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside:
                return
            for library, count in self._limited:
                _limit_blas(library, count)


_BLAS_LIMIT: Final = _BlasLimit()


def _limit_blas(library: Any, count: int) -> None:
    """Set the number of threads from any thread; threadpoolctl's own method works only in the first thread."""
    getattr(library, "_real_set_num_threads", library.set_num_threads)(count)


@cache
def _libraries() -> Any:
    # finding the loaded libraries takes milliseconds, limiting them only microseconds
    return ThreadpoolController()


@cache
def _openmp() -> Any:
    return _libraries().select(user_api="openmp")


@cache
def _openmp_libraries() -> list[Any]:
    return list(_openmp().lib_controllers)


@cache
def _blas_libraries() -> list[Any]:
    return list(_libraries().select(user_api="blas").lib_controllers)
