"""Things at once: the next item is made and the last one written meanwhile, and columns are worked on side by side.

It pays because pyarrow and numpy work without Python's lock. A job takes the processors of its machine, four at most:
more would hold more columns in memory at once, and a profile is not the only job.
"""

import os
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")

THREADS: Final = min(os.cpu_count() or 1, 4)
"""How many columns are worked on at once."""
_LOWER_PRIORITY: Final = 5
"""Of the threads for columns: of the processors they get a third of what the one that parses or writes gets."""

_END: Final = object()


def read_ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The same items; the next one, and no more, is made in a thread of its own meanwhile.

    What making an item raises is raised here, in its turn. Close it where it may be left early: the thread goes then.
    """
    iterator = iter(items)
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, iterator, _END)
        while (item := coming.result()) is not _END:
            coming = thread.submit(next, iterator, _END)
            yield item  # type: ignore[misc]  # next gives an item or the end
            del item  # or it would stay in memory until the next one is there


class Behind:
    """Does one thing after the other in a thread of its own, while the caller goes on; a context manager."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[object] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._thread:
            if kind is None:
                self._wait()

    def do(self, work: Callable[..., object], *arguments: Any) -> None:
        """Wait for the previous work, raise what it raised, then start this."""
        self._wait()
        self._last = self._thread.submit(work, *arguments)

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()


class ColumnPool:
    """Works on the columns of a batch side by side; a context manager."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, initializer=_give_way)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def each(self, work: Callable[..., T], *columns: Iterable[Any]) -> list[T]:
        """What ``work`` gives for each column, in their order; what it raises is raised here.

        Who is free takes the next column: to hand each of them to another thread takes as long as the work on some.
        """
        jobs = list(zip(*columns, strict=True))
        found: list[Any] = [None] * len(jobs)
        indices = iter(range(len(jobs)))  # Python's lock guards it

        def take() -> None:
            for index in indices:
                found[index] = work(*jobs[index])

        workers = [self._threads.submit(take) for _ in jobs[:THREADS]]
        wait(workers)
        for worker in workers:
            worker.result()
        return found


def _give_way() -> None:
    """Let the thread that parses or writes go first: there is one of it, and all others wait for it in the end."""
    if sys.platform == "linux":  # elsewhere this would be the whole process
        thread = threading.get_native_id()
        with suppress(PermissionError):  # a sandbox may forbid it: then all have the same priority
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _LOWER_PRIORITY)
