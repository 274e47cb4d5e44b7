"""The interactive lane: takes all waiting messages, has them answered in a batch, and acknowledges them.

A redelivered message (its predictor died, MongoDB was unavailable, or a sweep sent it again) is answered separately, as
claimed jobs: if it is what killed the predictor, its attempts are counted, and it ends as a dead letter instead of
killing predictors for ever.
"""

import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog

from modelbus.predictor.answering import Answerer
from modelbus.predictor.engine import Engine, EngineLost
from modelbus.predictor.isolated_predictions import IsolatedPredictions
from modelbus.shared.bus import Consumer, Delivery
from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.records.usage import UsageCounter
from modelbus.shared.worker.service_faults import end_with_fault

log = structlog.get_logger()

_RECEIVE_S: Final = 1.0


class InteractiveLane:
    """The loop over the ``predict`` queue."""

    def __init__(
        self,
        consumer: Consumer,
        ledger: JobLedger,
        answerer: Answerer,
        engine: Engine,
        isolated: IsolatedPredictions,
        usage: UsageCounter,
        *,
        batch_limit: int,
    ) -> None:
        """Args:
        consumer: The consumer of the lane's queue.
        ledger: The ledger, for jobs that fail because of a fault of the service.
        answerer: Computes, records and publishes predictions.
        engine: Computes predictions; started and ended with the lane.
        isolated: Computes isolated predictions; ended with the lane.
        usage: Counts predictions by model; written between batches.
        batch_limit: Maximum number of messages per batch.
        """
        self._consumer = consumer
        self._ledger = ledger
        self._answerer = answerer
        self._engine = engine
        self._isolated = isolated
        self._usage = usage
        self._batch_limit = batch_limit
        self._stopping = threading.Event()
        self.looped_at = time.monotonic()
        """When the loop last started an iteration, by the monotonic clock."""

    @property
    def polled_at(self) -> float:
        """When the broker last responded."""
        return self._consumer.polled_at

    @property
    def running_jobs(self) -> int:
        """The number of isolated predictions that are running; others take milliseconds and are not counted."""
        return self._isolated.running_jobs

    def run(self) -> None:
        """Predict until ``stop`` is called."""
        self._start_engine()
        while not self._stopping.is_set():
            self.looped_at = time.monotonic()
            deliveries = self._consumer.receive(_RECEIVE_S, self._batch_limit)
            fresh = [delivery for delivery in deliveries if not delivery.is_redelivered]
            if fresh:
                self._step(fresh)
            for delivery in deliveries:
                if delivery.is_redelivered:
                    self._step([delivery])
            self._usage.flush()
        self._usage.flush(is_last=True)
        self._engine.close()
        self._isolated.wait()
        self._consumer.close()

    def stop(self) -> None:
        """Accept no new messages; those in progress are still answered."""
        self._stopping.set()
        self._isolated.stop()

    def _start_engine(self) -> None:
        try:
            self._engine.start()
        except EngineLost as lost:
            log.warning("engine.not_started", reason=lost.error.message)  # the first question tries again

    def _step(self, deliveries: Sequence[Delivery]) -> None:
        try:
            if deliveries[0].is_redelivered:
                self._answerer.answer_claimed(deliveries[0])
            else:
                self._answerer.answer(deliveries)
        except StoreUnavailable as error:
            # Nothing was recorded, so nothing may be acknowledged: put back to the front of the queue.
            log.warning("bus.requeued", queue="predict", count=len(deliveries), reason=error.message)
            for delivery in reversed(deliveries):
                self._consumer.requeue(delivery)
            self._stopping.wait(1)
        except Exception as error:  # noqa: BLE001 - reported and logged by the callee
            # A message that triggers a fault must not end the lane, affect other messages, or come back for ever.
            if len(deliveries) == 1:
                end_with_fault(deliveries[0], error, self._ledger, self._consumer, self._answerer.tell)
            else:
                for delivery in deliveries:
                    self._step([delivery])
        else:
            self._consumer.acknowledge(deliveries)
