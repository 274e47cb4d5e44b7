"""The interactive lane: take all that waits, compute it together, record it together, tell of it together.

A prediction is a pure function of its command, so it is computed first and recorded with its result in one write
(docs/adr/0005); a job that was accepted under the same id meanwhile is finished by that write. The message is
acknowledged after it.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from predictor.cache import ModelCache
from predictor.prediction import Answer, predict_group
from shared.bus import Consumer, Delivery, EventPublisher
from shared.bus.queues import INTERACTIVE_HEADER
from shared.contracts import ErrorRecord, JobChanged, Predict
from shared.errors import ModelbusError, StoreUnavailable
from shared.metrics import COMMANDS_REFUSED, JOB_SECONDS, JOBS_FINISHED, PREDICT_BATCH
from shared.store.blobs import BlobStore
from shared.store.ledger import FinishedJob, JobLedger, error_document
from shared.store.results import within_limit
from shared.worker.acceptance import Received, received_commands

log = structlog.get_logger()

_RECEIVE_S = 1.0


@dataclass(frozen=True)
class _Request:
    """One received command and whether its caller waits for it."""

    received: Received
    is_interactive: bool


class InteractiveLane:
    """One loop over the ``predict`` queue; computes in this process, with models kept loaded."""

    def __init__(
        self,
        consumer: Consumer,
        ledger: JobLedger,
        events: EventPublisher,
        blobs: BlobStore,
        cache: ModelCache,
        *,
        service: str,
        batch_limit: int,
        result_inline_bytes: int,
    ) -> None:
        """Args:
        consumer: Of the lane's queue.
        ledger: Where predictions are recorded.
        events: Tells of them.
        blobs: Where large results go.
        cache: The loaded models.
        service: Who speaks in events.
        batch_limit: How many messages are taken at once.
        result_inline_bytes: A larger result becomes a blob.
        """
        self._consumer = consumer
        self._ledger = ledger
        self._events = events
        self._blobs = blobs
        self._cache = cache
        self._service = service
        self._batch_limit = batch_limit
        self._result_inline_bytes = result_inline_bytes
        self._stopping = threading.Event()
        self.looped_at = time.monotonic()
        """When the loop last came round, by the monotonic clock."""

    @property
    def polled_at(self) -> float:
        """When the broker last answered."""
        return self._consumer.polled_at

    @property
    def running_jobs(self) -> int:
        """Interactive predictions are not counted as running: they take milliseconds."""
        return 0

    def run(self) -> None:
        """Predict until ``stop`` is called."""
        while not self._stopping.is_set():
            self.looped_at = time.monotonic()
            deliveries = self._consumer.receive(_RECEIVE_S, self._batch_limit)
            if deliveries:
                self._step(deliveries)
        self._consumer.close()

    def stop(self) -> None:
        """Take nothing new; what is in hand is answered."""
        self._stopping.set()

    def _step(self, deliveries: Sequence[Delivery]) -> None:
        try:
            self._answer(deliveries)
        except StoreUnavailable as error:
            # Nothing is recorded, so nothing may be acknowledged: back to the front of the queue.
            log.warning("bus.requeued", queue="predict", count=len(deliveries), reason=error.message)
            for delivery in reversed(deliveries):
                self._consumer.requeue(delivery)
            self._stopping.wait(1)
        except Exception as error:
            # A message that brings out a fault of ours must not end the lane, nor its neighbours, nor come for ever.
            log.exception("delivery.failed", queue="predict", count=len(deliveries))
            if len(deliveries) == 1:
                self._consumer.quarantine(deliveries[0], f"{type(error).__name__}: {error}")
            else:
                for delivery in deliveries:
                    self._step([delivery])
        else:
            self._consumer.acknowledge(deliveries)

    def _answer(self, deliveries: Sequence[Delivery]) -> None:
        started = time.perf_counter()
        requests = [
            _Request(received, INTERACTIVE_HEADER in delivery.headers)
            for delivery in deliveries
            for received in received_commands(delivery)
        ]
        answered = self._compute(requests)
        self._record(answered)
        self._tell([finished for _, finished in answered], time.perf_counter() - started)

    def _compute(self, requests: Sequence[_Request]) -> list[tuple[_Request, FinishedJob]]:
        answered = [
            (request, FinishedJob(request.received.job, None, error_document(request.received.error)))
            for request in requests
            if request.received.error
        ]
        groups: defaultdict[tuple[str, bool], list[_Request]] = defaultdict(list)
        for request in requests:
            command = request.received.command
            if isinstance(command, Predict):
                groups[command.model, command.has_probabilities].append(request)
        for (reference, has_probabilities), group in groups.items():
            PREDICT_BATCH.observe(len(group))
            answers = self._predict(reference, has_probabilities, group)
            answered += [
                (request, self._finished(request, answer)) for request, answer in zip(group, answers, strict=True)
            ]
        return answered

    def _predict(self, reference: str, has_probabilities: bool, group: Sequence[_Request]) -> list[Answer]:
        commands = [request.received.command for request in group if isinstance(request.received.command, Predict)]
        try:
            loaded = self._cache.get(reference)
            return predict_group(
                loaded.model, loaded.name, loaded.version, commands, has_probabilities=has_probabilities
            )
        except StoreUnavailable:
            raise
        except ModelbusError as error:
            return [Answer(None, error)] * len(group)
        except Exception as error:
            # A library's fault on these rows must not end the lane for everybody else's.
            log.exception("prediction.raised", model=reference, count=len(group))
            return [Answer(None, ModelbusError(f"{type(error).__name__}: {error}"))] * len(group)

    def _finished(self, request: _Request, answer: Answer) -> FinishedJob:
        job = replace(request.received.job, door="http" if request.is_interactive else "queue")
        if answer.error is not None:
            return FinishedJob(job, None, error_document(answer.error))
        result: dict[str, Any] = answer.result or {}
        return FinishedJob(job, within_limit(result, job.correlation_id, self._blobs, self._result_inline_bytes), None)

    def _record(self, answered: Sequence[tuple[_Request, FinishedJob]]) -> None:
        """Write all results: those of waiting callers as fast as the primary can, the others durably."""
        waiting = [finished for request, finished in answered if request.is_interactive]
        others = [finished for request, finished in answered if not request.is_interactive]
        if waiting:
            self._ledger.record_finished(waiting, is_durable=False)
        if others:
            self._ledger.record_finished(others)

    def _tell(self, finished: Sequence[FinishedJob], seconds: float) -> None:
        events = [self._event(one) for one in finished]
        replies = [(one.job.reply_to, event) for one, event in zip(finished, events, strict=True) if one.job.reply_to]
        self._events.publish(events, replies)
        for event in events:
            JOBS_FINISHED.labels("Predict", event.status).inc()
            JOB_SECONDS.labels("Predict").observe(seconds)
            facts = {"code": event.error.code, "reason": event.error.message} if event.error else {}
            if event.error and event.error.code == "invalid_command":
                COMMANDS_REFUSED.labels("predict").inc()
            log.info(
                "job.finished", correlation_id=event.correlation_id, status=event.status, command="Predict", **facts
            )

    def _event(self, finished: FinishedJob) -> JobChanged:
        return JobChanged(
            correlation_id=finished.job.correlation_id,
            command="Predict",
            service=self._service,
            status="succeeded" if finished.error is None else "failed",
            attempt=1,
            error=ErrorRecord(**finished.error) if finished.error else None,
        )
