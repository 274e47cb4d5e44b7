"""Reading server-sent events over a raw connection, with deadlines."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.e2e.api import Api

READ_S = 60.0


@dataclass(frozen=True)
class Event:
    """One event as it came."""

    name: str
    data: Any
    id: str | None


class EventReader:
    """Follows one path; ``close`` leaves."""

    def __init__(self, api: Api, path: str, headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection(api.host, api.port, timeout=READ_S)
        self._connection.request("GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        self.response = self._connection.getresponse()
        self.last_id: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def events(self) -> Iterator[Event]:
        """Yield events until the stream ends."""
        fields: dict[str, str] = {}
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif fields:
                self.last_id = fields.get("id", self.last_id)
                if "data" in fields:
                    yield Event(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id"))
                fields = {}

    def read_until(self, is_last: Callable[[Event], bool]) -> list[Event]:
        """The events up to the one that is waited for."""
        deadline = time.monotonic() + READ_S
        read = []
        for event in self.events():
            read.append(event)
            if is_last(event):
                return read
            assert time.monotonic() < deadline, read[-5:]
        raise AssertionError(f"the stream ended before: {read[-5:]}")
