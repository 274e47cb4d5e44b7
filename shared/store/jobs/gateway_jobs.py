"""The jobs, for the gateway, with asyncio; ``ledger`` is for workers."""

from collections.abc import Sequence
from dataclasses import replace

from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.contracts.documents.dataset_documents import ListedDataset
from modelbus.shared.contracts.documents.job_documents import (
    EndedJob,
    EvaluatingJob,
    JobDocument,
    KnownJob,
    ListedJob,
)
from modelbus.shared.errors import JobFinished, ModelbusError, UnknownJob
from modelbus.shared.store import job_queries
from modelbus.shared.store.connection import Document
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.indexes import JOBS
from modelbus.shared.store.job_queries import JOB
from modelbus.shared.store.jobs import protocol
from modelbus.shared.store.jobs.acceptance import require_same
from modelbus.shared.store.jobs.binding import bind_async, use_of_job
from modelbus.shared.store.jobs.ledger import error_document
from modelbus.shared.store.operation import NewJob, Terms
from modelbus.shared.store.queries import After, D, Shape, by_id


class JobRecords:
    """Reads and changes jobs, for the gateway.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document], terms: Terms) -> None:
        self._store = GatewayStore(database)
        self._terms = terms

    async def accept(self, job: NewJob) -> JobDocument:
        """Record a job, bound to the datasets that it reads as they are now (docs/adr/0022).

        Again with the same id and specification gives the job that is there.

        Raises:
            CorrelationIdReused: The id belongs to a job with another specification or owner.
        """
        bound = replace(job, datasets=await bind_async(self._store, job.use))
        return require_same(await self._store.upsert(JOBS, protocol.accept(bound, self._terms), JOB), job)

    async def find(self, correlation_id: str) -> JobDocument:
        """Read one job, whole.

        Raises:
            UnknownJob: There is none of that id.
        """
        return await self.find_part(correlation_id, JOB)

    async def find_part(self, correlation_id: str, part: Shape[D]) -> D:
        """Read a part of one job; the parts are in ``job_queries``.

        Raises:
            UnknownJob: There is none of that id.
        """
        document = await self._store.one(by_id(JOBS, correlation_id, part))
        if document is None:
            raise UnknownJob(f"no job has the correlation id {correlation_id}")
        return document

    async def find_ended(self, correlation_ids: Sequence[str]) -> list[EndedJob]:
        """Those of some jobs that have ended, in one query."""
        return await self._store.all(job_queries.ended_jobs(correlation_ids, job_queries.ENDED))

    async def page(self, wanted: Document, *, after: After | None, limit: int) -> list[ListedJob]:
        """Jobs that match, newest first; see ``jobs_page``."""
        return await self._store.all(job_queries.jobs_page(wanted, after=after, limit=limit))

    async def count_ahead(self, job: JobDocument) -> int:
        """How many queued jobs of the same queue were accepted before a job."""
        return await self._store.count(JOBS, job_queries.queued_before(job["queue"], job["created_at"]))

    async def count_waiting(self, queue: str) -> int:
        """How many jobs of a queue are queued."""
        return await self._store.count(JOBS, job_queries.waiting_on(queue))

    async def is_known(self, correlation_id: str) -> bool:
        """Whether there is a job of that id."""
        return await self._store.one(by_id(JOBS, correlation_id, job_queries.NAMED)) is not None

    async def recent_seconds(self, command: str, limit: int) -> list[float]:
        """How many seconds the last jobs of a command took that succeeded, newest first."""
        found = await self._store.all(job_queries.succeeded_lately(command, limit))
        times = [(job.get("started_at"), job.get("finished_at")) for job in found]
        return [(end - start).total_seconds() for start, end in times if start is not None and end is not None]

    async def find_using(self, dataset: ListedDataset) -> list[KnownJob]:
        """The queued and running jobs that read a dataset, oldest first, but for its readings; see ``jobs_using``."""
        return await self._store.all(job_queries.jobs_using(dataset))

    async def request_cancel(self, correlation_id: str, reason: ModelbusError | None = None) -> JobDocument:
        """Cancel a job.

        Args:
            correlation_id: Its id.
            reason: What it ends with as its error, where something else than its owner's wish ends it.

        Raises:
            UnknownJob: There is none of that id.
            JobFinished: It has ended, or its outcome is being recorded.
        """
        told = None if reason is None else error_document(reason)
        changed = await self._store.change(JOBS, protocol.request_cancel(correlation_id, self._terms, told), JOB)
        if changed is None:
            job = await self.find(correlation_id)
            state = "is already being completed" if job["outcome"] else f"has already ended ({job['status']})"
            raise JobFinished(f"job {correlation_id} cannot be cancelled: it {state}")
        return changed

    async def replay(self, correlation_id: str) -> JobDocument:
        """Queue an unsuccessful job once more, with fresh attempts, bound to what its datasets are now.

        Raises:
            UnknownJob: There is none of that id.
            JobFinished: It has not ended, or it succeeded.
        """
        datasets = await bind_async(self._store, use_of_job(await self.find(correlation_id)))
        changed = await self._store.change(JOBS, protocol.replay(correlation_id, self._terms, datasets), JOB)
        if changed is None:
            job = await self.find_part(correlation_id, job_queries.KNOWN)
            raise JobFinished(
                f"job {correlation_id} is {job['status']}; only failed, dead or cancelled jobs can be replayed"
            )
        return changed

    async def find_of_evaluation(self, evaluation_id: str) -> EvaluatingJob | None:
        """The newest job that computes an evaluation; see ``jobs_evaluating``."""
        return await self._store.one(job_queries.jobs_evaluating(evaluation_id))

    async def find_unfilled(self) -> list[EvaluatingJob]:
        """The newest jobs whose evaluations are not filled, or never will be."""
        return await self._store.all(job_queries.unfilled_evaluations())

    async def forget_evaluation(self, evaluation_id: str) -> bool:
        """Let an evaluation that was never filled be no evaluation any more; its jobs stay as they are.

        Returns:
            Whether there was one.
        """
        return await self._store.update_all(JOBS, job_queries.forget_evaluation(evaluation_id)) > 0
