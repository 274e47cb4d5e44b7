"""Server-sent events: a response that continues with one event after another, for clients such as ``EventSource``.

A disconnected client reconnects with the id of its last event in ``Last-Event-ID`` and continues from there; the ids
belong to the route, which can interpret them. While nothing happens, comments keep the connection alive in proxies. A
stream ends when its events end, its client disconnects or does not read for a minute, or the gateway stops.

This is our own code, since the library for aiohttp (aiohttp-sse) has neither a limit nor a shutdown, and notices a
disconnect only when it writes.

How to use it::

    async def follow(request): job = await find(request)  # errors become problems as long as nothing has been sent
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
"""The key of the streams in the application."""
MEDIA_TYPE: Final = "text/event-stream"
_RETRY_MS: Final = 2000
"""The reconnection delay of clients in milliseconds."""
_LOOK_S: Final = 0.5
"""The interval of checks whether the client is still connected while nothing is sent."""
_STALLED_S: Final = 60.0
"""The number of seconds after which a client that does not read is disconnected."""
_HEARTBEAT: Final = b": heartbeat\n\n"


@dataclass(frozen=True)
class StreamEvent:
    """An event."""

    name: str
    """The name of the event, such as ``log``."""
    data: Any
    """The data of the event, as JSON."""
    id: str | None = None
    """The id to continue from, on one line; None if unchanged."""

    def encode(self) -> bytes:
        """The event in its transmitted form."""
        data = orjson.dumps(self.data, default=str, option=orjson.OPT_UTC_Z)  # never has a line break
        identity = b"" if self.id is None else f"id: {self.id}\n".encode()
        return b"%sevent: %s\ndata: %s\n\n" % (identity, self.name.encode(), data)


class EventStreams:
    """The streams of a gateway; for use on its event loop."""

    def __init__(self, *, limit: int, heartbeat_s: float, stalled_s: float = _STALLED_S) -> None:
        """Args: limit: The maximum number of open streams. heartbeat_s: The number of seconds without an event after
        which a comment is sent. stalled_s: The number of seconds after which a client that does not read is
        disconnected.
        """
        self._limit = limit
        self._heartbeat_s = heartbeat_s
        self._stalled_s = stalled_s
        self._stopping = asyncio.Event()
        self.open_count = 0
        """The number of open streams."""

    async def answer(self, request: web.Request, events: AsyncGenerator[StreamEvent, None]) -> web.StreamResponse:
        """Respond with events until they end, the client disconnects, or the gateway stops.

        Args:
            request: The request.
            events: The events, which are closed in any case. The next event is requested only after the last one has
                been received, so a slow client slows down only its own events.

        Raises:
            TooManyStreams: The limit is reached, and nothing has been sent.
        """
        if self.open_count >= self._limit:
            await events.aclose()
            raise TooManyStreams(
                f"the limit of {self._limit} open streams is reached; do not follow, try again later, or raise "
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
        """End all streams because the gateway stops. Their clients will reconnect."""
        self._stopping.set()


class _Stream:
    """The stream of a client."""

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
        """Send events until they end, the client disconnects, or the gateway stops."""
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
        """The next event, with heartbeats until it comes; None at the end or after a disconnect."""
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
        """Send, waiting for the client if the connection's buffer is full.

        Raises:
            ConnectionError: The client has disconnected or has not read for too long.
        """
        try:
            await asyncio.wait_for(self._response.write(data), self._stalled_s)
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionResetError("the client does not read") from None

    def _has_left(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()


def last_event_id(request: web.Request) -> str | None:
    """The id of the last event that the client received; None to start from the beginning."""
    return request.headers.get("Last-Event-ID") or None


def is_stream_wanted(request: web.Request) -> bool:
    """Whether the client requests a stream: ``?follow=true``, or ``Accept`` with events only.

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
