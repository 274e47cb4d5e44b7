"""How much waits to be done, and a refusal when that is too much, instead of a queue without end."""

import asyncio
import math
from dataclasses import dataclass
from typing import Final

from modelbus.shared.errors import backlog_full
from modelbus.shared.store.jobs.gateway_jobs import JobRecords

_COUNTED_S: Final = 1.0
"""Between two counts of one queue. What this gateway accepts in between is added."""
_RETRY_LIMITS_S: Final = (1, 60)
_RETRY_S: Final = 10
"""When to come again where nothing was seen to be done: the jobs may be long, or were not watched for long."""
_PART: Final = 0.1
"""Of a full backlog this part is to be done before callers come again: one at a time they would all be refused."""


@dataclass
class _Count:
    """What waited for one queue's workers."""

    waiting: int
    at: float
    accepted: int = 0
    """Since then, by this gateway."""
    done_per_s: float = 0.0
    """Between the last two counts."""


class Backlog:
    """The jobs that wait, by queue; to be used on the event loop."""

    def __init__(self, jobs: JobRecords, limit: int) -> None:
        """Args:
        jobs: Where they are counted.
        limit: How many may wait for one queue's workers.
        """
        self._jobs = jobs
        self._limit = limit
        self._counts: dict[str, _Count] = {}

    async def check(self, queue: str) -> None:
        """Refuse one more job where enough wait.

        Raises:
            BacklogFull: As many as may wait, or more; ``retry_after_s`` says when to come again.
            StoreUnavailable: MongoDB does not answer.
        """
        count = await self._counted(queue)
        if count.waiting + count.accepted < self._limit:
            return
        refused = backlog_full(queue, count.waiting + count.accepted, self._limit)
        refused.retry_after_s = self._retry_after_s(count)
        raise refused

    def add(self, queue: str) -> None:
        """Note that a job was accepted."""
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
