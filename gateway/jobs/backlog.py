"""The limit of waiting jobs, which refuses further jobs instead of an endless queue."""

import asyncio
import math
from dataclasses import dataclass
from typing import Final

from modelbus.shared.errors import backlog_full
from modelbus.shared.store.jobs.gateway_jobs import JobRecords

_COUNTED_S: Final = 1.0
"""The seconds between two counts of a queue. Jobs accepted by this gateway in between are added."""
_RETRY_LIMITS_S: Final = (1, 60)
_RETRY_S: Final = 10
"""The retry delay in seconds if no job was seen to end."""
_PART: Final = 0.1
"""The fraction of a full backlog that should be done before clients retry; otherwise most of them would be refused
again."""


@dataclass
class _Count:
    """The waiting jobs of a queue at one time."""

    waiting: int
    at: float
    accepted: int = 0
    """The number of jobs accepted since then by this gateway."""
    done_per_s: float = 0.0
    """The rate between the last two counts."""


class Backlog:
    """The waiting jobs by queue; for use on the event loop."""

    def __init__(self, jobs: JobRecords, limit: int) -> None:
        """Args: jobs: The store of jobs. limit: The maximum number of waiting jobs per queue."""
        self._jobs = jobs
        self._limit = limit
        self._counts: dict[str, _Count] = {}

    async def check(self, queue: str) -> None:
        """Check that one more job may wait.

        Raises:
            BacklogFull: The limit is reached; ``retry_after_s`` has the retry delay.
            StoreUnavailable: MongoDB is not responding.
        """
        count = await self._counted(queue)
        if count.waiting + count.accepted < self._limit:
            return
        refused = backlog_full(queue, count.waiting + count.accepted, self._limit)
        refused.retry_after_s = self._retry_after_s(count)
        raise refused

    def add(self, queue: str) -> None:
        """Count an accepted job."""
        if queue in self._counts:
            self._counts[queue].accepted += 1

    async def _counted(self, queue: str) -> _Count:
        now = asyncio.get_running_loop().time()
        known = self._counts.get(queue)
        if known is not None and now - known.at < _COUNTED_S:
            return known
        seconds = _COUNTED_S if known is None else now - known.at
        if known is not None:
            known.at = now  # whoever asks while this one counts takes what is known
        waiting = await self._jobs.count_waiting(queue)
        counted = _Count(waiting, now)
        if known is not None:
            counted.done_per_s = max(0, known.waiting + known.accepted - waiting) / seconds
        self._counts[queue] = counted
        return counted

    def _retry_after_s(self, count: _Count) -> int:
        least, most = _RETRY_LIMITS_S
        if count.done_per_s <= 0:
            return _RETRY_S
        return min(max(math.ceil(self._limit * _PART / count.done_per_s), least), most)
