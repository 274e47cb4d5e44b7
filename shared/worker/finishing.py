"""The end of jobs: recorded, logged, counted in metrics, and published on the bus."""

import logging
from typing import Any, Final

import structlog

from modelbus.shared.bus import EventPublisher
from modelbus.shared.contracts import DriftFound, ErrorRecord, JobChanged, Progress
from modelbus.shared.contracts.documents.job_documents import AnsweredJob, JobDocument
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome, Outcome, parse_outcome
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES, JobStatus
from modelbus.shared.errors import (
    Conflict,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    LeaseLost,
    ModelbusError,
    NotFound,
    StoreUnavailable,
)
from modelbus.shared.observing.metrics import DRIFT_FOUND, JOBS_FINISHED
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.store.operation import Claim

log = structlog.get_logger()


def job_changed(job: AnsweredJob, service: str) -> JobChanged:
    """The event about a job's current state."""
    progress, error = job.get("progress"), job.get("error")
    return JobChanged(
        correlation_id=job["_id"],
        command=job["command"],
        service=service,
        status=job["status"],
        attempt=job["attempt"],
        progress=_for_event(progress) if progress else None,
        error=ErrorRecord.model_validate(error) if error else None,
    )


_ERRORS: Final = frozenset(kind.code for kind in (JobTimedOut, JobOutOfMemory, JobCrashed, ModelbusError))
"""Codes that are logged as errors: a limit, a crash, or a fault of Modelbus itself."""


def level_of(status: JobStatus, code: str | None) -> int:
    """The log level for a job's new status.

    Args:
        status: The new status.
        code: The code of the job's error, if it has one.

    Returns:
        A level of ``logging``: ``ERROR`` for a dead job and for one that was ended by a limit, a crash or a fault of
        Modelbus; ``WARNING`` for other failures, including attempts that will be repeated; ``INFO`` otherwise.
    """
    if status == "dead" or (status == "failed" and code in _ERRORS):
        return logging.ERROR
    if status == "failed" or (status == "queued" and code is not None):
        return logging.WARNING
    return logging.INFO


def _for_event(progress: Document) -> Progress:
    """The progress without the leaderboard, which is in the job's record."""
    found = Progress.model_validate(progress)
    if found.tuning is None:
        return found
    return found.model_copy(update={"tuning": found.tuning.model_copy(update={"leaderboard": []})})


def reply_of(event: JobChanged, result: Document | None = None, given_correlation_id: str | None = None) -> JobChanged:
    """The event in the form of a reply to the sender.

    Args:
        event: The final event.
        result: The job's result; omitted if it is stored separately because it is large.
        given_correlation_id: The id that the sender gave, if it differs from the job's.
    """
    has_result = event.status == "succeeded" and result and "stored_result" not in result
    more: dict[str, Any] = {"result": result} if has_result else {}
    if given_correlation_id is not None:
        more["given_correlation_id"] = given_correlation_id
    return event.model_copy(update=more) if more else event


class Finisher:
    """Ends claimed jobs. A lost claim is only logged, because another worker has the job."""

    def __init__(self, ledger: JobLedger, outcomes: Outcomes, events: EventPublisher, service: str) -> None:
        self._ledger = ledger
        self._outcomes = outcomes
        self._events = events
        self._service = service

    def succeed(self, claim: Claim, job: JobDocument, outcome: Outcome) -> None:
        """Commit and apply an outcome, and end the job; a cancelled job ends as cancelled unless its outcome survives
        it.

        Raises:
            StoreUnavailable: MongoDB does not respond; call again.
        """
        kept = outcome.document()
        try:
            if not self._ledger.commit(claim, kept):
                self.tell(self._ledger.cancelled(claim))
                return
        except LeaseLost:
            self._lost(claim)
            return
        except StoreUnavailable:
            raise
        except Exception as error:
            # MongoDB cannot store it (for example, it is too large), nor could it store that of another attempt.
            log.exception("job.outcome_refused", correlation_id=claim.correlation_id)
            self.fail(claim, ModelbusError(f"the job's outcome cannot be recorded: {_words(error)}"))
            return
        self.finish_committed(claim, {**job, "outcome": kept})

    def finish_committed(self, claim: Claim, job: JobDocument) -> None:
        """Apply a committed outcome and end the job.

        Raises:
            StoreUnavailable: MongoDB does not answer; the sweep will finish the job.
        """
        try:
            ended = self._finished(claim, job)
        except LeaseLost:
            self._lost(claim)
            return
        self.tell(ended)
        if ended["status"] == "succeeded":
            outcome = parse_outcome(job["outcome"])
            if isinstance(outcome, AnswerOutcome) and outcome.event is not None:
                self._tell_drift(outcome.event)

    def fail(self, claim: Claim, error: ModelbusError) -> None:
        """Record a failed attempt.

        Raises:
            StoreUnavailable: MongoDB does not respond; call again.
        """
        try:
            self.tell(self._ledger.fail(claim, error))
        except LeaseLost:
            self._lost(claim)

    def cancelled(self, claim: Claim) -> None:
        """Record that a job was stopped because it was cancelled.

        Raises:
            StoreUnavailable: MongoDB does not respond; call again.
        """
        try:
            self.tell(self._ledger.cancelled(claim))
        except LeaseLost:
            self._lost(claim)

    def release(self, claim: Claim) -> None:
        """Release a job because the service stops.

        Raises:
            StoreUnavailable: MongoDB does not answer; the job's lease will lapse instead.
        """
        job = self._ledger.release(claim)
        if job is None:
            self._lost(claim)
        else:
            self.tell(job)

    def tell(self, job: JobDocument) -> None:
        """Announce a job's new status: log, metrics, event, and the reply to its sender."""
        event = job_changed(job, self._service)
        facts: dict[str, Any] = {"status": job["status"], "attempt": job["attempt"], "command": job["command"]}
        if error := job.get("error"):
            facts |= {"code": error["code"], "reason": error["message"]}
        is_ended = job["status"] in TERMINAL_STATUSES
        if is_ended:
            JOBS_FINISHED.labels(job["command"], job["status"]).inc()
        level = level_of(job["status"], error["code"] if error else None)
        log.log(level, "job.finished" if is_ended else "job.changed", correlation_id=job["_id"], **facts)
        reply_to = job["reply_to"] if job["status"] in TERMINAL_STATUSES else None
        reply = reply_of(event, job.get("result"), job.get("given_correlation_id"))
        self._events.publish([event], [(reply_to, reply)] if reply_to else [])

    def _tell_drift(self, event: DriftFound) -> None:
        DRIFT_FOUND.labels(event.model, event.version).inc()
        log.warning("drift.found", **event.model_dump(exclude={"event", "service"}))
        self._events.publish([event])

    def _finished(self, claim: Claim, job: JobDocument) -> JobDocument:
        try:
            return self._ledger.complete(claim, self._outcomes.apply(job))
        except (Conflict, NotFound) as error:
            # Its name was taken, or something that it depends on was removed, in the meantime.
            return self._ledger.fail(claim, error)
        except (StoreUnavailable, LeaseLost):
            raise
        except Exception as error:
            # It cannot be applied now or later: without an end, it would be taken over for ever.
            log.exception("job.outcome_refused", correlation_id=claim.correlation_id)
            return self._ledger.fail(claim, ModelbusError(f"the job's outcome cannot be applied: {_words(error)}"))

    def _lost(self, claim: Claim) -> None:
        log.warning("job.lease_lost", correlation_id=claim.correlation_id, fence=claim.fence)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000]
