"""Both twins of the client, used alike: the asynchronous one through an event loop of its own."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Self

from modelbus import AsyncClient


class Blocked:
    """An asynchronous object whose methods block."""

    def __init__(self, inner: Any, run: Callable[[Any], Any]) -> None:
        self._inner = inner
        self._run = run

    def __iter__(self) -> Iterator[Any]:
        return self._iterated(self._inner)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._inner.aclose())

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, "aclose" if name == "close" else name)
        return self._method(value) if inspect.ismethod(value) else self._blocked(value)

    def _method(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            if inspect.isasyncgen(answer):
                return self._iterated(answer)
            return self._blocked(self._run(answer) if inspect.isawaitable(answer) else answer)

        return call

    def _iterated(self, answers: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._run(anext(answers))
            except StopAsyncIteration:
                return

    def _blocked(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._blocked(one) for one in value]
        is_ours = type(value).__module__.startswith("modelbus.client.asynchronous")
        return Blocked(value, self._run) if is_ours else value


class BlockedClient(Blocked):
    """The asynchronous client, as if it were the blocking one."""

    def __init__(self, url: str, **options: Any) -> None:
        loop = asyncio.new_event_loop()
        super().__init__(AsyncClient(url, **options), loop.run_until_complete)
        self._loop = loop

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._loop.close()
