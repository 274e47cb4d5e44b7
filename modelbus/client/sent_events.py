"""Server-sent events as they are read: bytes in, events out, as the HTML standard's "event stream" has them.

Lines end with CR LF, LF or CR and nothing else: a line separator of Unicode (U+2028) inside a log line is text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from modelbus.client.client_errors import UnexpectedAnswer
from modelbus.client.json_bytes import document_of

MEDIA_TYPE: Final = "text/event-stream"
_END_OF_LINE: Final = re.compile(rb"\r\n|\n|\r")
_RETRY_S: Final = 2.0


@dataclass(frozen=True)
class SentEvent:
    """One event as it was sent."""

    name: str
    """What happened, such as ``log``; ``message`` where that is not said."""
    data: Any
    """What is told of it, from JSON."""


def is_event_stream(response: httpx.Response) -> bool:
    """Whether an answer is a stream of events."""
    kind: str = response.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip() == MEDIA_TYPE


class EventParser:
    """Reads one gateway's events, over as many connections as it takes."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        """From where to go on: the id of the last event that came whole and had one."""
        self.retry_s = _RETRY_S
        """Seconds to wait before asking again, as the gateway wishes."""
        self.restart()

    def restart(self) -> None:
        """A connection ended: what came of an event that is not whole is forgotten; it will come again."""
        self._rest = b""
        self._name, self._data, self._id = "", list[bytes](), self.last_id

    def feed(self, chunk: bytes) -> Iterator[SentEvent]:
        """Take a piece of the stream, of any length.

        Yields:
            The events that it makes whole.

        Raises:
            UnexpectedAnswer: What an event tells is no JSON.
        """
        whole = self._rest + chunk
        # of CR LF the LF may come with the next piece
        is_truncated = whole.endswith(b"\r")
        *lines, rest = _END_OF_LINE.split(whole[:-1] if is_truncated else whole)
        self._rest = rest + b"\r" if is_truncated else rest
        for line in lines:
            if line:
                self._take(line)
            elif (event := self._finished()) is not None:
                yield event

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"event":
                self._name = value.decode("utf-8", "replace")
            case b"data":
                self._data.append(value)
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace") or None
            case b"retry" if value.isdigit() and len(value) < 7:
                self.retry_s = int(value) / 1000

    def _finished(self) -> SentEvent | None:
        name, data = self._name or "message", b"\n".join(self._data)
        self._name, self._data, self.last_id = "", [], self._id
        if not data:
            return None
        try:
            return SentEvent(name, document_of(data))
        except ValueError as error:
            raise UnexpectedAnswer(f"an event {name!r} of the gateway is no JSON: {data[:100]!r}") from error
