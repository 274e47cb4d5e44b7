"""Two things at once: the next item is made while the last one is worked on, and columns are worked on side by side.

It pays because pyarrow and numpy work without Python's lock. A job takes the processors of its machine, four at most:
more would hold more columns in memory at once, and a profile is not the only job.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")

THREADS: Final = min(os.cpu_count() or 1, 4)
"""How many columns are worked on at once."""
_HELPERS: Final = THREADS - 1
"""Threads that help the one that waits for the columns."""

_END: Final = object()


def read_ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items; the next one, and no more, is made in a thread of its own meanwhile.

    What making an item raises is raised here, in its turn.
    """
    iterator = iter(items)
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, iterator, _END)
        while (item := coming.result()) is not _END:
            coming = thread.submit(next, iterator, _END)
            yield item  # type: ignore[misc]  # next gives an item or the end
            del item  # or it would stay in memory until the next one is there


class Columns:
    """Works on the columns of a batch side by side; to be used as a context."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_HELPERS) if _HELPERS else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def each(self, work: Callable[..., T], *columns: Iterable[Any]) -> list[T]:
        """What ``work`` gives for each column, in their order; what it raises is raised here.

        Who is free takes the next column: to hand each of them to another thread takes longer than the work on many.
        """
        jobs = list(zip(*columns, strict=True))
        found: list[Any] = [None] * len(jobs)
        places = iter(range(len(jobs)))  # Python's lock guards it

        def take() -> None:
            for place in places:
                found[place] = work(*jobs[place])

        helpers = [self._threads.submit(take) for _ in jobs[1 : _HELPERS + 1]] if self._threads is not None else []
        try:
            take()
        finally:
            wait(helpers)
        for helper in helpers:
            helper.result()
        return found
