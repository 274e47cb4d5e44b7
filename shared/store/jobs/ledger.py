"""The jobs, for workers: the operations of the protocol, with pymongo."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from modelbus.shared.contracts import Progress
from modelbus.shared.contracts.documents.job_documents import AnsweredJob, ErrorDocument, JobDocument, SentJob
from modelbus.shared.errors import LeaseLost, ModelbusError
from modelbus.shared.settings import Settings
from modelbus.shared.store import job_queries
from modelbus.shared.store.connection import ANSWER_S, FAST, Document, store_errors
from modelbus.shared.store.drivers.worker_store import WorkerStore
from modelbus.shared.store.indexes import JOBS
from modelbus.shared.store.job_queries import ANSWERED, JOB, NAMED, SENT, WATCHED
from modelbus.shared.store.jobs import protocol, repair
from modelbus.shared.store.jobs.acceptance import require_same
from modelbus.shared.store.jobs.binding import bind, use_of_job
from modelbus.shared.store.jobs.repair import Waiting
from modelbus.shared.store.operation import Claim, NewJob, Operation, Terms
from modelbus.shared.store.queries import by_id

_DAY_S = 24 * 3600.0
_DUPLICATE_KEY = 11000
_MINIMUM_ANSWER_S = 0.5
_BATCH = 200
"""Maximum jobs that a sweep repairs."""


def terms_of(settings: Settings) -> Terms:
    """The protocol's times, from the settings."""
    return Terms(
        lease_s=settings.lease_s,
        republish_s=settings.republish_s,
        retry_backoff_s=settings.retry_backoff_s,
        job_retention_s=settings.job_retention_days * _DAY_S,
        dead_retention_s=settings.dead_retention_days * _DAY_S,
        max_attempts=settings.max_attempts,
    )


@dataclass(frozen=True)
class FinishedJob:
    """A job that ended before it was recorded, with its result or its error."""

    job: NewJob
    result: dict[str, Any] | None
    error: ErrorDocument | None


def error_document(error: ModelbusError) -> ErrorDocument:
    """An error as a job keeps it."""
    return {"code": error.code, "message": error.message, "details": error.details}


