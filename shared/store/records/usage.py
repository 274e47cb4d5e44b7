"""The usage of a model version: requests, rows and their incidents, counted over the version's life.

Counts are statistics, not records: they are collected in memory and written periodically, and what a killed
predictor had not written yet is lost.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import structlog
from pymongo import UpdateOne
from pymongo.database import Database

from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.store.connection import FAST, Document, store_errors
from modelbus.shared.store.indexes import USAGE

log = structlog.get_logger()

_FLUSH_S: Final = 2.0


class UsageCounter:
    """Collects counts and writes them periodically; safe to share between threads."""

    def __init__(self, database: Database[Document]) -> None:
        self._usage = database.get_collection(USAGE, write_concern=FAST)
        self._counts: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()
        self._flushed_at = time.monotonic()

    def add(self, version_id: str, *, requests: int, rows: int, report: Mapping[str, Mapping[str, int]]) -> None:
        """Count the requests and rows that a version answered.

        Args:
            version_id: The correlation id of the job that made the version: names are used again, ids are not.
            requests: How many requests.
            rows: How many rows they had.
            report: Rows by incident (``coerced``, ``unseen``, ``missing``, ``extra``) and column.
        """
        with self._lock:
            counts = self._counts.setdefault(version_id, Counter())
            counts["requests"] += requests
            counts["rows"] += rows
            for incident, columns in report.items():
                for column, count in columns.items():
                    counts[f"report.{incident}.{_field(column)}"] += count

    def flush(self, *, is_last: bool = False) -> None:
        """Write the collected counts if it is time to; while MongoDB is unavailable they are kept."""
        if not self._counts or (time.monotonic() - self._flushed_at < _FLUSH_S and not is_last):
            return
        self._flushed_at = time.monotonic()
        with self._lock:
            taken, self._counts = self._counts, {}
        now = {"$currentDate": {"updated_at": True}}
        writes = [UpdateOne({"_id": key}, {"$inc": dict(counts), **now}, upsert=True) for key, counts in taken.items()]
        try:
            with store_errors():
                self._usage.bulk_write(writes, ordered=False)
        except StoreUnavailable as error:
            log.warning("usage.not_written", reason=error.message)
            self._keep(taken)

    def _keep(self, taken: Mapping[str, Counter[str]]) -> None:
        with self._lock:
            for key, counts in taken.items():
                self._counts.setdefault(key, Counter()).update(counts)


def _field(column: str) -> str:
    """A column's name as a field name: MongoDB reads a dot as a path, and a dollar sign as an operator."""
    return quote(column, safe="").replace(".", "%2E")  # dots are safe in an address
