"""Jobs: a handle on one that waits for its end and gives its result, and the list of all."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Generic, TypeVar

from modelbus.client.asynchronous.blocking import sleep
from modelbus.client.asynchronous.tables import AsyncPredictedTable
from modelbus.client.asynchronous.transport import AsyncTransport
from modelbus.client.calls import Call, known_error, path_of, record_of
from modelbus.client.errors import WaitTimedOut
from modelbus.client.progress import job_display
from modelbus.client.results import PredictionReport, Predictions, RowPage, TrainedVersion
from shared.contracts import DatasetRecord, EvaluationRecord, JobRecord, JobStatus, Progress
from shared.contracts.records import TERMINAL_STATUSES, JobSummary
from shared.contracts.results import CheckResult, PreviewResult
from shared.errors import JobCancelled, JobFinished

T = TypeVar("T")
JobList = list[JobSummary]

_LOOK_S: Final = 1.0
"""How long the gateway is asked to wait for the end, between two looks at the progress."""
_LEAST_S: Final = 0.1
"""So long at least between two looks, also where a gateway does not wait."""
_AWAY_S: Final = 300.0
"""So long a gateway may be away while somebody waits without a time limit."""


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
        self.record: JobRecord | None = None
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

    async def refresh(self) -> JobRecord:
        """Ask how it stands.

        Raises:
            UnknownJob: There is none of that id.
        """
        return await self._look(0.0, None)

    async def changes(self, timeout_s: float | None = None) -> AsyncIterator[JobRecord]:
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
            left_s = None if deadline is None else max(0.0, deadline - asked_at)
            record = await self._look(_LOOK_S if left_s is None else min(_LOOK_S, left_s), left_s)
            state = (record.status, record.progress, record.attempt)
            if state != seen:
                seen = state
                yield record
            if record.status in TERMINAL_STATUSES:
                return
            if deadline is not None and time.monotonic() >= deadline:
                raise self._timed_out(record, timeout_s)
            await sleep(max(0.0, asked_at + _LEAST_S - time.monotonic()))

    async def wait(self, timeout_s: float | None = None, *, progress: bool | None = None) -> JobRecord:
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

    async def cancel(self) -> JobRecord:
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

    async def replay(self) -> JobRecord:
        """Queue it once more, with fresh attempts, after it failed, died or was cancelled.

        Raises:
            JobFinished: It has succeeded, or has not ended.
        """
        return await self._ask("POST", path_of("jobs", self.correlation_id, "replay"), is_repeatable=False)

    def _timed_out(self, record: JobRecord, timeout_s: float | None) -> WaitTimedOut:
        error = WaitTimedOut(
            f"job {self.correlation_id} is still {record.status} after {timeout_s:g} s. It goes on: wait again with "
            f"client.jobs.get({self.correlation_id!r}).result()"
        )
        error.correlation_id = self.correlation_id
        return error

    async def _look(self, wait_s: float, left_s: float | None) -> JobRecord:
        call = Call("GET", path_of("jobs", self.correlation_id), {"wait": f"{wait_s:g}"}, wait_s=wait_s)
        retry_s = None if not wait_s else _AWAY_S if left_s is None else left_s
        return self._heard((await self._transport.send(call, retry_s=retry_s)).document)

    async def _ask(self, method: str, path: str, *, is_repeatable: bool = True) -> JobRecord:
        call = Call(method, path, is_repeatable=is_repeatable)
        return self._heard((await self._transport.send(call)).document)

    def _heard(self, document: Any) -> JobRecord:
        self.record = record_of(JobRecord, document)
        return self.record


class AsyncJobs:
    """All jobs."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(self, correlation_id: str) -> AsyncJob[Any]:
        """A job by its id.

        Raises:
            UnknownJob: There is none of that id.
        """
        job: AsyncJob[Any] = AsyncJob(self._transport, correlation_id, self._read)
        await job.refresh()
        return job

    async def list(
        self, *, status: JobStatus | None = None, command: str | None = None, limit: int = 50, **filters: Any
    ) -> JobList:
        """The newest jobs.

        Args:
            status: Only those: ``queued``, ``running``, ``succeeded``, ``failed``, ``dead``, ``cancelled``.
            command: Only those, such as ``TrainModel``.
            limit: How many at most.
            filters: Every other filter of ``GET /jobs``: ``model``, ``dataset``, ``since``, ``until``.
        """
        query = {"status": status, "command": command, **filters}
        pages = self._transport.pages("/jobs", "jobs", limit=limit, page_limit=200, **query)
        return [record_of(JobSummary, one) async for page in pages for one in page]

    async def cancel(self, correlation_id: str) -> JobRecord:
        """Cancel a job.

        Raises:
            UnknownJob, JobFinished: There is nothing to cancel.
        """
        return await (await self.get(correlation_id)).cancel()

    async def replay(self, correlation_id: str) -> AsyncJob[Any]:
        """Queue a failed, dead or cancelled job once more.

        Raises:
            UnknownJob, JobFinished: There is nothing to replay.
        """
        job = await self.get(correlation_id)
        await job.replay()
        return job

    def _read(self, record: JobRecord) -> Any:
        """The result of a job, typed by its command; a plain mapping for commands that this client does not know."""
        readers: dict[str, Callable[[JobRecord], Any]] = {
            "TrainModel": read_training,
            "RetrainModel": read_training,
            "CheckTraining": lambda one: record_of(CheckResult, one.result),
            "ProfileDataset": read_dataset,
            "PreviewDataset": lambda one: record_of(PreviewResult, one.result),
            "ReadRows": lambda one: record_of(RowPage, one.result),
            "Predict": read_predictions,
            "PredictDataset": lambda one: read_table(self._transport, one),
            "EvaluateModel": read_evaluation,
            "EvaluatePredictions": read_evaluation,
        }
        read = readers.get(record.command)
        return record.result if read is None else read(record)


def read_training(record: JobRecord) -> TrainedVersion:
    """What a training made."""
    return record_of(TrainedVersion, record.result)


def read_dataset(record: JobRecord) -> DatasetRecord:
    """What an upload made."""
    return record_of(DatasetRecord, _part(record, "dataset"))


def read_evaluation(record: JobRecord) -> EvaluationRecord:
    """What an evaluation found."""
    return record_of(EvaluationRecord, _part(record, "evaluation"))


def read_predictions(record: JobRecord) -> Predictions:
    """What was predicted for rows."""
    return record_of(Predictions, {**(record.result or {}), "correlation_id": record.correlation_id})


def read_table(transport: AsyncTransport, record: JobRecord) -> AsyncPredictedTable:
    """What was predicted for a dataset."""
    told = record_of(PredictionReport, {**(record.result or {}), "correlation_id": record.correlation_id})
    return AsyncPredictedTable(transport, told)


def _part(record: JobRecord, name: str) -> Any:
    return (record.result or {}).get(name)
