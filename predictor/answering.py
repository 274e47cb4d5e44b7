"""Answers the requests that the lane received: computes, records and announces them in batches.

A prediction is a pure function of its command, so it is computed first and then recorded with its result in one write
(docs/adr/0005). If a job was accepted under the same id in the meantime, this write finishes it.

Rows may crash or block the engine, and the whole batch is lost with it (docs/adr/0035). Lost requests are then computed
one by one, and those of a model that keeps losing engines are isolated.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import structlog

from modelbus.predictor.engine import Engine, EngineLost, has_run_out_of_memory
from modelbus.predictor.engine_messages import Answered, Question, Refused, Reply, told_error
from modelbus.predictor.isolated_predictions import IsolatedPredictions, Suspects
from modelbus.predictor.kept_columns import with_kept
from modelbus.predictor.receiving import Request, read_requests
from modelbus.shared.bus import Delivery
from modelbus.shared.contracts import ErrorRecord, JobChanged, Predict
from modelbus.shared.contracts.checks.command_checks import check_kept_in_rows, check_row_count
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
from modelbus.shared.observing.tracing import span
from modelbus.shared.store.blobs.large_results import within_limit
from modelbus.shared.store.jobs.acceptance import is_same, reused
from modelbus.shared.store.jobs.ledger import FinishedJob, error_document
from modelbus.shared.store.operation import NewJob
from modelbus.shared.store.records.usage import UsageCounter
from modelbus.shared.worker.finishing import job_changed, level_of, reply_of
from modelbus.shared.worker.queue_acceptance import received_commands, received_job, recorded_ids
from modelbus.shared.worker.service import Tools

log = structlog.get_logger()

_SERVICE = "predictor"


@dataclass(frozen=True)
class _Asked:
    """A request and its command."""

    request: Request
    command: Predict


@dataclass(frozen=True)
class _Computed:
    """The results of some requests."""

    answered: list[tuple[Request, FinishedJob]] = field(default_factory=list)
    isolated: list[Request] = field(default_factory=list)
    """Requests to be isolated."""


class Answerer:
    """Answers ``Predict`` commands; for use by one thread."""

    def __init__(self, tools: Tools, engine: Engine, isolated: IsolatedPredictions, usage: UsageCounter) -> None:
        """Args:
        tools: The ledger, the events, the store for large results, and the settings.
        engine: Computes predictions.
        isolated: Computes predictions that the engine should not.
        usage: Counts predictions by model.
        """
        self._ledger = tools.ledger
        self._finisher = tools.finisher
        self._events = tools.events
        self._blobs = tools.blobs
        self._settings = tools.settings
        self._engine = engine
        self._isolated = isolated
        self._suspects = Suspects()
        self._usage = usage

    def answer(self, deliveries: Sequence[Delivery]) -> None:
        """Answer all requests of some messages.

        Raises:
            StoreUnavailable: MongoDB does not respond; no message may be acknowledged.
        """
        started = time.perf_counter()
        requests = read_requests(deliveries, self._ledger)
        causes = [cause for request in requests.new if (cause := request.traceparent)]
        with span("Predict", kind="consumer", links=causes, attributes={"modelbus.requests": len(requests.new)}):
            computed = self._compute(requests.new)
            known = self._record(computed.answered)
        repeated = [FinishedJob(request.received.job, None, None) for request in requests.repeated]
        finished = [*(one for _, one in computed.answered), *repeated]
        self.tell(finished, {**known, **requests.answers}, time.perf_counter() - started)
        for request in computed.isolated:
            self._isolate(request)

    def answer_claimed(self, delivery: Delivery) -> None:
        """Answer the requests of a message one by one, each as a claimed job, so that attempts are counted.

        Raises:
            StoreUnavailable: MongoDB does not respond; the message may not be acknowledged.
        """
        for received in received_commands(delivery):
            if received.correlation_id in self._isolated:
                continue
            request = Request(received)
            if received.error:
                computed = self._compute([request])
                self.tell([finished for _, finished in computed.answered], self._record(computed.answered))
            elif self._is_accepted(request):
                self._answer_accepted(received.correlation_id)
        for correlation_id in recorded_ids(delivery):
            if correlation_id not in self._isolated:
                self._answer_accepted(correlation_id)

    def tell(self, finished: Sequence[FinishedJob], known: dict[str, AnsweredJob], seconds: float = 0.0) -> None:
        """Publish the events of requests that were recorded, and reply to their senders.

        Args:
            finished: The requests with their results or errors.
            known: By correlation id, jobs that were recorded before; their own results are reported.
            seconds: The duration of the batch.
        """
        ended: list[JobChanged] = []
        standing: list[JobChanged] = []
        replies: list[tuple[str, JobChanged]] = []
        for one in finished:
            recorded, reply_to = known.get(one.job.correlation_id), one.job.reply_to
            if recorded is not None and not is_same(recorded, one.job):
                # The id belongs to another job, which stays as it is; whoever waits for the id learns so.
                standing.append(job_changed(recorded, _SERVICE))
                answer = _refused(one.job, reused(recorded, one.job))
            else:
                ended.append(_event(one) if recorded is None else job_changed(recorded, _SERVICE))
                result = one.result if recorded is None else recorded.get("result")
                answer = reply_of(ended[-1], result, one.job.given_correlation_id)
            if reply_to:
                replies.append((reply_to, answer))
        self._events.publish([*ended, *standing], replies)
        for event in ended:
            JOBS_FINISHED.labels("Predict", event.status).inc()
            JOB_SECONDS.labels("Predict").observe(seconds)
            if event.error and event.error.code == "invalid_command":
                COMMANDS_REFUSED.labels("predict").inc()
        _log_finished(ended)

    def _answer_accepted(self, correlation_id: str) -> None:
        claimed = self._ledger.claim(correlation_id)
        if claimed is None:
            return
        claim, job = claimed
        computed = self._compute([Request(received_job(job), is_recorded=True)])
        try:
            for _, finished in computed.answered:
                if finished.error is None:
                    self._finisher.tell(self._ledger.complete(claim, finished.result or {}))
                else:
                    self._finisher.tell(self._ledger.end_failed(claim, finished.error))
        except LeaseLost:
            log.warning("job.lease_lost", correlation_id=correlation_id)
        if computed.isolated:
            self._finisher.release(claim)
            self._isolated.do(correlation_id)

    def _isolate(self, request: Request) -> None:
        """Compute a request as a job in its own process."""
        if self._is_accepted(request):
            self._isolated.do(request.received.correlation_id)

    def _is_accepted(self, request: Request) -> bool:
        """Record the job of a request if necessary; return whether the recorded job is this request's."""
        if request.is_recorded:
            return True
        try:
            self._ledger.accept(_job_of(request))
        except CorrelationIdReused as error:
            job = request.received.job
            answer = _refused(job, error)
            self._events.publish([], [(job.reply_to, answer)] if job.reply_to else [])
            return False
        return True

    def _compute(self, requests: Sequence[Request]) -> _Computed:
        computed = _Computed()
        groups: defaultdict[tuple[str, bool, bool], list[_Asked]] = defaultdict(list)
        for request in requests:
            command = request.received.command
            error = request.received.error or self._refusal(command)
            if error is not None:
                computed.answered.append((request, FinishedJob(request.received.job, None, error_document(error))))
            elif isinstance(command, Predict):
                key = (command.model, command.has_probabilities, command.has_scores)
                groups[key].append(_Asked(request, command))
        for group in groups.values():
            PREDICT_BATCH.observe(len(group))
            for part in _parts(group, self._settings.predict_rows_limit):
                for asked, answer in zip(part, self._predict(part), strict=True):
                    if answer is None:
                        computed.isolated.append(asked.request)
                    else:
                        computed.answered.append((asked.request, self._finished(asked.request, answer)))
        return computed

    def _refusal(self, command: object) -> ModelbusError | None:
        try:
            if isinstance(command, Predict):
                check_row_count(command, self._settings.predict_rows_limit)
                check_kept_in_rows(command)
        except ModelbusError as error:
            return error
        return None

    def _predict(self, part: Sequence[_Asked]) -> list[Reply | None]:
        """Predict requests of one model; None for those to be isolated.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        reference = part[0].command.model
        if reference in self._suspects:
            return [None] * len(part)
        try:
            return list(self._replies(part))
        except EngineLost as lost:
            self._note(reference, len(part), lost)
            if lost.is_overrun:
                return [None] * len(part)
        return [self._predict_alone(asked) for asked in part]

    def _predict_alone(self, asked: _Asked) -> Reply | None:
        """Predict a request again after an engine was lost; if it loses another engine alone, this is its error."""
        reference = asked.command.model
        if reference in self._suspects:
            return None
        try:
            (reply,) = self._replies([asked])
        except EngineLost as lost:
            self._note(reference, 1, lost)
            return None if lost.is_overrun else Reply(error=told_error(lost.error))
        return reply

    def _note(self, reference: str, request_count: int, lost: EngineLost) -> None:
        log.warning("engine.lost", model=reference, requests=request_count, reason=lost.error.message)
        self._suspects.note(reference, is_overrun=lost.is_overrun)

    def _replies(self, part: Sequence[_Asked]) -> Sequence[Reply]:
        """The engine's replies.

        Raises:
            EngineLost: The engine was lost.
            StoreUnavailable: MongoDB does not answer.
        """
        command = part[0].command
        rows = [asked.command.rows for asked in part]
        answer = self._engine.predict(Question(command.model, command.has_probabilities, command.has_scores, rows))
        if has_run_out_of_memory(answer):
            self._suspects.note(command.model, is_overrun=False)
        if isinstance(answer, Refused):
            if isinstance(error := answer.error.error(), StoreUnavailable):
                raise error
            return [Reply(error=answer.error)] * len(part)
        replies = [_with_kept(reply, asked.command) for reply, asked in zip(answer.replies, part, strict=True)]
        self._count(replace(answer, replies=replies))
        return replies

    def _count(self, answer: Answered) -> None:
        labels = (answer.model, answer.version)
        for reply in answer.replies:
            if reply.result is None:
                continue
            rows, report = len(reply.result["predictions"]), reply.result["report"]
            PREDICTED_ROWS.labels(*labels).inc(rows)
            for incident, columns in report.items():
                PREDICT_INCIDENTS.labels(*labels, incident).inc(sum(columns.values()))
            self._usage.add(answer.version_id, requests=1, rows=rows, report=report)

    def _finished(self, request: Request, reply: Reply) -> FinishedJob:
        job = _job_of(request)
        if reply.result is None:
            error = ModelbusError() if reply.error is None else reply.error.error()
            return FinishedJob(job, None, error_document(error))
        limit = self._settings.result_inline_bytes
        return FinishedJob(job, within_limit(reply.result, job.correlation_id, self._blobs, limit), None)

    def _record(self, answered: Sequence[tuple[Request, FinishedJob]]) -> dict[str, AnsweredJob]:
        """Record all results: fast for callers that wait, durably for the others."""
        waiting = [finished for request, finished in answered if request.is_interactive]
        others = [finished for request, finished in answered if not (request.is_interactive or request.is_recorded)]
        recorded = [finished for request, finished in answered if request.is_recorded]
        known = self._ledger.record_finished(waiting, is_durable=False) | self._ledger.record_finished(others)
        # Fast for accepted jobs too: if the write is lost, the job is still queued.
        return known | self._ledger.finish_recorded(recorded, is_durable=False)


def _parts(group: Sequence[_Asked], row_limit: int) -> Iterator[list[_Asked]]:
    """Split a group into parts with at most as many rows as a single request may have, to limit the waiting time."""
    part: list[_Asked] = []
    row_count = 0
    for asked in group:
        row_count += len(asked.command.rows)
        if part and row_count > row_limit:
            yield part
            part, row_count = [], len(asked.command.rows)
        part.append(asked)
    yield part


def _with_kept(reply: Reply, command: Predict) -> Reply:
    return reply if reply.result is None else replace(reply, result=with_kept(reply.result, command))


def _job_of(request: Request) -> NewJob:
    if request.is_recorded:
        return request.received.job
    return replace(request.received.job, door="http" if request.is_interactive else "queue")


def _refused(job: NewJob, error: CorrelationIdReused) -> JobChanged:
    """The reply to the sender of a request whose id belongs to another job; it is not published."""
    COMMANDS_REFUSED.labels("predict").inc()
    log.warning("command.refused", correlation_id=job.correlation_id, code=error.code, reason=error.message)
    return reply_of(_event(FinishedJob(job, None, error_document(error))), None, job.given_correlation_id)


def _event(finished: FinishedJob) -> JobChanged:
    """The event of a request that was not recorded before."""
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
    """Log one line for all that succeeded, because there may be thousands per second, and one for each other."""
    succeeded = [event.correlation_id for event in events if event.status == "succeeded" and event.error is None]
    if len(succeeded) == 1:
        log.info("job.finished", correlation_id=succeeded[0], status="succeeded", command="Predict")
    elif succeeded:
        log.info("job.finished", correlation_ids=succeeded, status="succeeded", command="Predict")
    for event in events:
        if event.status != "succeeded" or event.error:
            facts = {"code": event.error.code, "reason": event.error.message} if event.error else {}
            level = level_of(event.status, event.error.code if event.error else None)
            facts |= {"status": event.status, "command": "Predict"}
            log.log(level, "job.finished", correlation_id=event.correlation_id, **facts)
