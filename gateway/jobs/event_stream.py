"""Server-sent events: an answer that goes on, one event after the other, as browsers' ``EventSource`` reads it.

Whoever is cut off asks again with the id of the last event in ``Last-Event-ID`` and goes on from there: the ids are
the route's, and mean something to it. A comment is sent while nothing happens, so that proxies keep the connection. A
stream ends when its events do, its reader leaves, its reader takes nothing for a minute, or the gateway stops.

Own code, since the library for aiohttp (aiohttp-sse) knows neither a bound nor the gateway's end, and sees a reader
leave only when it writes.

How to use it::

    async def follow(request):
        job = await find(request)  # errors are answered as problems, as long as nothing was sent
        return await request.app[STREAMS].answer(request, changes(job, after=last_event_id(request)))
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from aiohttp import web

from modelbus.shared.errors import BadRequest, ModelbusError, TooManyStreams

log = structlog.get_logger()

STREAMS: web.AppKey["EventStreams"] = web.AppKey("streams")
"""Under which the application keeps its streams."""
MEDIA_TYPE: Final = "text/event-stream"
_RETRY_MS: Final = 2000
"""After how many milliseconds a reader that was cut off asks again."""
_LOOK_S: Final = 0.5
"""How often it is looked whether the reader is still there, while nothing is sent."""
_STALLED_S: Final = 60.0
"""Seconds that a reader may take nothing."""
_HEARTBEAT: Final = b": heartbeat\n\n"


@dataclass(frozen=True)
class StreamEvent:
    """One event."""

    name: str
    """What happened, such as ``log``."""
    data: Any
    """What is told of it; JSON."""
    id: str | None = None
    """From where to go on after it; None if that has not changed. One line."""

    def encode(self) -> bytes:
        """The event as it is sent."""
        data = orjson.dumps(self.data, default=str, option=orjson.OPT_UTC_Z)  # never has a line break
        identity = b"" if self.id is None else f"id: {self.id}\n".encode()
        return b"%sevent: %s\ndata: %s\n\n" % (identity, self.name.encode(), data)


class EventStreams:
    """The streams of one gateway; to be used on its event loop."""

    def __init__(self, *, limit: int, heartbeat_s: float, stalled_s: float = _STALLED_S) -> None:
        """Args:
        limit: How many may be open at once.
        heartbeat_s: After how many seconds without an event a comment is sent.
        stalled_s: How many seconds a reader may take nothing.
        """
        self._limit = limit
        self._heartbeat_s = heartbeat_s
        self._stalled_s = stalled_s
        self._stopping = asyncio.Event()
        self.open_count = 0
        """How many are open now."""

    async def answer(self, request: web.Request, events: AsyncGenerator[StreamEvent, None]) -> web.StreamResponse:
        """Answer a request with events until they end, or nobody reads or sends any more.

        Args:
            request: The request.
            events: What is sent; closed at the end, whatever ends it. No event is asked for before the last one was
                taken, so a slow reader slows its own events and nothing else.

        Raises:
            TooManyStreams: Nothing was sent; to be answered as a problem.
        """
        if self.open_count >= self._limit:
            await events.aclose()
            raise TooManyStreams(
                f"{self._limit} streams are open, which is the limit; ask without following, or later, or raise "
                "MODELBUS_EVENT_STREAM_LIMIT"
            )
        self.open_count += 1
        try:
            response = await _begun(request)
            if request.method != "HEAD":
                await _Stream(request, response, self._stopping, self._heartbeat_s, self._stalled_s).send(events)
            return response
        finally:
            self.open_count -= 1
            await events.aclose()

    def stop(self) -> None:
        """End all streams: the gateway stops. Their readers will ask another one, or this one again."""
        self._stopping.set()


class _Stream:
    """One reader's stream."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        stopping: asyncio.Event,
        heartbeat_s: float,
        stalled_s: float,
    ) -> None:
        self._request = request
        self._response = response
        self._stopping = stopping
        self._heartbeat_s = heartbeat_s
        self._stalled_s = stalled_s

    async def send(self, events: AsyncGenerator[StreamEvent, None]) -> None:
        """Send events until there are none, or nobody reads or sends any more."""
        try:
            await self._write(b"retry: %d\n\n" % _RETRY_MS)
            while (event := await self._next(events)) is not None:
                await self._write(event.encode())
        except ConnectionError:
            log.debug("stream.closed", path=self._request.path)
        except ModelbusError as error:
            # The status has left already. The reader will ask again, from the last event on.
            await self._tell(error)

    async def _next(self, events: AsyncGenerator[StreamEvent, None]) -> StreamEvent | None:
        """The next event, with heartbeats until it comes; None when there is none, or nobody to take it."""
        coming: asyncio.Future[StreamEvent | None] = asyncio.ensure_future(anext(events, None))
        stopping = asyncio.ensure_future(self._stopping.wait())
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + self._heartbeat_s
        try:
            while not stopping.done() and not self._has_left():
                pause_s = min(_LOOK_S, max(beat_at - loop.time(), 0))
                await asyncio.wait((coming, stopping), timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    return coming.result()
                if loop.time() >= beat_at:
                    await self._write(_HEARTBEAT)
                    beat_at = loop.time() + self._heartbeat_s
            return None
        finally:
            coming.cancel()
            stopping.cancel()
            await asyncio.gather(coming, stopping, return_exceptions=True)

    async def _tell(self, error: ModelbusError) -> None:
        try:
            await self._write(StreamEvent("error", {"code": error.code, "message": error.message}).encode())
        except ConnectionError:
            log.debug("stream.closed", path=self._request.path)

    async def _write(self, data: bytes) -> None:
        """Send, waiting for the reader where the connection is full.

        Raises:
            ConnectionError: The reader is gone, or has taken nothing for too long.
        """
        try:
            await asyncio.wait_for(self._response.write(data), self._stalled_s)
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionResetError("the reader takes nothing") from None

    def _has_left(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()


def last_event_id(request: web.Request) -> str | None:
    """From where the reader wants to go on: the id of the last event it got; None from the beginning."""
    return request.headers.get("Last-Event-ID") or None


def is_stream_wanted(request: web.Request) -> bool:
    """Whether the answer is to be a stream: ``?follow=true``, or a reader that accepts nothing but events.

    Raises:
        BadRequest: ``?follow=`` is neither true nor false.
    """
    given = request.query.get("follow")
    if given not in (None, "true", "false"):
        raise BadRequest(f"?follow= must be true or false, not {given[:50]!r}")
    return given == "true" if given else MEDIA_TYPE in request.headers.get("Accept", "")


async def _begun(request: web.Request) -> web.StreamResponse:
    # Proxies would gather the events (X-Accel-Buffering is nginx's word), or keep them for somebody else.
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    return response
