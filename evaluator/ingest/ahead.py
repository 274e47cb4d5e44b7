"""Two things at once: the next item is made while the last one is worked on. pyarrow works without Python's lock."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")

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
