"""Answering what the lane received: predict together, record together, tell together.

A prediction is a pure function of its command, so it is computed first and recorded with its result in one write
(docs/adr/0005); a job that was accepted under the same id meanwhile is finished by that write.

What is computed together can be lost together: with the engine, which rows may crash or hold up (docs/adr/0035). The
requests that were lost are asked one by one, and those of a model that goes on losing engines are done apart.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import structlog

from modelbus.predictor.apart import Apart, Suspects
from modelbus.predictor.engine import Engine, EngineLost, has_run_out_of_memory
from modelbus.predictor.engine_messages import Answered, Question, Refused, Reply, told_error
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
    """A request and what it asks."""

    request: Request
    command: Predict


@dataclass(frozen=True)
class _Computed:
    """What became of some requests."""

    answered: list[tuple[Request, FinishedJob]] = field(default_factory=list)
    apart: list[Request] = field(default_factory=list)
    """Those that are to be done apart."""


class Answerer:
    """Answers ``Predict`` commands; to be used by one thread."""

    def __init__(self, tools: Tools, engine: Engine, apart: Apart, usage: UsageCounter) -> None:
        """Args:
        tools: Where predictions are recorded and told, large results go, and the limits of rows and results are.
        engine: Predicts.
        apart: Does what the engine should not.
        usage: Counts what the models answer.
        """
        self._ledger = tools.ledger
        self._finisher = tools.finisher
        self._events = tools.events
        self._blobs = tools.blobs
        self._settings = tools.settings
        self._engine = engine
        self._apart = apart
        self._suspects = Suspects()
        self._usage = usage

    def answer(self, deliveries: Sequence[Delivery]) -> None:
        """Answer all requests of some messages.

        Raises:
            StoreUnavailable: MongoDB does not answer; nothing of it may be acknowledged.
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
        for request in computed.apart:
            self._do_apart(request)

    def answer_claimed(self, delivery: Delivery) -> None:
        """Answer the requests of one message one by one, each by a claimed job, so that attempts are counted.

        Raises:
            StoreUnavailable: MongoDB does not answer; the message may not be acknowledged.
        """
        for received in received_commands(delivery):
            if received.correlation_id in self._apart:
                continue
            request = Request(received)
            if received.error:
                computed = self._compute([request])
                self.tell([finished for _, finished in computed.answered], self._record(computed.answered))
            elif self._is_accepted(request):
                self._answer_accepted(received.correlation_id)
        for correlation_id in recorded_ids(delivery):
            if correlation_id not in self._apart:
                self._answer_accepted(correlation_id)

    def tell(self, finished: Sequence[FinishedJob], known: dict[str, AnsweredJob], seconds: float = 0.0) -> None:
        """Tell everybody, and their senders, of requests that ended and were recorded.

        Args:
            finished: The requests with their results or errors.
            known: By correlation id, the jobs that were known before, as they are now: of those, what they say is told.
            seconds: How long they took.
        """
        ended: list[JobChanged] = []
        standing: list[JobChanged] = []
        replies: list[tuple[str, JobChanged]] = []
        for one in finished:
            recorded, reply_to = known.get(one.job.correlation_id), one.job.reply_to
            if recorded is not None and not is_same(recorded, one.job):
                # The job of that id is another one, and stands as it did: whoever waits for the id finds out so.
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
        if computed.apart:
            self._finisher.release(claim)
            self._apart.do(correlation_id)

    def _do_apart(self, request: Request) -> None:
        """Have a request done by a job in a process of its own."""
        if self._is_accepted(request):
            self._apart.do(request.received.correlation_id)

    def _is_accepted(self, request: Request) -> bool:
        """Record a request's job, unless it is recorded; whether it is that request's."""
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
                        computed.apart.append(asked.request)
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
        """What requests of one model get; None for those that are to be done apart.

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
        """What a request gets with which an engine was lost: if it loses another one by itself, that is its answer."""
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
        """What the engine answers.

        Raises:
            EngineLost: It was lost meanwhile.
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
        """Write all results: those of waiting callers as fast as the primary can, the others durably."""
        waiting = [finished for request, finished in answered if request.is_interactive]
        others = [finished for request, finished in answered if not (request.is_interactive or request.is_recorded)]
        recorded = [finished for request, finished in answered if request.is_recorded]
        known = self._ledger.record_finished(waiting, is_durable=False) | self._ledger.record_finished(others)
        # Also of what was accepted before: if the write were lost, its job would still be queued.
        return known | self._ledger.finish_recorded(recorded, is_durable=False)


def _parts(group: Sequence[_Asked], row_limit: int) -> Iterator[list[_Asked]]:
    """A group in parts of no more rows than one request may have: so long may others wait for one call."""
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
    """What the sender of a request is told whose id is another job's; nobody else is: that job is not at fault."""
    COMMANDS_REFUSED.labels("predict").inc()
    log.warning("command.refused", correlation_id=job.correlation_id, code=error.code, reason=error.message)
    return reply_of(_event(FinishedJob(job, None, error_document(error))), None, job.given_correlation_id)


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
            level = level_of(event.status, event.error.code if event.error else None)
            facts |= {"status": event.status, "command": "Predict"}
            log.log(level, "job.finished", correlation_id=event.correlation_id, **facts)
