"""Writes log lines to MongoDB: a document holds the lines that one process logged within a moment.

One document for many lines keeps logging cheap at thousands of lines per second. The fields that are searched stand
beside the lines: service, the highest level, the jobs, the times. ``stored`` is the server's own clock, which no two
documents share: the order of arrival, by which readers follow (``log_reading``).
"""

import os
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from bson import ObjectId, Timestamp
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from modelbus.shared.observing.log_shipper import LoggedLine, LogShipper
from modelbus.shared.observing.log_text import LEVELS
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import FAST, Document, open_store, store_errors
from modelbus.shared.store.drivers.worker_store import WorkerStore
from modelbus.shared.store.indexes import LOG_BATCHES
from modelbus.shared.store.logs.log_queries import LogBatchDocument, oldest_but
from modelbus.shared.store.records.services import worker_name

SPAN_S: Final = 60.0
"""The maximum time between the first and the last line of a batch, so that a reader knows where to stop."""
_LINE_LIMIT_BYTES: Final = 64 * 1024
_KEPT: Final = ("timestamp", "level", "service", "event", "correlation_id", "pid")
_DUPLICATE_KEY: Final = 11000
_OPTIONS: Final[dict[str, Any]] = {
    # A thread of its own, which must give up soon: its process may be stopping.
    "maxPoolSize": 2,
    "serverSelectionTimeoutMS": 2000,
    "connectTimeoutMS": 2000,
    "socketTimeoutMS": 5000,
}


class LogBatches:
    """Writes the lines of one process; to be used by one thread."""

    def __init__(self, database: Database[Document], service: str, *, retention_s: float) -> None:
        self._store = WorkerStore(database, FAST)
        self._batches = self._store.collection(LOG_BATCHES)
        self._service, self._instance = service, worker_name(service)
        self._host, self._pid = socket.gethostname(), os.getpid()
        self._retention = timedelta(seconds=retention_s)

    def batch(self, lines: Sequence[LoggedLine]) -> list[LogBatchDocument]:
        """The documents for some lines; they have their ids already, so that writing them may be repeated."""
        return [self._document(group) for group in _grouped(lines)]

    def write(self, batch: list[LogBatchDocument]) -> None:
        """Insert documents; those that are there already stay.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        with store_errors():
            try:
                self._batches.insert_many([dict(one) for one in batch], ordered=False)
            except BulkWriteError as error:
                if any(fault["code"] != _DUPLICATE_KEY for fault in error.details["writeErrors"]):
                    raise

    def close(self) -> None:
        """Close the connection to MongoDB."""
        self._batches.database.client.close()

    def trim(self, limit_bytes: int) -> int:
        """Remove the oldest batches while the total size is above a limit; returns how many were removed.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        with store_errors():
            stats = next(iter(self._batches.aggregate([{"$collStats": {"storageStats": {}}}])))["storageStats"]
        if stats["size"] <= limit_bytes:
            return 0
        surplus = int((stats["size"] - limit_bytes) / stats["avgObjSize"]) + 1
        last = self._store.one(oldest_but(surplus - 1))
        return 0 if last is None else self._store.delete_all(LOG_BATCHES, {"last_at": {"$lte": last["last_at"]}})

    def _document(self, lines: Sequence[tuple[datetime, LoggedLine]]) -> LogBatchDocument:
        moments = [moment for moment, _ in lines]
        return {
            "_id": ObjectId(),
            "service": self._service,
            "instance": self._instance,
            "host": self._host,
            "pid": self._pid,
            "stored": Timestamp(0, 0),  # the server puts its own time there
            "first_at": min(moments),
            "last_at": max(moments),
            "level": max(LEVELS.get(line.level, 0) for _, line in lines),
            "correlation_ids": sorted({one for _, line in lines for one in line.correlation_ids}),
            "lines": [_bounded(line.text) for _, line in lines],
            "expires_at": datetime.now(UTC) + self._retention,
        }


def _grouped(lines: Sequence[LoggedLine]) -> Iterator[list[tuple[datetime, LoggedLine]]]:
    """Split lines into groups that are close in time; the lines of an outage of the store may span hours."""
    group: list[tuple[datetime, LoggedLine]] = []
    for line in lines:
        moment = datetime.fromisoformat(line.timestamp)
        if group and abs((moment - group[0][0]).total_seconds()) > SPAN_S / 2:
            yield group
            group = []
        group.append((moment, line))
    if group:
        yield group


def _bounded(text: bytes) -> str:
    """The line; if it is far too long, only the fields that every line has."""
    if len(text) > _LINE_LIMIT_BYTES:
        fields = orjson.loads(text)
        kept = {name: fields[name] for name in _KEPT if name in fields}
        text = orjson.dumps({**kept, "cut": f"{len(text)} bytes; see stdout for the whole line"})
    return text.decode()


def open_log_shipper(settings: Settings, service: str) -> LogShipper | None:
    """The log writer of this process, to be started after its fork server; None if the settings turn it off."""
    if not settings.log_shipping:
        return None
    batches = LogBatches(open_store(settings, **_OPTIONS), service, retention_s=settings.log_retention_s)
    return LogShipper(batches, buffer_bytes=settings.log_buffer_bytes)
