"""The supervision of an attempt: heartbeats, progress, cancellation, limits, and the recording of its end."""

import tempfile
import threading
import time
from collections.abc import Callable

import orjson
import structlog

from modelbus.shared.bus import EventPublisher
from modelbus.shared.contracts import Progress
from modelbus.shared.contracts.documents.job_documents import JobDocument
from modelbus.shared.errors import JobTimedOut, LeaseLost, ModelbusError, StoreUnavailable
from modelbus.shared.observing.logs import job_log_context
from modelbus.shared.observing.metrics import JOB_SECONDS, JOBS_RUNNING
from modelbus.shared.observing.tracing import span, traceparent_of
from modelbus.shared.settings import Settings
from modelbus.shared.store.jobs.binding import digests
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.operation import Claim
from modelbus.shared.worker.child import Attempt
from modelbus.shared.worker.child_messages import EarlyEndOffered, ErrorRaised, OutcomeReached, ProgressMade
from modelbus.shared.worker.finishing import Finisher, job_changed
from modelbus.shared.worker.limits import Limit, time_limit
from modelbus.shared.worker.process import ChildProcess

log = structlog.get_logger()

_TICK_S = 0.25
_PROGRESS_EVENT_S = 0.5


class AttemptRunner:
    """Runs attempts, each in a child process; ``run`` may be called by several threads at once."""

    def __init__(
        self, service: str, settings: Settings, ledger: JobLedger, finisher: Finisher, events: EventPublisher
    ) -> None:
        self._service = service
        self._settings = settings
        self._ledger = ledger
        self._finisher = finisher
        self._events = events
        self._stop_at = float("inf")

    def stop_soon(self) -> None:
        """Release running jobs after the grace period of the settings."""
        self._stop_at = time.monotonic() + self._settings.stop_grace_s

    def run(self, claim: Claim, job: JobDocument, handler: str) -> None:
        """Run a claimed job and record its end. Never raises: errors belong to the job and are logged."""
        with job_log_context(claim.correlation_id, command=job["command"]), JOBS_RUNNING.track_inprogress():
            started = time.monotonic()
            self._run_traced(claim, job, handler)
            JOB_SECONDS.labels(job["command"]).observe(time.monotonic() - started)

    def _run_traced(self, claim: Claim, job: JobDocument, handler: str) -> None:
        parent = traceparent_of(job.get("headers") or {}, claim.correlation_id)
        attributes = {"modelbus.correlation_id": claim.correlation_id, "modelbus.attempt": job["attempt"]}
        with span(job["command"], kind="consumer", parent=parent, attributes=attributes):
            log.info("job.started", attempt=job["attempt"], fence=claim.fence)
            try:
                with tempfile.TemporaryDirectory(prefix="modelbus-") as directory:
                    ending = self._watch(claim, job, self._start(claim, job, handler, directory))
                self._record(ending)
            except LeaseLost:
                log.warning("job.lease_lost", fence=claim.fence)
            except Exception:
                # The lease lapses, and the sweep gives the job its next attempt.
                log.exception("job.supervision_failed")

    def _start(self, claim: Claim, job: JobDocument, handler: str, directory: str) -> ChildProcess:
        spec = orjson.dumps({**job["spec"], "correlation_id": claim.correlation_id})
        return ChildProcess(
            Attempt(
                service=self._service,
                handler=handler,
                correlation_id=claim.correlation_id,
                fence=claim.fence,
                spec=spec,
                work_directory=directory,
                settings=self._settings,
                digests=digests(job),
            )
        )

    def _watch(self, claim: Claim, job: JobDocument, child: ChildProcess) -> Callable[[], None]:
        """Watch the child until it ends.

        Returns:
            The function that ends the job.

        Raises:
            LeaseLost: Another worker has the job; the child was killed.
        """
        watch = _Watch(self._ledger, self._events, self._service, claim, job, self._settings)
        limit = time_limit(job["spec"], self._settings)
        deadline = time.monotonic() + limit.value
        try:
            while True:
                answer = watch.listen(child)
                if answer is not None:
                    return self._ending(claim, job, answer)
                if child.has_ended():
                    return self._failing(claim, child.crash())
                if watch.is_to_be_killed(child):
                    return lambda: self._finisher.cancelled(claim)
                if time.monotonic() > deadline:
                    return self._failing(claim, _timed_out(limit))
                if time.monotonic() > self._stop_at:
                    return lambda: self._finisher.release(claim)
        finally:
            child.stop(self._settings.cancel_grace_s)

    def _ending(self, claim: Claim, job: JobDocument, answer: OutcomeReached | ErrorRaised) -> Callable[[], None]:
        if isinstance(answer, OutcomeReached):
            return lambda: self._finisher.succeed(claim, job, answer.outcome)
        return self._failing(claim, answer.error())

    def _failing(self, claim: Claim, error: ModelbusError) -> Callable[[], None]:
        return lambda: self._finisher.fail(claim, error)

    def _record(self, ending: Callable[[], None]) -> None:
        """Record the end of a job; while MongoDB is unavailable, retry for four leases. The fence protects it."""
        give_up = time.monotonic() + self._settings.lease_s * 4
        while True:
            try:
                ending()
                return
            except StoreUnavailable as error:
                if time.monotonic() > give_up:
                    raise
                log.warning("job.record_delayed", reason=error.message)
                threading.Event().wait(1)


