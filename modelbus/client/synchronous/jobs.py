# Made from ../asynchronous/jobs.py by tools/twin.py: change it there, then run `make twin`.
"""All jobs: read, listed, cancelled, replayed."""

from collections.abc import Callable
from typing import Any

from modelbus.client.calls import record_of
from modelbus.client.job_results import READERS
from modelbus.client.moment_texts import Moment, moment_text
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.synchronous.job import Job
from modelbus.client.synchronous.table_downloads import read_table
from modelbus.client.typed_answers import JobReport
from modelbus.shared.contracts import JobRecord, JobStatus
from modelbus.shared.contracts.records.job_records import JobSummary

JobList = list[JobSummary]


class Jobs:
    """All jobs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, correlation_id: str) -> Job[Any]:
        """A job by its id.

        Raises:
            UnknownJob: There is none of that id.
        """
        job: Job[Any] = Job(self._transport, correlation_id, reader_of(self._transport))
        job.refresh()
        return job

    def list(
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
        return [record_of(JobSummary, one) for page in pages for one in page]

    def cancel(self, correlation_id: str) -> JobReport:
        """Cancel a job.

        Raises:
            UnknownJob, JobFinished: There is nothing to cancel.
        """
        return (self.get(correlation_id)).cancel()

    def replay(self, correlation_id: str) -> Job[Any]:
        """Queue a failed, dead or cancelled job once more.

        Raises:
            UnknownJob, JobFinished: There is nothing to replay.
        """
        job = self.get(correlation_id)
        job.replay()
        return job


def job_told(transport: Transport, document: Any) -> Job[Any]:
    """A handle on a job that the gateway has just told of."""
    record = record_of(JobReport, document)
    job: Job[Any] = Job(transport, record.correlation_id, reader_of(transport))
    job.record = record
    return job


def reader_of(transport: Transport) -> Callable[[JobRecord], Any]:
    """What reads the result of any job, typed by its command; a plain mapping where this client does not know it."""

    def read(record: JobRecord) -> Any:
        if record.command == "PredictDataset":
            return read_table(transport, record)
        known = READERS.get(record.command)
        return record.result if known is None else known(record)

    return read
