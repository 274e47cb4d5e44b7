"""The two things that differ between the twins: how to wait, and how to do what blocks."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

P = ParamSpec("P")
T = TypeVar("T")


async def sleep(seconds: float) -> None:
    """Wait."""
    await anyio.sleep(seconds)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what blocks, reading a file say, without holding up the event loop."""
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))
