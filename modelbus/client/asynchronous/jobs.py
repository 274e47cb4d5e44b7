"""Jobs: read, list, cancel, replay."""

from collections.abc import Callable
from typing import Any

from modelbus.client.arguments.checking import Checked
from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.job import AsyncJob
from modelbus.client.asynchronous.table_downloads import read_table
from modelbus.client.calls import record_of
from modelbus.client.job_results import READERS
from modelbus.client.moment_texts import Moment, moment_text
from modelbus.client.shown.records import JobEntry
from modelbus.client.typed_answers import JobReport
from modelbus.shared.contracts import JobRecord, JobStatus

JobList = list[JobEntry]


class AsyncJobs(Checked):
    """All jobs."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(self, correlation_id: str) -> AsyncJob[Any]:
        """A job by its id.

        Raises:
            UnknownJob: No job has that id.
        """
        job: AsyncJob[Any] = AsyncJob(self._transport, correlation_id, reader_of(self._transport))
        await job.refresh()
        return job

    async def list(
        self,
        *,
        status: JobStatus | None = None,
        command: str | None = None,
        model: str | None = None,
        dataset: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: int = 50,
    ) -> JobList:
        """The newest jobs.

        Args:
            status: Only jobs of this status: ``queued``, ``running``, ``succeeded``, ``failed``, ``dead`` or
                ``cancelled``.
            command: Only jobs of this command, such as ``TrainModel``.
            model: Only jobs that train, use or evaluate this model.
            dataset: Only jobs that create or read this dataset.
            since: Only jobs accepted at or after this time: a time, or an age such as ``10m``.
            until: Only jobs accepted before this time.
            limit: The maximum number of jobs.
        """
        times = {"since": moment_text(since), "until": moment_text(until)}
        query = {"status": status, "command": command, "model": model, "dataset": dataset, **times}
        pages = self._transport.pages("/jobs", "jobs", limit=limit, page_limit=200, **query)
        return [record_of(JobEntry, one) async for page in pages for one in page]

    async def cancel(self, correlation_id: str) -> JobReport:
        """Cancel a job.

        Raises:
            UnknownJob, JobFinished: The job does not exist, or has ended.
        """
        return await (await self.get(correlation_id)).cancel()

    async def replay(self, correlation_id: str) -> AsyncJob[Any]:
        """Queue a failed, dead or cancelled job again.

        Raises:
            UnknownJob, JobFinished: The job does not exist, has succeeded, or has not ended.
        """
        job = await self.get(correlation_id)
        await job.replay()
        return job


def job_of_answer(transport: AsyncTransport, document: Any) -> AsyncJob[Any]:
    """A handle on a job in an answer of the gateway."""
    record = record_of(JobReport, document)
    job: AsyncJob[Any] = AsyncJob(transport, record.correlation_id, reader_of(transport))
    job.record = record
    return job


def reader_of(transport: AsyncTransport) -> Callable[[JobRecord], Any]:
    """A reader of results, typed by the job's command; results of unknown commands stay mappings."""

    def read(record: JobRecord) -> Any:
        if record.command == "PredictDataset":
            return read_table(transport, record)
        known = READERS.get(record.command)
        return record.result if known is None else known(record)

    return read
