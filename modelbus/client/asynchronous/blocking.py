"""What differs between the twins by more than words: how to wait, and how to do what blocks."""

from collections.abc import AsyncIterator, Callable
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread
import httpx

from modelbus.client.sockets import shut

P = ParamSpec("P")
T = TypeVar("T")


async def sleep(seconds: float) -> None:
    """Wait."""
    await anyio.sleep(seconds)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what blocks, reading a file say, without holding up the event loop."""
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))


async def next_chunk(
    _response: httpx.Response, chunks: AsyncIterator[bytes], remaining_s: float | None
) -> bytes | None:
    """The next piece of an answer that goes on.

    Args:
        _response: The answer.
        chunks: Its pieces.
        remaining_s: Seconds to wait; without limit if None. When they are over, the answer can be read no further.

    Returns:
        None at the end of the answer, or of the time.
    """
    with anyio.move_on_after(remaining_s):
        return await anext(chunks, None)
    return None


async def end(response: httpx.Response) -> None:
    """Close an answer, also one that another task is reading."""
    await response.aclose()


def abandon(response: httpx.Response) -> None:
    """Let go of an answer that nobody closed: its gateway is told, and its connection lives until the client closes."""
    shut(response)


class AsyncBell:
    """Rung once; whoever waits for it wakes."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def is_rung(self) -> bool:
        """Whether it was."""
        return self._event.is_set()

    def ring(self) -> None:
        """Ring it."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for it, for so many seconds at most."""
        with anyio.move_on_after(seconds):
            await self._event.wait()
