"""The shapes of batches of log lines in MongoDB, and the queries about them."""

from datetime import datetime
from typing import Final, TypedDict

from bson import ObjectId, Timestamp

from modelbus.shared.store.indexes import LOG_BATCHES
from modelbus.shared.store.operation import Document
from modelbus.shared.store.queries import Query, shape

_SETTLED_MS: Final = 200
"""A batch becomes visible within this many milliseconds of its ``stored``, not always in the order of arrival."""
_SETTLED: Final[Document] = {
    # A timestamp counts within its second, so it is settled when its second is over.
    "$expr": {
        "$lt": [
            {"$tsSecond": "$stored"},
            {"$toLong": {"$floor": {"$divide": [{"$subtract": [{"$toLong": "$$NOW"}, _SETTLED_MS]}, 1000]}}},
        ]
    }
}


class ReadBatch(TypedDict):
    """The fields of a batch that are read for its lines."""

    _id: ObjectId
    instance: str
    """The process that logged them."""
    last_at: datetime
    lines: list[str]
    """JSON, one document per line."""


class LogBatchDocument(ReadBatch):
    """A whole batch."""

    service: str
    host: str
    pid: int
    stored: Timestamp
    """When it arrived, by the server's clock."""
    first_at: datetime
    level: int
    """The highest level of its lines."""
    correlation_ids: list[str]
    """The correlation ids that its lines name."""
    expires_at: datetime


class TimedBatch(TypedDict):
    """When the last line of a batch was logged."""

    last_at: datetime


class ArrivedBatch(TypedDict):
    """When a batch arrived."""

    stored: Timestamp


class NamedBatch(TypedDict):
    """A batch by its id."""

    _id: ObjectId


_READ: Final = shape(ReadBatch)
_TIMED: Final = shape(TimedBatch)
_ARRIVED: Final = shape(ArrivedBatch)
_NAMED: Final = shape(NamedBatch)


def any_batch_of(service: str) -> Query[NamedBatch]:
    """Any batch of a service."""
    return Query(LOG_BATCHES, {"service": service}, _NAMED, limit=1)


def oldest_but(count: int) -> Query[TimedBatch]:
    """The oldest batch after skipping some that are older."""
    return Query(LOG_BATCHES, {}, _TIMED, (("last_at", 1),), limit=1, skip=count)


def newest_batches(wanted: Document, batch_size: int) -> Query[ReadBatch]:
    """Batches that match, by their last lines, the newest first."""
    return Query(LOG_BATCHES, wanted, _READ, (("last_at", -1),), batch_size=batch_size)


def arrived_batches(wanted: Document, *, after: Timestamp, until: Timestamp) -> Query[ReadBatch]:
    """Batches that match and arrived in an interval that includes its end."""
    return Query(LOG_BATCHES, {**wanted, "stored": {"$gt": after, "$lte": until}}, _READ)


def newest_arrival() -> Query[ArrivedBatch]:
    """The last batch before which no other can become visible any more."""
    return Query(LOG_BATCHES, _SETTLED, _ARRIVED, (("stored", -1),), 1)


def next_arrivals(wanted: Document, *, after: Timestamp, limit: int) -> Query[ArrivedBatch]:
    """The first matching batches since a moment, up to where no other can become visible any more."""
    return Query(LOG_BATCHES, {**wanted, "stored": {"$gt": after}, **_SETTLED}, _ARRIVED, (("stored", 1),), limit)
