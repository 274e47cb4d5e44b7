"""Answering what the lane received: predict together, record together, tell together.

A prediction is a pure function of its command, so it is computed first and recorded with its result in one write
(docs/adr/0005); a job that was accepted under the same id meanwhile is finished by that write.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from modelbus.predictor.cache import LoadedModel, ModelCache
from modelbus.predictor.group_prediction import Answer, predict_group
from modelbus.shared.bus import Delivery, EventPublisher
from modelbus.shared.bus.queues import INTERACTIVE_HEADER
from modelbus.shared.contracts import ErrorRecord, JobChanged, Predict
from modelbus.shared.contracts.checks.command_checks import check_row_count
from modelbus.shared.contracts.documents.job_documents import AnsweredJob
from modelbus.shared.errors import CorrelationIdReused, LeaseLost, ModelbusError, StoreUnavailable
from modelbus.shared.observing.metrics import (
    COMMANDS_REFUSED,
    JOB_SECONDS,
    JOBS_FINISHED,
    PREDICT_BATCH,
    PREDICT_INCIDENTS,
    PREDICTED_ROWS,
)
from modelbus.shared.observing.tracing import TRACEPARENT, span
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.large_results import within_limit
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.jobs.acceptance import is_same, reused
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger, error_document
from modelbus.shared.store.operation import NewJob
from modelbus.shared.store.records.usage import UsageCounter
from modelbus.shared.worker.finishing import Finisher, job_changed, reply_of
from modelbus.shared.worker.queue_acceptance import Received, received_commands

log = structlog.get_logger()

_SERVICE = "predictor"


@dataclass(frozen=True)
class _Request:
    """One received command and whether its caller waits for it."""

    received: Received
    is_interactive: bool

    @property
    def traceparent(self) -> str | None:
        """Of what caused it."""
        return self.received.job.headers.get(TRACEPARENT)


class Answerer:
    """Answers ``Predict`` commands; to be used by one thread."""

    def __init__(
        self,
        ledger: JobLedger,
        finisher: Finisher,
        events: EventPublisher,
        blobs: BlobStore,
        cache: ModelCache,
        usage: UsageCounter,
        settings: Settings,
    ) -> None:
        """Args:
        ledger: Where predictions are recorded.
        finisher: Ends claimed jobs.
        events: Tells of predictions.
        blobs: Where large results go.
        cache: The loaded models.
        usage: Counts what the models answer.
        settings: For the limits of rows and results.
        """
        self._ledger = ledger
        self._finisher = finisher
        self._events = events
        self._blobs = blobs
        self._cache = cache
        self._usage = usage
        self._settings = settings

    def answer(self, deliveries: Sequence[Delivery]) -> None:
        """Answer all requests of some messages.

        Raises:
            StoreUnavailable: MongoDB does not answer; nothing of it may be acknowledged.
        """
        started = time.perf_counter()
        requests = [
            _Request(received, INTERACTIVE_HEADER in delivery.headers)
            for delivery in deliveries
            for received in received_commands(delivery)
        ]
        causes = [cause for request in requests if (cause := request.traceparent)]
        with span("Predict", kind="consumer", links=causes, attributes={"modelbus.requests": len(requests)}):
            answered = self._compute(requests)
            known = self._record(answered)
        self._tell([finished for _, finished in answered], known, time.perf_counter() - started)

    def answer_claimed(self, delivery: Delivery) -> None:
        """Answer the requests of one message one by one, each by a claimed job, so that attempts are counted.

        Raises:
            StoreUnavailable: MongoDB does not answer; the message may not be acknowledged.
        """
        for received in received_commands(delivery):
            request = _Request(received, is_interactive=False)
            if received.error:
                self._tell(*self._recorded([request]), 0.0)
                continue
            try:
                self._ledger.accept(received.job)
            except CorrelationIdReused as error:
                self._tell_refused(received, error)
                continue
            claimed = self._ledger.claim(received.correlation_id)
            if claimed is None:
                continue
            ((_, finished),) = self._compute([request])
            try:
                if finished.error is None:
                    self._finisher.tell(self._ledger.complete(claimed[0], finished.result or {}))
                else:
                    self._finisher.tell(self._ledger.end_failed(claimed[0], finished.error))
            except LeaseLost:
                log.warning("job.lease_lost", correlation_id=received.correlation_id)

    def _recorded(self, requests: Sequence[_Request]) -> tuple[list[FinishedJob], dict[str, AnsweredJob]]:
        answered = self._compute(requests)
        return [finished for _, finished in answered], self._record(answered)

    def _compute(self, requests: Sequence[_Request]) -> list[tuple[_Request, FinishedJob]]:
        answered: list[tuple[_Request, FinishedJob]] = []
        groups: defaultdict[tuple[str, bool, bool], list[tuple[_Request, Predict]]] = defaultdict(list)
        for request in requests:
            command = request.received.command
            error = request.received.error or self._limit(command)
            if error is not None:
                answered.append((request, FinishedJob(request.received.job, None, error_document(error))))
            elif isinstance(command, Predict):
                key = (command.model, command.has_probabilities, command.has_scores)
                groups[key].append((request, command))
        for (reference, _, _), group in groups.items():
            PREDICT_BATCH.observe(len(group))
            answers = self._predict(reference, [command for _, command in group])
            answered += [
                (request, self._finished(request, answer)) for (request, _), answer in zip(group, answers, strict=True)
            ]
        return answered

    def _limit(self, command: object) -> ModelbusError | None:
        try:
            if isinstance(command, Predict):
                check_row_count(command, self._settings.predict_rows_limit)
        except ModelbusError as error:
            return error
        return None

    def _predict(self, reference: str, commands: Sequence[Predict]) -> list[Answer]:
        try:
            loaded = self._cache.get(reference)
        except StoreUnavailable:
            raise
        except ModelbusError as error:
            return [Answer(None, error)] * len(commands)
        answers = predict_group(
            loaded.model, loaded.name, loaded.version, commands, self._settings.unseen_warning_fraction
        )
        self._count(loaded, answers)
        return answers

    def _count(self, loaded: LoadedModel, answers: Sequence[Answer]) -> None:
        labels = (loaded.name, str(loaded.version))
        for answer in answers:
            if answer.result is None:
                continue
            rows, report = len(answer.result["predictions"]), answer.result["report"]
            PREDICTED_ROWS.labels(*labels).inc(rows)
            for incident, columns in report.items():
                PREDICT_INCIDENTS.labels(*labels, incident).inc(sum(columns.values()))
            self._usage.add(loaded.version_id, requests=1, rows=rows, report=report)

    def _finished(self, request: _Request, answer: Answer) -> FinishedJob:
        job = replace(request.received.job, door="http" if request.is_interactive else "queue")
        if answer.result is None:
            return FinishedJob(job, None, error_document(answer.error or ModelbusError()))
        limit = self._settings.result_inline_bytes
        return FinishedJob(job, within_limit(answer.result, job.correlation_id, self._blobs, limit), None)

    def _record(self, answered: Sequence[tuple[_Request, FinishedJob]]) -> dict[str, AnsweredJob]:
        """Write all results: those of waiting callers as fast as the primary can, the others durably."""
        waiting = [finished for request, finished in answered if request.is_interactive]
        others = [finished for request, finished in answered if not request.is_interactive]
        known = self._ledger.record_finished(waiting, is_durable=False) if waiting else {}
        return known | (self._ledger.record_finished(others) if others else {})

    def _tell(self, finished: Sequence[FinishedJob], known: dict[str, AnsweredJob], seconds: float) -> None:
        """Tell how some requests ended: those that were known before by what their records say now."""
        ended: list[JobChanged] = []
        standing: list[JobChanged] = []
        replies: list[tuple[str, JobChanged]] = []
        for one in finished:
            recorded, reply_to = known.get(one.job.correlation_id), one.job.reply_to
            if recorded is not None and not is_same(recorded, one.job):
                # The job of that id is another one, and stands as it did: whoever waits for the id finds out so.
                standing.append(job_changed(recorded, _SERVICE))
                answer = self._refused(one.job, reused(recorded, one.job))
            else:
                ended.append(_event(one) if recorded is None else job_changed(recorded, _SERVICE))
                answer = reply_of(ended[-1], one.result if recorded is None else recorded.get("result"))
            if reply_to:
                replies.append((reply_to, answer))
        self._events.publish([*ended, *standing], replies)
        for event in ended:
            JOBS_FINISHED.labels("Predict", event.status).inc()
            JOB_SECONDS.labels("Predict").observe(seconds)
            if event.error and event.error.code == "invalid_command":
                COMMANDS_REFUSED.labels("predict").inc()
        _log_finished(ended)

    def _tell_refused(self, received: Received, error: CorrelationIdReused) -> None:
        answer = self._refused(received.job, error)
        if received.job.reply_to:
            self._events.publish([], [(received.job.reply_to, answer)])

    @staticmethod
    def _refused(job: NewJob, error: CorrelationIdReused) -> JobChanged:
        """What the sender of a request is told whose id is another job's; nobody else is: that job is not at fault."""
        COMMANDS_REFUSED.labels("predict").inc()
        log.warning("command.refused", correlation_id=job.correlation_id, code=error.code, reason=error.message)
        return _event(FinishedJob(job, None, error_document(error)))


def _event(finished: FinishedJob) -> JobChanged:
    """How a request ended that was not known before."""
    error = finished.error
    return JobChanged(
        correlation_id=finished.job.correlation_id,
        command="Predict",
        service=_SERVICE,
        status="succeeded" if error is None else "failed",
        attempt=1,
        error=ErrorRecord.model_validate(error) if error else None,
    )


def _log_finished(events: Sequence[JobChanged]) -> None:
    """One line for all that succeeded together, since they come in thousands a second; one for each other one."""
    succeeded = [event.correlation_id for event in events if event.status == "succeeded" and event.error is None]
    if len(succeeded) == 1:
        log.info("job.finished", correlation_id=succeeded[0], status="succeeded", command="Predict")
    elif succeeded:
        log.info("job.finished", correlation_ids=succeeded, status="succeeded", command="Predict")
    for event in events:
        if event.status != "succeeded" or event.error:
            facts = {"code": event.error.code, "reason": event.error.message} if event.error else {}
            log.info(
                "job.finished", correlation_id=event.correlation_id, status=event.status, command="Predict", **facts
            )
