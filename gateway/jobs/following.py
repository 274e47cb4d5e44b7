"""Following jobs: an event says that a job has changed, its record says how."""

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
"""Under which the application keeps who follows which job."""
_POLL_S: Final = 2.0
"""After so many seconds without an event the record is read all the same: events are hints, and may be lost."""
_HELD_LIMIT: Final = 1000
"""Events that are held for a reader of all of them who is slow."""
_UNTOLD: Final = frozenset({"updated_at", "expires_at"})
"""What changes with every heartbeat."""


class JobFollowers:
    """Who follows which job; to be used on the event loop."""

    def __init__(self) -> None:
        self._following: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._listeners: set[Listener] = set()

    def hear(self, events: list[dict[str, Any]]) -> None:
        """Wake those who follow a job that an event names, and hand all events to those who listen to all."""
        for listener in self._listeners:
            listener.hear(events)
        for event in events:
            for changed in self._following.get(str(event.get("correlation_id")), ()):
                changed.set()

    @contextlib.contextmanager
    def listen(self) -> Iterator["Listener"]:
        """Hear the events of all jobs."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @contextlib.contextmanager
    def follow(self, correlation_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the job may have changed."""
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
    """Holds what was heard until its reader takes it; of a reader who is too slow, the newest."""

    def __init__(self) -> None:
        self._held: deque[dict[str, Any]] = deque(maxlen=_HELD_LIMIT)
        self._missed = 0
        self._heard = asyncio.Event()

    def hear(self, events: list[dict[str, Any]]) -> None:
        """Take some events."""
        self._missed += max(len(self._held) + len(events) - _HELD_LIMIT, 0)
        self._held.extend(events)
        self._heard.set()

    async def take(self) -> tuple[list[dict[str, Any]], int]:
        """Wait for events; all that are held, and how many were dropped before them."""
        await self._heard.wait()
        self._heard.clear()
        taken, missed = list(self._held), self._missed
        self._held.clear()
        self._missed = 0
        return taken, missed


async def heard_events(
    followers: JobFollowers, is_wanted: Callable[[Mapping[str, Any]], bool]
) -> AsyncGenerator[StreamEvent, None]:
    """What the services tell each other, from now on.

    Args:
        followers: Where to listen.
        is_wanted: Which events are told.

    Yields:
        Events named as the bus names them (``JobChanged``, ``DriftFound``), and ``missed`` with a ``count`` where the
        reader was slow.
    """
    with followers.listen() as listener:
        while True:
            events, missed = await listener.take()
            if missed:
                yield StreamEvent("missed", {"count": missed})
            for event in filter(is_wanted, events):
                yield StreamEvent(str(event.get("event", "event")), event)


def state_id(job: ListedJob) -> str:
    """Names how a job stands: the same for the same status, attempt, progress and error."""
    told = {name: value for name, value in job_summary(job).items() if name not in _UNTOLD}
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


async def job_changes(
    jobs: JobRecords, followers: JobFollowers, correlation_id: str, after: str | None
) -> AsyncGenerator[StreamEvent, None]:
    """How a job stands, and then each change until it has ended.

    Args:
        jobs: The jobs.
        followers: Where to be woken.
        correlation_id: The job.
        after: The id of the last event that the reader got; how the job stood then is not told again.

    Yields:
        Events named ``status`` when the status or the attempt changed, else ``progress``. What came and went between
        two of them is not told: each tells all of how the job stands.
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
