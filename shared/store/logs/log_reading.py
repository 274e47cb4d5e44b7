"""Reads log lines from MongoDB: the last ones in order of time, and the ones that arrive after them.

A reader of the past gets the lines of all services in the order of their times. A reader that follows gets
stretches in the order of arrival, each sorted by time: a line that arrives late, from a service that could not reach
MongoDB, is delivered late and never missed. A stretch is only read when nothing more can be added to it, so a reader
can continue from every position in it (a ``Place``) later, without loss or repetition.
"""

import heapq
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from bson import Timestamp
from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.observing.log_text import LEVELS
from modelbus.shared.store.connection import Document
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.logs import log_queries
from modelbus.shared.store.logs.log_batches import SPAN_S
from modelbus.shared.store.logs.log_queries import ReadBatch

_STRETCH_BATCHES: Final = 32
"""The number of batches read at once, each of up to a megabyte."""
_BEGINNING: Final = Timestamp(0, 1)


@dataclass(frozen=True)
class LogQuery:
    """Which lines a request selects.

    Attributes:
        services: Whose; all when there are none.
        correlation_id: Only lines about this job.
        level: The minimum level.
        since: No older ones.
    """

    services: tuple[str, ...] = ()
    correlation_id: str | None = None
    level: str = "debug"
    since: datetime | None = None

    def batches(self) -> Document:
        """The filter for the batches that may hold such lines."""
        query: Document = {"level": {"$gte": LEVELS[self.level]}} if self.level != "debug" else {}
        if self.services:
            query["service"] = {"$in": list(self.services)}
        if self.correlation_id:
            query["correlation_ids"] = self.correlation_id
        if self.since:
            query["last_at"] = {"$gte": self.since}
        return query


@dataclass(frozen=True, order=True)
class Line:
    """One line: when it was logged, its id among all lines, and its fields."""

    at: datetime
    id: str
    fields: dict[str, Any] = field(compare=False)


def arrival_text(arrived: Timestamp) -> str:
    """Write a moment of arrival as text."""
    return f"{arrived.time}.{arrived.inc}"


def arrival(text: str) -> Timestamp:
    """Read a moment of arrival from a text.

    Raises:
        ValueError: It is out of range.
    """
    seconds, _, count = text.partition(".")
    return Timestamp(int(seconds), int(count))


@dataclass(frozen=True)
class Place:
    """A reader's position: a number of lines before the end of those that arrived after ``start``, up to ``end``.

    Counted from the end, because old lines may expire meanwhile. Without ``start`` it covers everything that had
    arrived by ``end``: there following begins.
    """

    start: Timestamp | None
    end: Timestamp
    left: int


@dataclass(frozen=True)
class Stretch:
    """The lines that arrived after ``start`` and up to ``end``, in the order of their times."""

    start: Timestamp | None
    end: Timestamp
    lines: list[Line]
    is_full: bool = False
    """Whether more lines may be waiting already."""

    def places(self) -> Iterator[tuple[Line, Place]]:
        """Each line with the position after it."""
        for number, line in enumerate(self.lines, 1):
            yield line, Place(self.start, self.end, len(self.lines) - number)


