"""The interactive lane: take all that waits, have it answered together, acknowledge it.

A message that comes again (its first predictor died with it, MongoDB was away, or a sweep sent it once more) is
answered apart from the others, by claimed jobs: should it be what killed the predictor, its attempts are counted and it
ends dead instead of for ever killing the next one.
"""

import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog

from modelbus.predictor.answering import Answerer
from modelbus.predictor.apart import Apart
from modelbus.predictor.engine import Engine, EngineLost
from modelbus.shared.bus import Consumer, Delivery
from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.records.usage import UsageCounter
from modelbus.shared.worker.service_faults import end_with_fault

log = structlog.get_logger()

_RECEIVE_S: Final = 1.0


class InteractiveLane:
    """One loop over the ``predict`` queue."""

    def __init__(
        self,
        consumer: Consumer,
        ledger: JobLedger,
        answerer: Answerer,
        engine: Engine,
        apart: Apart,
        usage: UsageCounter,
        *,
        batch_limit: int,
    ) -> None:
        """Args:
        consumer: Of the lane's queue.
        ledger: Where the jobs are that nobody could answer.
        answerer: Predicts, records and tells.
        engine: What it predicts with, to be started and ended with the lane.
        apart: What does the rest, likewise.
        usage: What the models answered; written when nothing waits for it.
        batch_limit: How many messages are taken at once.
        """
        self._consumer = consumer
        self._ledger = ledger
        self._answerer = answerer
        self._engine = engine
        self._apart = apart
        self._usage = usage
        self._batch_limit = batch_limit
        self._stopping = threading.Event()
        self.looped_at = time.monotonic()
        """When the loop last came round, by the monotonic clock."""

    @property
    def polled_at(self) -> float:
        """When the broker last answered."""
        return self._consumer.polled_at

    @property
    def running_jobs(self) -> int:
        """How many predictions run apart; the others are not counted, since they take milliseconds."""
        return self._apart.running_jobs

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
        self._apart.wait()
        self._consumer.close()

    def stop(self) -> None:
        """Take nothing new; what is in hand is answered."""
        self._stopping.set()
        self._apart.stop()

    def _start_engine(self) -> None:
        try:
            self._engine.start()
        except EngineLost as lost:
            log.warning("engine.not_started", reason=lost.error.message)  # the first question starts it, or tells why

    def _step(self, deliveries: Sequence[Delivery]) -> None:
        try:
            if deliveries[0].is_redelivered:
                self._answerer.answer_claimed(deliveries[0])
            else:
                self._answerer.answer(deliveries)
        except StoreUnavailable as error:
            # Nothing is recorded, so nothing may be acknowledged: back to the front of the queue.
            log.warning("bus.requeued", queue="predict", count=len(deliveries), reason=error.message)
            for delivery in reversed(deliveries):
                self._consumer.requeue(delivery)
            self._stopping.wait(1)
        except Exception as error:  # noqa: BLE001 - told and logged by what is called
            # A message that brings out a fault of ours must not end the lane, nor its neighbours, nor come for ever.
            if len(deliveries) == 1:
                end_with_fault(deliveries[0], error, self._ledger, self._consumer, self._answerer.tell)
            else:
                for delivery in deliveries:
                    self._step([delivery])
        else:
            self._consumer.acknowledge(deliveries)
