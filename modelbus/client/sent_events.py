"""A parser of server-sent events, as in the section "event stream" of the HTML standard.

Lines end with CR LF, LF or CR only: a line separator of Unicode (U+2028) inside a log line is text.
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
    """One event."""

    name: str
    """The event's name, such as ``log``; ``message`` by default."""
    data: Any
    """Its data, parsed from JSON."""


def is_event_stream(response: httpx.Response) -> bool:
    """Whether an answer is a stream of events."""
    kind: str = response.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip() == MEDIA_TYPE


class EventParser:
    """Parses the events of one stream, over any number of connections."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        """The id of the last complete event that had one, from which to resume."""
        self.retry_s = _RETRY_S
        """Seconds to wait before a reconnection, as requested by the gateway."""
        self.restart()

    def restart(self) -> None:
        """Discard an incomplete event after the end of a connection; it will be sent again."""
        self._rest = b""
        self._name, self._data, self._id = "", list[bytes](), self.last_id

    def feed(self, chunk: bytes) -> Iterator[SentEvent]:
        """Parse a chunk of any length.

        Yields:
            The events that it completes.

        Raises:
            UnexpectedAnswer: The data of an event is not JSON.
        """
        whole = self._rest + chunk
        # the LF of a CR LF may come with the next chunk
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
            raise UnexpectedAnswer(f"the data of an event {name!r} is not JSON: {data[:100]!r}") from error
