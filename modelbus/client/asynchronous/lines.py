"""Log lines of one path: the last ones, or a stream of them."""

from collections.abc import Mapping
from typing import Any, Final

from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.streams import AsyncStream
from modelbus.client.calls import Call, record_of
from modelbus.client.moment_texts import moment_text
from modelbus.client.observations import LogLine, LogPage, read_line

_PAGE_LIMIT: Final = 1000


class AsyncLines:
    """The log lines of a job, of a service, or of all services."""

    def __init__(self, transport: AsyncTransport, path: str) -> None:
        """Args:
        transport: The connection to the gateway.
        path: The path of the log lines.
        """
        self._transport = transport
        self._path = path

    async def last(self, count: int, **filters: Any) -> list[LogLine]:
        """The last lines, oldest first.

        Args:
            count: The maximum number of lines.
            filters: Further fields of the query string.
        """
        pages: list[list[LogLine]] = []
        cursor: str | None = None
        while count > 0:
            query = {"limit": min(count, _PAGE_LIMIT), "cursor": cursor, **_texts(filters)}
            page = record_of(LogPage, await self._transport.document("GET", self._path, **query))
            pages.append(page.lines)
            count -= len(page.lines)
            if (cursor := page.next) is None:
                break
        return [line for page_lines in reversed(pages) for line in page_lines]

    def follow(
        self, count: int, *, timeout_s: float | None, away_s: float | None, **filters: Any
    ) -> AsyncStream[LogLine]:
        """The last lines, and then each new one.

        Args:
            count: The maximum number of earlier lines, up to 1000.
            timeout_s: Seconds to follow; None for no limit.
            away_s: Seconds that the gateway may be away; None for no limit.
            filters: Further fields of the query string.
        """
        query = {"follow": "true", "limit": min(count, _PAGE_LIMIT), **_texts(filters)}
        call = Call("GET", self._path, query)
        return AsyncStream(self._transport, call, read_line, timeout_s=timeout_s, away_s=away_s)


def _texts(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: moment_text(value) if name == "since" else value for name, value in filters.items()}
