"""All jobs: read, listed, cancelled, replayed."""

from collections.abc import Callable
from typing import Any

from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.job import AsyncJob
from modelbus.client.asynchronous.table_downloads import read_table
from modelbus.client.calls import record_of
from modelbus.client.job_results import READERS
from modelbus.client.moment_texts import Moment, moment_text
from modelbus.client.typed_answers import JobReport
from modelbus.shared.contracts import JobRecord, JobStatus
from modelbus.shared.contracts.records.job_records import JobSummary

JobList = list[JobSummary]


class AsyncJobs:
    """All jobs."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(self, correlation_id: str) -> AsyncJob[Any]:
        """A job by its id.

        Raises:
            UnknownJob: There is none of that id.
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
            status: Only those: ``queued``, ``running``, ``succeeded``, ``failed``, ``dead``, ``cancelled``.
            command: Only those, such as ``TrainModel``.
            model: Only those that train, ask or measure this model.
            dataset: Only those that make, read or learn from this dataset.
            since: Only those that were accepted then or later: a time, or an age such as ``10m``.
            until: Only those that were accepted before.
            limit: How many at most.
        """
        times = {"since": moment_text(since), "until": moment_text(until)}
        query = {"status": status, "command": command, "model": model, "dataset": dataset, **times}
        pages = self._transport.pages("/jobs", "jobs", limit=limit, page_limit=200, **query)
        return [record_of(JobSummary, one) async for page in pages for one in page]

    async def cancel(self, correlation_id: str) -> JobReport:
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


def job_told(transport: AsyncTransport, document: Any) -> AsyncJob[Any]:
    """A handle on a job that the gateway has just told of."""
    record = record_of(JobReport, document)
    job: AsyncJob[Any] = AsyncJob(transport, record.correlation_id, reader_of(transport))
    job.record = record
    return job


def reader_of(transport: AsyncTransport) -> Callable[[JobRecord], Any]:
    """What reads the result of any job, typed by its command; a plain mapping where this client does not know it."""

    def read(record: JobRecord) -> Any:
        if record.command == "PredictDataset":
            return read_table(transport, record)
        known = READERS.get(record.command)
        return record.result if known is None else known(record)

    return read