def _timed_out(limit: Limit) -> JobTimedOut:
    return JobTimedOut(f"the job exceeded its time limit of {limit.value:g} s ({limit.source})")


class _Watch:
    """The state of an attempt's supervision."""

    def __init__(
        self,
        ledger: JobLedger,
        events: EventPublisher,
        service: str,
        claim: Claim,
        job: JobDocument,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._events = events
        self._service = service
        self._claim = claim
        self._job = job
        self._heartbeat_s = settings.heartbeat_s
        self._keep_best_grace_s = settings.keep_best_grace_s
        self._progress: Progress | None = None
        self._beat_at = time.monotonic() + settings.heartbeat_s
        self._is_early_end_offered = False
        self._end_by = float("inf")
        self._told_at = 0.0

    def listen(self, child: ChildProcess) -> OutcomeReached | ErrorRaised | None:
        """Wait a tick for the child; return its answer if there is one, after all of its output was logged.

        All pending messages are read within the tick: a heartbeat that hangs must not leave the child blocked on a full
        pipe, nor its answer behind progress messages.
        """
        until = time.monotonic() + _TICK_S
        message = child.wait(min(_TICK_S, self._heartbeat_s))
        while message is not None:
            if isinstance(message, ProgressMade):
                self._tell_progress(message.progress)
            elif isinstance(message, EarlyEndOffered):
                self._is_early_end_offered = True
            else:
                child.finish_output()
                return message
            message = child.wait(0) if time.monotonic() < until else None
        return None

    def is_to_be_killed(self, child: ChildProcess) -> bool:
        """Send a heartbeat if due; return whether the job was cancelled and the child must be killed.

        A child that offered to end early is asked to, and has time for it (ADR 0015), unless the cancellation has a
        reason: then nothing of the job is kept.

        Raises:
            LeaseLost: The job belongs to another worker now.
        """
        is_cancelled = self._is_cancelled()
        if is_cancelled and not (self._is_early_end_offered and self._is_anything_kept()):
            return True
        if is_cancelled and self._end_by == float("inf"):
            log.info("job.stop_requested", grace_s=self._keep_best_grace_s)
            child.ask_to_end()
            self._end_by = time.monotonic() + self._keep_best_grace_s
        return time.monotonic() > self._end_by

    def _is_cancelled(self) -> bool:
        """Send a heartbeat if due; return whether it reported a cancellation.

        Raises:
            LeaseLost: The job belongs to another worker now.
        """
        if time.monotonic() < self._beat_at:
            return False
        self._beat_at = time.monotonic() + self._heartbeat_s
        try:
            return self._ledger.heartbeat(self._claim, self._progress)
        except StoreUnavailable as error:
            log.warning("job.heartbeat_missed", reason=error.message)
            return False

    def _is_anything_kept(self) -> bool:
        try:
            return not self._ledger.is_ended_for_a_reason(self._claim)
        except StoreUnavailable as error:
            log.warning("job.heartbeat_missed", reason=error.message)
            return True

    def _tell_progress(self, progress: Progress) -> None:
        self._progress = progress
        if time.monotonic() - self._told_at < _PROGRESS_EVENT_S:
            return
        self._told_at = time.monotonic()
        log.debug("job.progress", fraction=progress.fraction, doing=progress.message)
        running: JobDocument = {**self._job, "progress": progress.model_dump()}
        changed = job_changed(running, self._service)
        self._events.publish([changed])
