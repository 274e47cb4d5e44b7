"""How many threads a prediction or a fit uses: one, where a team of them costs more than it brings, or where it would
make the result another one.

HistGradientBoosting* start an OpenMP team for a single row. Its threads spin while they wait for each other, so on a
machine with other work one row took 10 to 250 ms instead of 0.7. They meet after each tree: what they lose by that is
seconds however few the rows are, and what they win is a fraction of a time that grows with the rows. On two cores one
thread took 14 ms for 2,000 rows of two classes, and 83 beside four busy processes; a team took 8 ms, and 1,900. Rows
are computed apart from each other, so the number of threads changes no bit of the answer.

KMeans and its kin add up what their threads found in the order in which they come to an end, so a fit by three threads
differs from the next in its last bits. They keep the number of threads of their fit for their predictions.

A BLAS divides a product among its threads by their number, and each part has edges of its own (see ``products.py``).
What multiplies predicts by one thread.
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


class OneThread:
    """A context of one thread: of OpenMP for the calling thread, of BLAS for the process while anybody is in it."""

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
    """As ``OneThread``, of BLAS alone."""
    _BLAS_LIMIT.enter()
    try:
        yield
    finally:
        _BLAS_LIMIT.leave()


def stay_with_one_blas_thread() -> None:
    """Limit BLAS for the rest of the process, one that does nothing but predict: to limit it anew for each request
    takes up to 25 µs, a quarter of what a linear model takes for a row.
    """
    for library in _blas_libraries():
        _limit_blas(library, 1)


class _BlasLimit:
    """The first to enter limits the libraries, the last to leave restores them."""

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
    """Set the number of threads, whichever thread asks: threadpoolctl does what the first one asked, and no other's."""
    getattr(library, "_real_set_num_threads", library.set_num_threads)(count)


@cache
def _libraries() -> Any:
    # finding the loaded libraries takes milliseconds, limiting them microseconds
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
