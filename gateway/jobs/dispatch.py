"""From a valid command to a job: record it, send it, wait for it."""

import asyncio
import contextlib

import orjson
import structlog
from aiohttp import web

from modelbus.gateway.http.answers import is_whole
from modelbus.gateway.jobs.backlog import Backlog
from modelbus.gateway.jobs.job_waiters import JobWaiters
from modelbus.gateway.jobs.outbox import WAIT_S, Outbox
from modelbus.shared.contracts import Command, Predict
from modelbus.shared.contracts.documents.job_documents import EndedJob, JobDocument
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.errors import BacklogFull, BusUnavailable, JobFinished
from modelbus.shared.observing.tracing import TRACEPARENT, current_traceparent
from modelbus.shared.store.jobs.acceptance import is_same, new_job
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.operation import NewJob

log = structlog.get_logger()


class Dispatcher:
    """Dispatches commands to the services."""

    def __init__(self, jobs: JobRecords, outbox: Outbox, waiters: JobWaiters, backlog: Backlog) -> None:
        self._jobs = jobs
        self._backlog = backlog
        self._outbox = outbox
        self._waiters = waiters
        self._sending: set[asyncio.Task[None]] = set()

    async def submit(self, command: Command, correlation_id: str, *, owner: str, wait_s: float = 0) -> EndedJob:
        """Accept a command: record its job, send its message and, if requested, wait for its end.

        The job is recorded before this returns, so it is never lost, even if the message is.

        Returns:
            The job, ended or not.

        Raises:
            CorrelationIdReused: The id belongs to a job with another specification or owner.
            BacklogFull: Too many jobs are waiting for the same workers; nothing was accepted.
            StoreUnavailable: MongoDB is not responding; nothing was accepted.
        """
        traceparent = current_traceparent()
        new = new_job(command, correlation_id, door="http", owner=owner, traceparent=traceparent)
        return await self._submitted(new, wait_s)

    async def accept(self, new: NewJob) -> JobDocument:
        """Record a job and send its message, unless it has already been recorded and ended.

        Raises:
            CorrelationIdReused: The id belongs to a job with another specification or owner.
            BacklogFull: Too many jobs are waiting for the same workers; nothing was accepted.
            StoreUnavailable: MongoDB is not responding; nothing was accepted.
        """
        await self._require_room(new.queue, new.correlation_id)
        job = await self._jobs.accept(new)
        self._backlog.add(job["queue"])
        facts = {"command": job["command"], "queue": job["queue"], "status": job["status"]}
        log.info("job.accepted", correlation_id=job["_id"], **facts)
        if job["status"] not in TERMINAL_STATUSES:
            self._send_in_background(job)
        return job

    async def obtain(self, command: Command, correlation_id: str, *, owner: str, wait_s: float) -> EndedJob:
        """Run a command once for all clients: create its job, wait for it, or return the finished one.

        A job that ended without success before this request is replayed, so that no client receives a stale error.

        Returns:
            The job, ended or not.

        Raises:
            CorrelationIdReused: The id belongs to a job with another specification.
            BacklogFull: Too many jobs are waiting for the same workers; nothing was accepted.
            StoreUnavailable: MongoDB is not responding; nothing was accepted.
        """
        job = await self.submit(command, correlation_id, owner=owner)
        if job["status"] == "succeeded":
            return job
        if job["status"] in TERMINAL_STATUSES:
            # Whoever asked at the same moment may have replayed it already.
            with contextlib.suppress(JobFinished):
                await self.replay(correlation_id)
        return await self.wait(correlation_id, wait_s)

    async def predict(self, command: Predict, correlation_id: str, *, owner: str, wait_s: float) -> EndedJob:
        """Request an interactive prediction, which is sent without being recorded first, since its client is waiting.

        If the wait ends or the broker is unavailable, it is accepted like any other job. Predictions too large for a
        message are accepted like this at once.

        Returns:
            The job, ended or not.

        Raises:
            CorrelationIdReused: The id belongs to a job with another specification or owner.
            BacklogFull: Too many predictions are waiting; nothing was accepted.
            StoreUnavailable: MongoDB is not responding.
        """
        job = new_job(command, correlation_id, door="http", owner=owner, traceparent=current_traceparent())
        message = orjson.dumps({**job.spec, "correlation_id": correlation_id})
        if not self._outbox.does_take(message):
            return await self._submitted(job, wait_s)
        await self._require_room(job.queue, correlation_id)
        waiting = self._waiters.register(correlation_id)
        try:
            loop = asyncio.get_running_loop()
            until = loop.time() + wait_s
            await self._outbox.send(
                job.queue,
                message,
                correlation_id,
                owner=owner,
                traceparent=current_traceparent(),
                wait_s=min(wait_s, WAIT_S),
            )
            ended = await self._waiters.wait(correlation_id, waiting, until - loop.time())
        except BusUnavailable as error:
            log.warning("bus.not_sent", correlation_id=correlation_id, reason=error.message)
            ended = None
        finally:
            self._waiters.forget(correlation_id, waiting)
        # Of one that has ended, not all is read: where another was asked, its record says what differs.
        return ended if ended and is_same(ended, job) else await self._jobs.accept(job)

    async def wait(self, correlation_id: str, wait_s: float) -> EndedJob:
        """Wait for the end of a job; returns its outcome, or the complete job if it has not ended in time.

        Raises:
            UnknownJob: The job does not exist.
        """
        waiting = self._waiters.register(correlation_id)
        try:
            job = await self._jobs.find(correlation_id)
            if wait_s <= 0 or job["status"] in TERMINAL_STATUSES:
                return job
            return await self._waiters.wait(correlation_id, waiting, wait_s) or await self._jobs.find(correlation_id)
        finally:
            self._waiters.forget(correlation_id, waiting)

    async def read(self, correlation_id: str, wait_s: float) -> JobDocument:
        """Read a complete job after waiting for its end.

        Raises:
            UnknownJob: The job does not exist.
        """
        job = await self.wait(correlation_id, wait_s)
        return job if is_whole(job) else await self._jobs.find(correlation_id)

    async def replay(self, correlation_id: str) -> JobDocument:
        """Queue an unsuccessful job again and send its message.

        Raises:
            UnknownJob, JobFinished: The job cannot be replayed.
        """
        job = await self._jobs.replay(correlation_id)
        self._send_in_background(job)
        return job

    async def close(self) -> None:
        """Wait for messages in flight."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _submitted(self, new: NewJob, wait_s: float) -> EndedJob:
        waiting = self._waiters.register(new.correlation_id)
        try:
            job = await self.accept(new)
            if wait_s <= 0 or job["status"] in TERMINAL_STATUSES:
                return job
            ended = await self._waiters.wait(new.correlation_id, waiting, wait_s)
            return ended or await self._jobs.find(new.correlation_id)
        finally:
            self._waiters.forget(new.correlation_id, waiting)

    async def _require_room(self, queue: str, correlation_id: str) -> None:
        try:
            await self._backlog.check(queue)
        except BacklogFull:
            # What was accepted before is no more work.
            if not await self._jobs.is_known(correlation_id):
                raise

    def _send_in_background(self, job: JobDocument) -> None:
        task = asyncio.create_task(self._send(job))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, job: JobDocument) -> None:
        try:
            traceparent = (job.get("headers") or {}).get(TRACEPARENT)
            await self._outbox.send_recorded(job["queue"], job["_id"], traceparent=traceparent)
        except BusUnavailable as error:
            # The job is recorded: the sweep sends it when the broker is back.
            log.warning("bus.not_sent", correlation_id=job["_id"], reason=error.message)


DISPATCHER: web.AppKey[Dispatcher] = web.AppKey("dispatcher", Dispatcher)
"""The key of the dispatcher in the application."""