class JobLedger:
    """Reads and writes jobs; safe to share between threads.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: Database[Document], terms: Terms, worker: str) -> None:
        """Args:
        database: Where the jobs are.
        terms: The protocol's times.
        worker: Who claims: unique for each process, such as ``trainer-host-1234``.
        """
        self._beat_within_s = min(ANSWER_S, max(_MINIMUM_ANSWER_S, terms.lease_s / 3))
        self._store = WorkerStore(database, within_s=ANSWER_S)
        self._fast_store = WorkerStore(database, FAST)
        self._terms = terms
        self._worker = worker

    def accept(self, job: NewJob) -> JobDocument:
        """Record a job, bound to the datasets that it reads as they are now (docs/adr/0022).

        Again with the same id and specification gives the job that is there.

        Raises:
            CorrelationIdReused: The id belongs to a job with another specification or owner.
        """
        operation = protocol.accept(replace(job, datasets=bind(self._store, job.use)), self._terms)
        return require_same(self._store.upsert(JOBS, operation, JOB), job)

    def find(self, correlation_id: str) -> JobDocument | None:
        """Read one job, whole."""
        return self._store.one(by_id(JOBS, correlation_id, JOB))

    def probe(self) -> None:
        """Ask MongoDB for one small thing, to learn whether it answers."""
        self._store.one(by_id(JOBS, "", NAMED))

    def claim(self, correlation_id: str) -> tuple[Claim, JobDocument] | None:
        """Take a job that is due; None when there is nothing to take (finished, taken, not due, unknown)."""
        document = self._run(protocol.claim(correlation_id, self._worker, self._terms))
        return (self._claim_of(document), document) if document else None

    def heartbeat(self, claim: Claim, progress: Progress | None = None) -> bool:
        """Extend the lease.

        Returns:
            Whether the job is to be cancelled.

        Raises:
            LeaseLost: The job belongs to another worker now.
        """
        noted = progress.model_dump(mode="json") if progress else None
        # One that hangs must leave time for the next one before the lease ends.
        beat = protocol.heartbeat(claim, noted, self._terms)
        document = self._store.change(JOBS, beat, WATCHED, within_s=self._beat_within_s)
        if document is None:
            raise LeaseLost
        return bool(document["cancel_requested"])

    def commit(self, claim: Claim, outcome: Document) -> bool:
        """Record what the work gave; False when the job was cancelled before.

        Raises:
            LeaseLost: The job belongs to another worker now.
        """
        if self._store.change(JOBS, protocol.commit(claim, outcome, self._terms), NAMED) is not None:
            return True
        document = self.find(claim.correlation_id)
        if document and document["status"] == "running" and document["fence"] == claim.fence:
            # With an outcome, the first try arrived and its answer was lost; without one, the job was cancelled.
            return document["outcome"] is not None
        raise LeaseLost

    def complete(self, claim: Claim, result: dict[str, Any]) -> JobDocument:
        """End the job with its result.

        Raises:
            LeaseLost: The job belongs to another worker now.
        """
        return self._end(claim, protocol.complete(claim, result, self._terms))

    def fail(self, claim: Claim, error: ModelbusError) -> JobDocument:
        """End the job with its error, or queue its next attempt when the error is retryable and attempts are left.

        Raises:
            LeaseLost: The job belongs to another worker now.
        """
        operation = protocol.fail(claim, error_document(error), is_retryable=error.is_retryable, terms=self._terms)
        return self._end(claim, operation)

    def end_failed(self, claim: Claim, error: ErrorDocument) -> JobDocument:
        """End the job with an error that was recorded elsewhere already, for good.

        Raises:
            LeaseLost: The job belongs to another worker now.
        """
        return self._end(claim, protocol.fail(claim, error, is_retryable=False, terms=self._terms))

    def end_queued(self, correlation_id: str, error: ErrorDocument) -> JobDocument | None:
        """End a queued job that cannot be begun; None when it is not queued."""
        return self._run(protocol.end_queued(correlation_id, error, self._worker, self._terms))

    def cancelled(self, claim: Claim) -> JobDocument:
        """End a job that was stopped because it was cancelled.

        Raises:
            LeaseLost: The job belongs to another worker now.
        """
        return self._end(claim, protocol.cancelled(claim, self._terms))

    def release(self, claim: Claim) -> JobDocument | None:
        """Hand the job back; None when it is not this worker's any more."""
        return self._run(protocol.release(claim, self._terms))

    def is_ended_for_a_reason(self, claim: Claim) -> bool:
        """Whether the job's cancellation has a reason: then nothing is kept of it, and it is not asked to end early."""
        return self._store.one(job_queries.ended_for_a_reason(claim)) is not None

    def request_cancel(self, correlation_id: str) -> JobDocument | None:
        """Cancel; None when there is nothing to cancel."""
        return self._run(protocol.request_cancel(correlation_id, self._terms))

    def replay(self, correlation_id: str) -> JobDocument | None:
        """Queue an unsuccessful job once more, bound anew; None when it is not one."""
        job = self.find(correlation_id)
        if job is None:
            return None
        return self._run(protocol.replay(correlation_id, self._terms, bind(self._store, use_of_job(job))))

    def record_finished(self, finished: Sequence[FinishedJob], *, is_durable: bool = True) -> dict[str, AnsweredJob]:
        """Record jobs that ended before they were recorded: one insert for all; those already known get an update.

        Args:
            finished: The jobs with their results or errors.
            is_durable: False waits for the primary only (``w: 1``): for predictions whose caller is still there.

        Returns:
            By correlation id, the jobs that were known already, as they are now: what was to be recorded of them
            counts only if they ended by it. All others are recorded as they were given.
        """
        if not finished:
            return {}
        store = self._store if is_durable else self._fast_store
        jobs = store.collection(JOBS)
        now = datetime.now(UTC)
        with store_errors():
            try:
                jobs.insert_many([self._finished_document(one, now) for one in finished], ordered=False)
            except BulkWriteError as error:
                faults = error.details["writeErrors"]
                if any(fault["code"] != _DUPLICATE_KEY for fault in faults):
                    raise
                return self.finish_recorded([finished[fault["index"]] for fault in faults], is_durable=is_durable)
        return {}

    def finish_recorded(self, finished: Sequence[FinishedJob], *, is_durable: bool = True) -> dict[str, AnsweredJob]:
        """As ``record_finished``, of jobs that are known to be recorded."""
        if not finished:
            return {}
        store = self._store if is_durable else self._fast_store
        with store_errors():
            store.collection(JOBS).bulk_write([self._finish_queued(one) for one in finished], ordered=False)
        ids = [one.job.correlation_id for one in finished]
        return {document["_id"]: document for document in store.all(job_queries.answered_jobs(ids))}

    def count_waiting(self, queue: str) -> int:
        """How many jobs of a queue are queued."""
        return self._store.count(JOBS, job_queries.waiting_on(queue))

    def find_queued(self, correlation_ids: Sequence[str]) -> list[JobDocument]:
        """Those of some jobs that wait to be done, whole, in one query."""
        return self._store.all(job_queries.queued_jobs(correlation_ids))

    def find_ended(self, correlation_ids: Sequence[str]) -> dict[str, AnsweredJob]:
        """Those of some jobs that have ended, by correlation id, in one query."""
        ended = self._store.all(job_queries.ended_jobs(correlation_ids, ANSWERED))
        return {document["_id"]: document for document in ended}

    def _finished_document(self, one: FinishedJob, now: datetime) -> Document:
        return protocol.finished_document(
            one.job, result=one.result, error=one.error, worker=self._worker, terms=self._terms, now=now
        )

    def _finish_queued(self, one: FinishedJob) -> UpdateOne:
        operation = protocol.finish_queued(
            one.job, result=one.result, error=one.error, worker=self._worker, terms=self._terms
        )
        return UpdateOne(operation.filter, operation.update)

    def lapse(self) -> Iterator[JobDocument]:
        """Take every running job whose lease has lapsed from its worker; yields each as it is now."""
        for correlation_id in self._ids(repair.lapsed(is_committed=False)):
            if document := self._run(repair.lapse(correlation_id, self._terms)):
                yield document

    def take_over_committed(self) -> Iterator[tuple[Claim, JobDocument]]:
        """Take every committed job whose worker died before finishing it."""
        for correlation_id in self._ids(repair.lapsed(is_committed=True)):
            document = self._run(repair.take_over_committed(correlation_id, self._worker, self._terms))
            if document:
                yield self._claim_of(document), document

    def due_for_publication(self, queue: str, waiting: Waiting) -> Iterator[SentJob]:
        """Reserve queued jobs whose message must be lost; yields each, to be published by the caller."""
        for correlation_id in self._ids(repair.due_for_publication(queue, waiting)):
            operation = repair.republish(correlation_id, queue, self._terms, waiting)
            if document := self._store.change(JOBS, operation, SENT):
                yield document

    def _ids(self, wanted: Document) -> list[str]:
        return [job["_id"] for job in self._store.all(job_queries.some_ids(wanted, _BATCH))]

    def _end(self, claim: Claim, operation: Operation) -> JobDocument:
        document = self._run(operation)
        if document is not None:
            return document
        # The answer of a write that arrived may have been lost: then the job has ended under this very fence.
        document = self.find(claim.correlation_id)
        if document and document["fence"] == claim.fence and document["status"] != "running":
            return document
        raise LeaseLost

    def _claim_of(self, document: JobDocument) -> Claim:
        return Claim(correlation_id=document["_id"], fence=document["fence"], worker=self._worker)

    def _run(self, operation: Operation) -> JobDocument | None:
        return self._store.change(JOBS, operation, JOB)
