"""The steps of a worker: receive, record, claim, acknowledge, run.

A message is acknowledged right after its job is claimed: from then on, the job's lease protects the work, and a long
job is never redelivered (docs/adr/0001).
"""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from modelbus.shared.bus import Consumer, Delivery, EventPublisher, Publisher, send_recorded
from modelbus.shared.contracts import ErrorRecord, JobChanged
from modelbus.shared.contracts.documents.job_documents import AnsweredJob, JobDocument
from modelbus.shared.errors import BusUnavailable, CorrelationIdReused, ModelbusError, StoreUnavailable
from modelbus.shared.observing.logs import job_log_context
from modelbus.shared.observing.metrics import COMMANDS_REFUSED
from modelbus.shared.store.jobs.acceptance import is_same
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger, error_document
from modelbus.shared.store.operation import Claim
from modelbus.shared.worker.attempt import AttemptRunner
from modelbus.shared.worker.finishing import job_changed, reply_of
from modelbus.shared.worker.queue_acceptance import Received, received_commands, recorded_ids
from modelbus.shared.worker.service_faults import end_with_fault

log = structlog.get_logger()

_RECEIVE_S = 1.0


class Worker:
    """A lane of a service; its jobs run in child processes, at most ``concurrency`` at once."""

    def __init__(
        self,
        consumer: Consumer,
        publisher: Publisher,
        events: EventPublisher,
        ledger: JobLedger,
        runner: AttemptRunner,
        *,
        service: str,
        handlers: Mapping[str, str],
        concurrency: int,
    ) -> None:
        """Args:
        consumer: The consumer of the lane's queues.
        publisher: Forwards the jobs of arrays.
        events: Publishes events about refused commands.
        ledger: The jobs.
        runner: Runs claimed jobs.
        service: The service name in events.
        handlers: By command, its handler as ``module:function``.
        concurrency: Maximum number of jobs at once.
        """
        self._consumer = consumer
        self._publisher = publisher
        self._events = events
        self._ledger = ledger
        self._runner = runner
        self._service = service
        self._handlers = dict(handlers)
        self._slots = threading.Semaphore(concurrency)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="job")
        self._running: set[str] = set()
        self._stopping = threading.Event()
        self.looped_at = time.monotonic()
        """When the loop last started an iteration, by the monotonic clock."""

    def run(self) -> None:
        """Work until ``stop`` is called; then wait until running jobs have ended or were released."""
        while not self._stopping.is_set():
            self.looped_at = time.monotonic()
            if self._slots.acquire(timeout=_RECEIVE_S):
                self._slots.release()
                self._step()
        self._threads.shutdown(wait=True)
        self._consumer.close()

    def stop(self) -> None:
        """Accept no new jobs; release those that have not ended after the grace period of the settings."""
        self._stopping.set()
        self._runner.stop_soon()

    @property
    def polled_at(self) -> float:
        """When the broker last responded or, with all slots taken, when the loop last started an iteration."""
        return self._consumer.polled_at if self._has_free_slot() else self.looped_at

    @property
    def running_jobs(self) -> int:
        """The number of running jobs."""
        return len(self._running)

    def _has_free_slot(self) -> bool:
        if not self._slots.acquire(blocking=False):
            return False
        self._slots.release()
        return True

    def _step(self) -> None:
        for delivery in self._consumer.receive(_RECEIVE_S):
            try:
                self._handle(delivery)
            except StoreUnavailable as error:
                # Nothing was recorded, so nothing may be acknowledged: put back to the front of the queue.
                log.warning("bus.requeued", queue=delivery.queue, reason=error.message)
                self._consumer.requeue(delivery)
                self._stopping.wait(1)
            except Exception as error:  # noqa: BLE001 - reported and logged by the callee
                # A message that triggers a fault must not end the lane, nor come back for ever.
                end_with_fault(delivery, error, self._ledger, self._consumer, self._tell_ended)

    def _handle(self, delivery: Delivery) -> None:
        new = [received.correlation_id for received in received_commands(delivery) if self._record(received)]
        recorded = [*recorded_ids(delivery), *new]
        claimed = self._claim(recorded[0]) if len(recorded) == 1 else None
        if len(recorded) > 1:
            self._send_on(delivery.queue, recorded)
        self._consumer.acknowledge([delivery])
        if claimed:
            self._start(*claimed)

    def _record(self, received: Received) -> bool:
        """Record the command's job, or its refusal; return whether there is a job to run."""
        with job_log_context(received.correlation_id):
            if received.error:
                self._refuse(received, received.error)
                return False
            try:
                self._ledger.accept(received.job)
            except CorrelationIdReused as error:
                self._tell_refused(received, error, has_job=False)
                return False
            return True

    def _refuse(self, received: Received, error: ModelbusError) -> None:
        finished = FinishedJob(received.job, None, error_document(error))
        known = self._ledger.record_finished([finished]).get(received.correlation_id)
        is_recorded = known is None or (is_same(known, received.job) and known["status"] == "failed")
        self._tell_refused(received, error, has_job=is_recorded)

    def _tell_refused(self, received: Received, error: ModelbusError, *, has_job: bool) -> None:
        """Announce a refusal.

        Args:
            received: The refused command.
            error: The reason.
            has_job: Whether the refusal is recorded as a job. Otherwise, its id belongs to another job, which has not
                changed: only the sender gets a reply.
        """
        COMMANDS_REFUSED.labels(received.job.queue).inc()
        log.warning("command.refused", code=error.code, reason=error.message)
        event, job = self._failed(FinishedJob(received.job, None, error_document(error))), received.job
        reply = reply_of(event, None, job.given_correlation_id)
        self._events.publish([event] if has_job else [], [(job.reply_to, reply)] if job.reply_to else [])

    def _tell_ended(self, ended: Sequence[FinishedJob], known: dict[str, AnsweredJob]) -> None:
        """Publish the events of jobs that ended before they ran, and reply to their senders."""
        for one in ended:
            recorded = known.get(one.job.correlation_id)
            event = job_changed(recorded, self._service) if recorded else self._failed(one)
            result = recorded.get("result") if recorded else None
            reply = reply_of(event, result, one.job.given_correlation_id)
            self._events.publish([event], [(one.job.reply_to, reply)] if one.job.reply_to else [])

    def _failed(self, one: FinishedJob) -> JobChanged:
        return JobChanged(
            correlation_id=one.job.correlation_id,
            command=one.job.command,
            service=self._service,
            status="failed",
            error=ErrorRecord.model_validate(one.error),
        )

    def _send_on(self, queue: str, correlation_ids: Sequence[str]) -> None:
        """Send the recorded jobs of an array individually, so that any worker can run them."""
        for correlation_id in correlation_ids:
            try:
                send_recorded(self._publisher, queue, correlation_id)
            except BusUnavailable as error:
                # The job is recorded, so the sweep will publish it.
                log.warning("bus.not_forwarded", correlation_id=correlation_id, reason=error.message)

    def _claim(self, correlation_id: str) -> tuple[Claim, JobDocument] | None:
        with job_log_context(correlation_id):
            claimed = self._ledger.claim(correlation_id)
            if claimed is None:
                log.debug("job.nothing_to_claim")
            return claimed

    def _start(self, claim: Claim, job: JobDocument) -> None:
        self._slots.acquire()
        self._running.add(claim.correlation_id)
        self._threads.submit(self._do, claim, job)

    def _do(self, claim: Claim, job: JobDocument) -> None:
        try:
            self._runner.run(claim, job, self._handlers[job["command"]])
        finally:
            self._running.discard(claim.correlation_id)
            self._slots.release()
