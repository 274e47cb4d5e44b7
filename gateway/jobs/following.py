"""Following jobs: an event announces a change of a job, its record has the details."""

import asyncio
import contextlib
import hashlib
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from modelbus.gateway.http.answers import job_summary
from modelbus.gateway.jobs.event_stream import StreamEvent
from modelbus.shared.contracts.documents.job_documents import ListedJob
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.store.job_queries import LISTED
from modelbus.shared.store.jobs.gateway_jobs import JobRecords

FOLLOWERS: web.AppKey["JobFollowers"] = web.AppKey("followers")
"""The key of the followers in the application."""
_POLL_S: Final = 2.0
"""The number of seconds without an event after which the record is read anyway, since events may be lost."""
_HELD_LIMIT: Final = 1000
"""The number of events buffered for a slow client of all events."""
_UNTOLD: Final = frozenset({"updated_at", "expires_at"})
"""The fields that change with every heartbeat."""


class JobFollowers:
    """The followers of each job; for use on the event loop."""

    def __init__(self) -> None:
        self._following: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._listeners: set[Listener] = set()

    def hear(self, events: list[dict[str, Any]]) -> None:
        """Wake the followers of the jobs in some events, and pass all events to the listeners."""
        for listener in self._listeners:
            listener.hear(events)
        for event in events:
            for changed in self._following.get(str(event.get("correlation_id")), ()):
                changed.set()

    @contextlib.contextmanager
    def listen(self) -> Iterator["Listener"]:
        """Listen to the events of all jobs."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @contextlib.contextmanager
    def follow(self, correlation_id: str) -> Iterator[asyncio.Event]:
        """An asyncio event that is set whenever the job may have changed."""
        changed = asyncio.Event()
        self._following[correlation_id].add(changed)
        try:
            yield changed
        finally:
            followers = self._following[correlation_id]
            followers.discard(changed)
            if not followers:
                del self._following[correlation_id]


class Listener:
    """Buffers events for a client; for a slow client, only the newest."""

    def __init__(self) -> None:
        self._held: deque[dict[str, Any]] = deque(maxlen=_HELD_LIMIT)
        self._missed = 0
        self._heard = asyncio.Event()

    def hear(self, events: list[dict[str, Any]]) -> None:
        """Add events."""
        self._missed += max(len(self._held) + len(events) - _HELD_LIMIT, 0)
        self._held.extend(events)
        self._heard.set()

    async def take(self) -> tuple[list[dict[str, Any]], int]:
        """Wait for events; returns all buffered events, and the number dropped before them."""
        await self._heard.wait()
        self._heard.clear()
        taken, missed = list(self._held), self._missed
        self._held.clear()
        self._missed = 0
        return taken, missed


async def heard_events(
    followers: JobFollowers, is_wanted: Callable[[Mapping[str, Any]], bool]
) -> AsyncGenerator[StreamEvent, None]:
    """The events of the services from now on.

    Args:
        followers: The followers to listen to.
        is_wanted: Selects events.

    Yields:
        Events with their names on the bus (``JobChanged``, ``DriftFound``), and ``missed`` with a ``count`` if the
        client was too slow.
    """
    with followers.listen() as listener:
        while True:
            events, missed = await listener.take()
            if missed:
                yield StreamEvent("missed", {"count": missed})
            for event in filter(is_wanted, events):
                yield StreamEvent(str(event.get("event", "event")), event)


def state_id(job: ListedJob) -> str:
    """Identifies the state of a job: its status, attempt, progress and error."""
    told = {name: value for name, value in job_summary(job).items() if name not in _UNTOLD}
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


async def job_changes(
    jobs: JobRecords, followers: JobFollowers, correlation_id: str, after: str | None
) -> AsyncGenerator[StreamEvent, None]:
    """The state of a job, then each change until it has ended.

    Args:
        jobs: The store of jobs.
        followers: The followers to register with.
        correlation_id: The job.
        after: The id of the last event that the client received; this state is not repeated.

    Yields:
        Events named ``status`` if the status or the attempt changed, otherwise ``progress``. Each has the complete
        state, so intermediate states may be skipped.
    """
    told, stood = after, None
    with followers.follow(correlation_id) as changed:
        while True:
            changed.clear()
            job = await jobs.find_part(correlation_id, LISTED)
            if (state := state_id(job)) != told:
                stands = (job["status"], job["attempt"])
                yield StreamEvent("progress" if stands == stood else "status", job_summary(job), state)
                told, stood = state, stands
            if job["status"] in TERMINAL_STATUSES:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _POLL_S)
