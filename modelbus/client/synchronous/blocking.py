"""What differs between the twins by more than words: how to wait, and how to do what blocks. Written by hand."""

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
    """Do what blocks."""
    return function(*args, **kwargs)


def next_chunk(response: httpx.Response, chunks: Iterator[bytes], remaining_s: float | None) -> bytes | None:
    """The next piece of an answer that goes on.

    Args:
        response: The answer.
        chunks: Its pieces.
        remaining_s: Seconds to wait; without limit if None. When they are over, the answer can be read no further.

    Returns:
        None at the end of the answer; at the end of the time also what a broken connection raises.
    """
    if remaining_s is None:
        return next(chunks, None)
    # a socket's own timeout begins anew with every byte, heartbeats too
    watch = threading.Timer(remaining_s, shut, (response,))
    watch.daemon = True
    watch.start()
    try:
        return next(chunks, None)
    finally:
        watch.cancel()


def end(response: httpx.Response) -> None:
    """Close an answer, also one that another thread is reading: that one reads no further."""
    shut(response)
    response.close()


def abandon(response: httpx.Response) -> None:
    """Let go of an answer that nobody closed."""
    response.close()


class Bell:
    """Rung once, by any thread; whoever waits for it wakes."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def is_rung(self) -> bool:
        """Whether it was."""
        return self._event.is_set()

    def ring(self) -> None:
        """Ring it."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait for it, for so many seconds at most."""
        self._event.wait(seconds)
