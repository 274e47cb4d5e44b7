"""Log lines of one place: the last ones, or followed as they come."""

from collections.abc import Mapping
from typing import Any, Final

from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.streams import AsyncStream
from modelbus.client.calls import Call, record_of
from modelbus.client.moment_texts import moment_text
from modelbus.client.observations import LogLine, LogPage, read_line

_PAGE_LIMIT: Final = 1000


class AsyncLines:
    """What was logged, of a job, of a service, or of all."""

    def __init__(self, transport: AsyncTransport, path: str) -> None:
        """Args:
        transport: The way to its gateway.
        path: Where the lines are.
        """
        self._transport = transport
        self._path = path

    async def last(self, count: int, **filters: Any) -> list[LogLine]:
        """The last lines, oldest first; page by page into the past.

        Args:
            count: How many at most.
            filters: What the query string says beside.
        """
        pages: list[list[LogLine]] = []
        cursor: str | None = None
        while count > 0:
            query = {"limit": min(count, _PAGE_LIMIT), "cursor": cursor, **_said(filters)}
            page = record_of(LogPage, await self._transport.document("GET", self._path, **query))
            pages.append(page.lines)
            count -= len(page.lines)
            if (cursor := page.next) is None:
                break
        return [line for page_lines in reversed(pages) for line in page_lines]

    def follow(
        self, count: int, *, timeout_s: float | None, away_s: float | None, **filters: Any
    ) -> AsyncStream[LogLine]:
        """The last lines, and then each that comes.

        Args:
            count: How many from before, 1000 at most.
            timeout_s: Seconds to follow; without limit if None.
            away_s: So long the gateway may be away; without limit if None.
            filters: What the query string says beside.
        """
        query = {"follow": "true", "limit": min(count, _PAGE_LIMIT), **_said(filters)}
        call = Call("GET", self._path, query)
        return AsyncStream(self._transport, call, read_line, timeout_s=timeout_s, away_s=away_s)


def _said(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: moment_text(value) if name == "since" else value for name, value in filters.items()}
