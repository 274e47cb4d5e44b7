"""What differs between the twins by more than words: waiting, and calls that block."""

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
    """Call a function that blocks, such as reading a file, without blocking the event loop."""
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))


async def next_chunk(
    _response: httpx.Response, chunks: AsyncIterator[bytes], remaining_s: float | None
) -> bytes | None:
    """The next chunk of a stream.

    Args:
        _response: The answer.
        chunks: Its chunks.
        remaining_s: Seconds to wait; None for no limit. Afterwards the answer cannot be read any further.

    Returns:
        The chunk; None at the end of the answer, or of the time.
    """
    with anyio.move_on_after(remaining_s):
        return await anext(chunks, None)
    return None


async def end(response: httpx.Response) -> None:
    """Close an answer, even while another task reads it."""
    await response.aclose()


def abandon(response: httpx.Response) -> None:
    """Release an answer that was never closed: the gateway notices; the connection lasts until the client closes."""
    shut(response)


class AsyncBell:
    """Rings once, and wakes every waiting task."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def is_rung(self) -> bool:
        """Whether it has rung."""
        return self._event.is_set()

    def ring(self) -> None:
        """Ring it."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for the ring, up to a number of seconds."""
        with anyio.move_on_after(seconds):
            await self._event.wait()
