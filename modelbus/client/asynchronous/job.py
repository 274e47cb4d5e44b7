"""A job: a handle to wait for its result, to follow it, and to read its logs and plots."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from modelbus.client.arguments.checking import Checked
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
from modelbus.client.shown.records import DrawnPlot, JobEntry
from modelbus.client.typed_answers import JobReport
from modelbus.shared.contracts import JobRecord, JobStatus, Progress
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.errors import JobCancelled, JobFinished

if TYPE_CHECKING:
    import os

T = TypeVar("T")

_LOOK_S: Final = 1.0
"""Seconds that the gateway waits for a job's end before it answers with the progress."""
_MINIMUM_S: Final = 0.1
"""The minimum of seconds between two requests, also if the gateway does not wait."""


class AsyncJob(Checked, Generic[T]):
    """One job. Its properties are as of the last answer; ``refresh`` asks the gateway."""

    def __init__(self, transport: AsyncTransport, correlation_id: str, read: Callable[[JobRecord], T]) -> None:
        """Args:
        transport: The connection to the gateway.
        correlation_id: The job's id.
        read: Reads the result of a succeeded job.
        """
        self._transport = transport
        self._read = read
        self.correlation_id = correlation_id
        """The job's id, in every record, event and log line."""
        self.record: JobReport | None = None
        """The job as of the last answer; None before the first."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.correlation_id} {self.status or 'of unknown status'}>"

    @property
    def status(self) -> JobStatus | None:
        """The status as of the last answer; None before the first."""
        return self.record.status if self.record else None

    @property
    def progress(self) -> Progress | None:
        """The progress as of the last answer."""
        return self.record.progress if self.record else None

    @property
    def has_ended(self) -> bool:
        """Whether the job had ended as of the last answer."""
        return self.status in TERMINAL_STATUSES

    async def refresh(self) -> JobReport:
        """Ask the gateway for the job.

        Raises:
            UnknownJob: No job has that id (any more).
        """
        return await self._look(0.0, None)

    async def changes(self, timeout_s: float | None = None) -> AsyncIterator[JobReport]:
        """Yield the job now, and then after each change of its status or progress, until it has ended.

        The wait outlasts a restart of the gateway.

        Args:
            timeout_s: Seconds to wait; None waits without limit.

        Raises:
            WaitTimedOut: The job has not ended in time. It continues.
            UnknownJob: No job has that id (any more).
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        seen: tuple[Any, ...] | None = None
        while True:
            began_at = time.monotonic()
            remaining_s = None if deadline is None else max(0.0, deadline - began_at)
            record = await self._look(_LOOK_S if remaining_s is None else min(_LOOK_S, remaining_s), remaining_s)
            state = (record.status, record.progress, record.attempt)
            if state != seen:
                seen = state
                yield record
            if record.status in TERMINAL_STATUSES:
                return
            if deadline is not None and time.monotonic() >= deadline:
                raise self._timed_out(record, timeout_s)
            await sleep(max(0.0, began_at + _MINIMUM_S - time.monotonic()))

    async def wait(self, timeout_s: float | None = None, *, progress: bool | None = None) -> JobReport:
        """Wait until the job has ended, successfully or not.

        Args:
            timeout_s: Seconds to wait; None waits without limit.
            progress: Whether to show a progress bar. Default: in terminals and notebooks only.

        Raises:
            WaitTimedOut: The job has not ended in time. It continues.
        """
        with job_display(progress) as show:
            async for record in self.changes(timeout_s):
                show(record)
        return record

    async def result(self, timeout_s: float | None = None, *, progress: bool | None = None) -> T:
        """Wait for the result.

        Args:
            timeout_s: Seconds to wait; None waits without limit.
            progress: Whether to show a progress bar. Default: in terminals and notebooks only.

        Raises:
            ModelbusError: The job has failed; the class follows from its code: ``EstimatorRejected``, …
            JobCancelled: The job was cancelled.
            WaitTimedOut: The job has not ended in time. It continues.
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
        """Cancel the job: a queued one at once, a running one within seconds.

        Raises:
            JobFinished: The job has ended already.
        """
        try:
            return await self._ask("DELETE", path_of("jobs", self.correlation_id))
        except JobFinished:
            record = await self.refresh()
            if record.status != "cancelled":
                raise
            # by an earlier try, whose answer was lost, or by another client
            return record

    async def replay(self) -> JobReport:
        """Queue a failed, dead or cancelled job again, with fresh attempts.

        Raises:
            JobFinished: The job has succeeded, or has not ended.
        """
        return await self._ask("POST", path_of("jobs", self.correlation_id, "replay"), is_repeatable=False)

    def events(self, timeout_s: float | None = None) -> AsyncStream[JobEntry]:
        """Follow the job: its state now, and then each change as it happens, until it has ended.

        ``changes`` yields whole records instead, and needs no permanent connection.

        Args:
            timeout_s: Seconds to follow; None for no limit.
        """
        return AsyncStream(
            self._transport,
            Call("GET", path_of("jobs", self.correlation_id, "events")),
            read_change,
            is_last=lambda one: one.status in TERMINAL_STATUSES,
            timeout_s=timeout_s,
        )

    async def logs(self, *, level: Level = "debug", since: Moment | None = None, limit: int = 200) -> list[LogLine]:
        """The last log lines of all services about the job, oldest first.

        Args:
            level: The minimum level.
            since: Only lines since then: a time, or an age such as ``10m``.
            limit: The maximum number of lines.

        Raises:
            UnknownJob: No job has that id (any more).
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
        """The last log lines about the job, and then each new one, until the job has ended.

        Args:
            level: The minimum level.
            since: Only lines since then: a time, or an age such as ``10m``.
            limit: The maximum number of earlier lines, up to 1000.
            timeout_s: Seconds to follow; None for no limit.
            away_s: Seconds that the gateway may be away; None for no limit.
        """
        return self._lines.follow(limit, timeout_s=timeout_s, away_s=away_s, level=level, since=since)

    async def plots(self) -> PlotNames:
        """The names of the plots of its result: of explanations, learning curves, drift reports and evaluations.

        Raises:
            NotFound: Such jobs have no plots.
            Conflict: The job has not succeeded (yet).
        """
        return await self._plots.names()

    async def plot(self, name: str) -> DrawnPlot:
        """One plot: the points behind it, and the picture that notebooks show.

        Raises:
            NotFound: The job has no plot of that name; the message lists its plots.
        """
        return await self._plots.get(name)

    async def download_plot(self, name: str, path: "str | os.PathLike[str]") -> Path:
        """Save a plot: a picture if the file's name ends in ``.svg``, its points if it ends in ``.json``.

        Returns:
            The path.

        Raises:
            NotFound: The job has no plot of that name.
            InvalidCommand: The file's name has another suffix.
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
            f"job {self.correlation_id} is still {record.status} after {timeout_s:g} s, and continues; to wait again: "
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
