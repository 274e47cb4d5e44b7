"""Calls that race each other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any


def at_once(callables: list[Callable[[], Any]]) -> list[Any]:
    """Call all of them at the same moment, each in a thread of its own."""
    barrier = Barrier(len(callables))

    def call(function: Callable[[], Any]) -> Any:
        barrier.wait()
        return function()

    with ThreadPoolExecutor(len(callables)) as pool:
        return list(pool.map(call, callables))
