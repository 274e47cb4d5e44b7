"""A job: a handle that waits for its end and gives its result, follows it, and shows what it made."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from modelbus.client.asynchronous.blocking import sleep
from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.lines import AsyncLines
from modelbus.client.asynchronous.plots import AsyncPlots, PlotNames
from modelbus.client.asynchronous.streams import AsyncStream
from modelbus.client.calls import AWAY_S, Call, known_error, path_of, record_of
from modelbus.client.client_errors import WaitTimedOut
from modelbus.client.moment_texts import Moment
from modelbus.client.observations import Level, LogLine, read_change
from modelbus.client.progress import job_display
from modelbus.client.typed_answers import JobReport
from modelbus.shared.contracts import JobRecord, JobStatus, Progress
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES, JobSummary
from modelbus.shared.contracts.records.plot_points import Plot
from modelbus.shared.errors import JobCancelled, JobFinished

if TYPE_CHECKING:
    import os

T = TypeVar("T")

_LOOK_S: Final = 1.0
"""How long the gateway is asked to wait for the end, between two looks at the progress."""
_LEAST_S: Final = 0.1
"""So long at least between two looks, also where a gateway does not wait."""


class AsyncJob(Generic[T]):
    """One job. What it says of itself is what was last heard; ``refresh`` asks."""

    def __init__(self, transport: AsyncTransport, correlation_id: str, read: Callable[[JobRecord], T]) -> None:
        """Args:
        transport: The way to its gateway.
        correlation_id: Its id.
        read: Makes the result of a job that succeeded.
        """
        self._transport = transport
        self._read = read
        self.correlation_id = correlation_id
        """The job's id, in every record, event and log line."""
        self.record: JobReport | None = None
        """The job as it was last heard of; None before the first look."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.correlation_id} {self.status or 'not looked at yet'}>"

    @property
    def status(self) -> JobStatus | None:
        """The status as it was last heard of; None before the first look."""
        return self.record.status if self.record else None

    @property
    def progress(self) -> Progress | None:
        """How far it is, as it was last heard of."""
        return self.record.progress if self.record else None

    @property
    def has_ended(self) -> bool:
        """Whether it was heard to have ended."""
        return self.status in TERMINAL_STATUSES

    async def refresh(self) -> JobReport:
        """Ask how it stands.

        Raises:
            UnknownJob: There is none of that id.
        """
        return await self._look(0.0, None)

    async def changes(self, timeout_s: float | None = None) -> AsyncIterator[JobReport]:
        """Yield the job as it is, then each time its status or progress has changed, until it has ended.

        A gateway that is restarted meanwhile is waited for.

        Args:
            timeout_s: Seconds to wait; without limit if None.

        Raises:
            WaitTimedOut: It has not ended by then. The job goes on.
            UnknownJob: There is none of that id.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        seen: tuple[Any, ...] | None = None
        while True:
            asked_at = time.monotonic()
            remaining_s = None if deadline is None else max(0.0, deadline - asked_at)
            record = await self._look(_LOOK_S if remaining_s is None else min(_LOOK_S, remaining_s), remaining_s)
            state = (record.status, record.progress, record.attempt)
            if state != seen:
                seen = state
                yield record
            if record.status in TERMINAL_STATUSES:
                return
            if deadline is not None and time.monotonic() >= deadline:
                raise self._timed_out(record, timeout_s)
            await sleep(max(0.0, asked_at + _LEAST_S - time.monotonic()))

    async def wait(self, timeout_s: float | None = None, *, progress: bool | None = None) -> JobReport:
        """Wait until the job has ended, well or not.

        Args:
            timeout_s: Seconds to wait; without limit if None.
            progress: Whether to show a bar; by default where somebody looks: in a terminal or a notebook.

        Raises:
            WaitTimedOut: It has not ended by then. The job goes on.
        """
        with job_display(progress) as show:
            async for record in self.changes(timeout_s):
                show(record)
        return record

    async def result(self, timeout_s: float | None = None, *, progress: bool | None = None) -> T:
        """Wait for the job's end and give its result.

        Args:
            timeout_s: Seconds to wait; without limit if None.
            progress: Whether to show a bar; by default where somebody looks: in a terminal or a notebook.

        Raises:
            ModelbusError: What the job failed of, by its code: ``EstimatorRejected``, ``MalformedTable``, ...
            JobCancelled: Somebody cancelled it.
            WaitTimedOut: It has not ended by then. The job goes on.
        """
        record = await self.wait(timeout_s, progress=progress)
        if record.status == "succeeded":
            return self._read(record)
        if record.error is None:
            error = known_error(JobCancelled.code, f"job {self.correlation_id} was cancelled")
        else:
            error = known_error(record.error.code, record.error.message, record.error.details)
        error.correlation_id = self.correlation_id
        raise error

    async def cancel(self) -> JobReport:
        """Cancel it: at once while it waits, within a heartbeat while it runs.

        Raises:
            JobFinished: It has ended already.
        """
        try:
            return await self._ask("DELETE", path_of("jobs", self.correlation_id))
        except JobFinished:
            record = await self.refresh()
            if record.status != "cancelled":
                raise
            # By an earlier try, whose answer was lost, or by somebody else.
            return record

    async def replay(self) -> JobReport:
        """Queue it once more, with fresh attempts, after it failed, died or was cancelled.

        Raises:
            JobFinished: It has succeeded, or has not ended.
        """
        return await self._ask("POST", path_of("jobs", self.correlation_id, "replay"), is_repeatable=False)

    def events(self, timeout_s: float | None = None) -> AsyncStream[JobSummary]:
        """Follow it: how it stands, and then each change until it has ended, as the gateway tells it.

        ``changes`` gives whole records instead, and needs no connection that stays.

        Args:
            timeout_s: Seconds to follow; without limit if None.
        """
        return AsyncStream(
            self._transport,
            Call("GET", path_of("jobs", self.correlation_id, "events")),
            read_change,
            is_last=lambda one: one.status in TERMINAL_STATUSES,
            timeout_s=timeout_s,
        )

    async def logs(self, *, level: Level = "debug", since: Moment | None = None, limit: int = 200) -> list[LogLine]:
        """What all services logged about it: the last lines, oldest first.

        Args:
            level: The least level.
            since: No older ones.
            limit: How many at most.

        Raises:
            UnknownJob: There is no such job (any more).
        """
        return await self._lines.last(limit, level=level, since=since)

    def follow_logs(
        self,
        *,
        level: Level = "debug",
        since: Moment | None = None,
        limit: int = 200,
        timeout_s: float | None = None,
        away_s: float | None = AWAY_S,
    ) -> AsyncStream[LogLine]:
        """The last lines about it, and then each that comes, until it has ended.

        Args:
            level: The least level.
            since: No older ones.
            limit: How many from before, 1000 at most.
            timeout_s: Seconds to follow; without limit if None.
            away_s: So long the gateway may be away; without limit if None.
        """
        return self._lines.follow(limit, timeout_s=timeout_s, away_s=away_s, level=level, since=since)

    async def plots(self) -> PlotNames:
        """The names of what was drawn of its result: of explanations, learning curves, drift and evaluations.

        Raises:
            NotFound: Nothing is drawn of such a job.
            Conflict: It has not succeeded (yet).
        """
        return await self._plots.names()

    async def plot(self, name: str) -> Plot:
        """A plot as the points behind it.

        Raises:
            NotFound: There is none of that name; the message names those that there are.
        """
        return await self._plots.get(name)

    async def download_plot(self, name: str, path: "str | os.PathLike[str]") -> Path:
        """Save a plot: as a picture (``.svg``), or as its points (``.json``), as the file's name says.

        Returns:
            The path.

        Raises:
            NotFound: There is none of that name.
            InvalidCommand: The file's name says neither.
        """
        return await self._plots.download(name, path)

    @property
    def _lines(self) -> AsyncLines:
        return AsyncLines(self._transport, path_of("jobs", self.correlation_id, "logs"))

    @property
    def _plots(self) -> AsyncPlots:
        return AsyncPlots(self._transport, "jobs", self.correlation_id)

    def _timed_out(self, record: JobReport, timeout_s: float | None) -> WaitTimedOut:
        error = WaitTimedOut(
            f"job {self.correlation_id} is still {record.status} after {timeout_s:g} s. It goes on: wait again with "
            f"client.jobs.get({self.correlation_id!r}).result()"
        )
        error.correlation_id = self.correlation_id
        return error

    async def _look(self, wait_s: float, remaining_s: float | None) -> JobReport:
        call = Call("GET", path_of("jobs", self.correlation_id), {"wait": f"{wait_s:g}"}, wait_s=wait_s)
        retry_s = None if not wait_s else AWAY_S if remaining_s is None else remaining_s
        return self._heard((await self._transport.send(call, retry_s=retry_s)).document)

    async def _ask(self, method: str, path: str, *, is_repeatable: bool = True) -> JobReport:
        call = Call(method, path, is_repeatable=is_repeatable)
        return self._heard((await self._transport.send(call)).document)

    def _heard(self, document: Any) -> JobReport:
        self.record = record_of(JobReport, document)
        return self.record
