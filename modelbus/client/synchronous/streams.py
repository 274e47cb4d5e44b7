# Made from ../asynchronous/streams.py by tools/twin.py: change it there, then run `make twin`.
"""Streams of events, over as many connections as needed, until they end or are closed."""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import httpx

from modelbus.client.calls import AWAY_S, Call
from modelbus.client.client_errors import WaitTimedOut
from modelbus.client.sent_events import MEDIA_TYPE, EventParser, SentEvent
from modelbus.client.synchronous.blocking import Bell, abandon, end, next_chunk
from modelbus.client.synchronous.http_transport import Transport
from modelbus.shared.errors import ModelbusError

log = logging.getLogger("modelbus.client")

T = TypeVar("T")

_SILENT_S: Final = 60.0
"""Seconds without data after which a connection counts as broken: heartbeats come far more often."""


class Stream(Generic[T]):
    """Events of a gateway as they happen. Closed by ``close``, or at the end of its ``with`` block.

    A broken connection is restored, and continues after the last received event.
    """

    def __init__(
        self,
        transport: Transport,
        call: Call,
        read: Callable[[SentEvent], T | None],
        *,
        is_last: Callable[[T], bool] = lambda _event: False,
        timeout_s: float | None = None,
        away_s: float | None = AWAY_S,
    ) -> None:
        """Nothing is sent before the first event is requested.

        Args:
            transport: The connection to the gateway.
            call: The request of the stream.
            read: Reads an event; None for one to skip.
            is_last: Whether an event is the last one.
            timeout_s: Seconds from now; None for no limit.
            away_s: Seconds that the gateway may be away once it has answered; None for no limit.
        """
        self._transport = transport
        self._call = replace(call, headers={**call.headers, "Accept": MEDIA_TYPE})
        self._read = read
        self._is_last = is_last
        self._timeout_s = timeout_s
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._away_s = math.inf if away_s is None else away_s
        self._parser = EventParser()
        self._held: deque[SentEvent] = deque()
        self._bell = Bell()
        self._has_begun = False
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if (response := getattr(self, "_response", None)) is not None:
            abandon(response)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """The next event.

        Raises:
            StopIteration: The stream has ended, or was closed.
            WaitTimedOut: The time to follow is over.
            GatewayUnreachable: The gateway does not come back.
            ModelbusError: The gateway refuses the request.
        """
        while not self._bell.is_rung():
            while self._held:
                event = self._held.popleft()
                if event.name == "end":
                    self.close()
                    raise StopIteration
                if (read := self._read(event)) is not None:
                    if self._is_last(read):
                        self.close()
                    return read
            self._receive()
        raise StopIteration

    def close(self) -> None:
        """Close the stream; an iteration in another task or thread ends."""
        self._bell.ring()
        self._disconnect()

    def _receive(self) -> None:
        """Receive more events; reconnect after the end of a connection."""
        try:
            if self._remaining_s() == 0:
                raise WaitTimedOut(f"the stream {self._call.path} was followed for {self._timeout_s:g} s; it continues")
            if self._response is None:
                self._connect()
            else:
                self._read_chunk(self._response)
        except ModelbusError:
            is_closed = self._bell.is_rung()
            self.close()
            # an error after the stream was closed is of no interest
            if not is_closed:
                raise

    def _read_chunk(self, response: httpx.Response) -> None:
        assert self._chunks is not None  # set together with the answer
        chunk = None
        try:
            chunk = next_chunk(response, self._chunks, self._remaining_s())
        except (httpx.RequestError, httpx.StreamError) as error:
            log.info("the stream %s broke: %s", self._call.path, error)
        if chunk is None:
            self._disconnect()
        else:
            self._held.extend(self._parser.feed(chunk))

    def _connect(self) -> None:
        retry_s = self._transport.retry_s
        if self._has_begun:
            retry_s = self._away_s
            self._bell.wait(self._within(self._parser.retry_s))
        if self._bell.is_rung() or self._remaining_s() == 0:
            return
        response = self._transport.open(
            self._resumed(), self._bell, retry_s=self._within(retry_s), heartbeat_age_s=self._within(_SILENT_S)
        )
        self._has_begun = True
        if response is None:
            # the gateway has nothing more to send
            self.close()
            return
        self._response, self._chunks = response, response.iter_bytes()
        if self._bell.is_rung():
            # closed elsewhere while it was being opened
            self._disconnect()

    def _resumed(self) -> Call:
        last_id = self._parser.last_id
        if last_id is None:
            return self._call
        return replace(self._call, headers={**self._call.headers, "Last-Event-ID": last_id})

    def _disconnect(self) -> None:
        response, self._response, self._chunks = self._response, None, None
        if response is not None:
            end(response)
        self._parser.restart()

    def _within(self, seconds: float) -> float:
        """The seconds, or the remaining ones if they are fewer."""
        remaining_s = self._remaining_s()
        return seconds if remaining_s is None else min(seconds, remaining_s)

    def _remaining_s(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
