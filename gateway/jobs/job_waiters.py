"""Waiting for jobs to end: one event wakes many waiters, and one query reads for all of them.

An event names jobs that may have ended; their records are authoritative. A poll covers missed events.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import structlog

from modelbus.shared.contracts.documents.job_documents import EndedJob
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.store.jobs.gateway_jobs import JobRecords

log = structlog.get_logger()

_POLL_S: Final = 1.0
_READ_LIMIT: Final = 1000


class JobWaiters:
    """The waiters for the ends of jobs; for use on the event loop."""

    def __init__(self, jobs: JobRecords) -> None:
        self._jobs = jobs
        self._waiting: defaultdict[str, set[asyncio.Future[EndedJob]]] = defaultdict(set)
        self._heard: set[str] = set()
        self._wake = asyncio.Event()
        self._reader = asyncio.create_task(self._read(), name="job-reader")

    def hear(self, events: list[dict[str, Any]]) -> None:
        """Process events; only the ends of awaited jobs matter."""
        named = {str(event.get("correlation_id")) for event in events if event.get("status") in TERMINAL_STATUSES}
        ended = named & self._waiting.keys()
        if ended:
            self._heard |= ended
            self._wake.set()

    def register(self, correlation_id: str) -> asyncio.Future[EndedJob]:
        """Start to wait; call it before the command is sent, so that no event is missed."""
        future: asyncio.Future[EndedJob] = asyncio.get_running_loop().create_future()
        self._waiting[correlation_id].add(future)
        return future

    def forget(self, correlation_id: str, future: asyncio.Future[EndedJob]) -> None:
        """Stop waiting."""
        future.cancel()
        waiting = self._waiting.get(correlation_id)
        if waiting is not None:
            waiting.discard(future)
            if not waiting:
                del self._waiting[correlation_id]

    async def wait(self, correlation_id: str, future: asyncio.Future[EndedJob], timeout_s: float) -> EndedJob | None:
        """Wait for the end of a registered job; None if it has not ended in time."""
        try:
            return await asyncio.wait_for(asyncio.shield(future), timeout_s)
        except TimeoutError:
            return None
        finally:
            self.forget(correlation_id, future)

    async def close(self) -> None:
        """Stop reading."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        polled_at = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_S)
            self._wake.clear()
            candidates, self._heard = self._heard, set()
            if loop.time() - polled_at >= _POLL_S:
                # Also those whose event was missed, however many others are heard.
                polled_at = loop.time()
                candidates |= self._waiting.keys()
            try:
                await self._resolve(candidates)
            except Exception as error:  # noqa: BLE001 - see the comment
                # Whatever it is, those who wait must not wait for a reader that is gone.
                log.warning("waiting.read_postponed", reason=f"{type(error).__name__}: {error}")
                self._heard |= candidates
                await asyncio.sleep(_POLL_S)

    async def _resolve(self, candidates: Iterable[str]) -> None:
        wanted = [correlation_id for correlation_id in candidates if correlation_id in self._waiting]
        for start in range(0, len(wanted), _READ_LIMIT):
            for job in await self._jobs.find_ended(wanted[start : start + _READ_LIMIT]):
                for future in self._waiting.pop(job["_id"], ()):
                    if not future.done():
                        future.set_result(job)
