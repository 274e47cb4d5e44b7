"""What differs between the twins by more than words: waiting, and calls that block. Written by hand."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import httpx

from modelbus.client.sockets import shut

P = ParamSpec("P")
T = TypeVar("T")


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that blocks."""
    return function(*args, **kwargs)


def next_chunk(response: httpx.Response, chunks: Iterator[bytes], remaining_s: float | None) -> bytes | None:
    """The next chunk of a stream.

    Args:
        response: The answer.
        chunks: Its chunks.
        remaining_s: Seconds to wait; None for no limit. Afterwards the answer cannot be read any further.

    Returns:
        The chunk; None at the end of the answer. At the end of the time, an error of the connection may be raised.
    """
    if remaining_s is None:
        return next(chunks, None)
    # the timeout of a socket restarts with every byte, and so with every heartbeat
    watch = threading.Timer(remaining_s, shut, (response,))
    watch.daemon = True
    watch.start()
    try:
        return next(chunks, None)
    finally:
        watch.cancel()


def end(response: httpx.Response) -> None:
    """Close an answer, even while another thread reads it."""
    shut(response)
    response.close()


def abandon(response: httpx.Response) -> None:
    """Release an answer that was never closed."""
    response.close()


class Bell:
    """Rings once, from any thread, and wakes every waiting one."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def is_rung(self) -> bool:
        """Whether it has rung."""
        return self._event.is_set()

    def ring(self) -> None:
        """Ring it."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait for the ring, up to a number of seconds."""
        self._event.wait(seconds)