class LogLines:
    """Reads lines back, for the gateway.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._store = GatewayStore(database)

    async def knows(self, service: str) -> bool:
        """Whether any line of a service is kept."""
        return await self._store.one(log_queries.any_batch_of(service)) is not None

    async def last(
        self,
        query: LogQuery,
        limit: int,
        *,
        before: tuple[datetime, str] | None = None,
        arrived_by: Timestamp | None = None,
    ) -> list[Line]:
        """The last selected lines, in the order of their times.

        Args:
            query: Which.
            limit: How many at most.
            before: Only those before the line of this time and id.
            arrived_by: Only lines that had arrived by then.
        """
        batches = query.batches()
        if before:
            latest = before[0] + timedelta(seconds=SPAN_S)
            batches["last_at"] = {**batches.get("last_at", {}), "$lte": latest}
            batches["first_at"] = {"$lte": before[0]}
        if arrived_by:
            batches["stored"] = {"$lte": arrived_by}
        kept: list[Line] = []
        async with aclosing(self._store.each(log_queries.newest_batches(batches, _STRETCH_BATCHES))) as found:
            async for batch in found:
                if not limit or (len(kept) == limit and kept[0].at > batch["last_at"]):
                    break  # no older batch has a line that is newer than the oldest of these
                for line in _lines_of(batch, query):
                    if before is None or (line.at, line.id) < before:
                        _keep(kept, line, limit)
        return sorted(kept)

    async def present(self) -> Timestamp:
        """The moment up to which no more lines can arrive."""
        newest = await self._store.one(log_queries.newest_arrival())
        return _BEGINNING if newest is None else newest["stored"]

    async def recent(self, query: LogQuery, limit: int) -> Stretch:
        """The last lines of all that have arrived so far: there following begins."""
        end = await self.present()
        return Stretch(None, end, await self.last(query, limit, arrived_by=end))

    async def rest(self, query: LogQuery, place: Place) -> Stretch:
        """The lines that a reader at a position has not had yet, up to the end of its stretch."""
        if place.start is None:
            return Stretch(None, place.end, await self.last(query, place.left, arrived_by=place.end))
        lines = await self._arrived(query, place.start, place.end)
        return Stretch(place.start, place.end, lines[len(lines) - place.left :] if place.left < len(lines) else lines)

    async def following(self, query: LogQuery, start: Timestamp) -> Stretch:
        """The next stretch after ``start`` to which no more lines can be added."""
        arrivals = log_queries.next_arrivals(query.batches(), after=start, limit=_STRETCH_BATCHES)
        ends = await self._store.all(arrivals)
        if not ends:
            return Stretch(start, start, [])
        end = ends[-1]["stored"]
        lines = await self._arrived(query, start, end)
        return Stretch(start, end, lines, is_full=len(ends) == _STRETCH_BATCHES)

    async def _arrived(self, query: LogQuery, after: Timestamp, until: Timestamp) -> list[Line]:
        read = await self._store.all(log_queries.arrived_batches(query.batches(), after=after, until=until))
        return sorted(line for batch in read for line in _lines_of(batch, query))


def _keep(kept: list[Line], line: Line, limit: int) -> None:
    """Add a line to a heap of the newest ones."""
    if len(kept) < limit:
        heapq.heappush(kept, line)
    else:
        heapq.heappushpop(kept, line)


def _lines_of(batch: ReadBatch, query: LogQuery) -> Iterator[Line]:
    for number, text in enumerate(batch["lines"]):
        fields = _fields(text)
        if fields is not None and _is_wanted(fields, query):
            at = datetime.fromisoformat(fields["timestamp"])
            if query.since is None or at >= query.since:
                yield Line(at, f"{batch['_id']}-{number:05}", _shown(fields, batch, query))


def _fields(text: str) -> dict[str, Any] | None:
    try:
        fields: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None  # what another release wrote, or somebody else
    return fields


def _is_wanted(fields: dict[str, Any], query: LogQuery) -> bool:
    if LEVELS.get(fields["level"], 0) < LEVELS[query.level]:
        return False
    wanted = query.correlation_id
    return not wanted or fields.get("correlation_id") == wanted or wanted in fields.get("correlation_ids", ())


def _shown(fields: dict[str, Any], batch: ReadBatch, query: LogQuery) -> dict[str, Any]:
    """The line as it was written, with its instance; if one job was asked for, it names only that job."""
    shown = {**fields, "instance": batch["instance"]}
    if query.correlation_id and "correlation_ids" in shown:
        shown["together"] = len(shown.pop("correlation_ids"))
        shown["correlation_id"] = query.correlation_id
    return shown
