"""The periodic repair in every service: it finds jobs that a process or a server lost, and restarts them."""

import threading
import time
from datetime import UTC, datetime

import structlog

from modelbus.shared.bus import QUEUES, Publisher, poison_queue, send_recorded
from modelbus.shared.errors import BusUnavailable, StoreUnavailable
from modelbus.shared.observing.metrics import JOBS_LAPSED, JOBS_REPUBLISHED, QUEUE_MESSAGES
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.jobs.repair import Waiting
from modelbus.shared.store.logs.log_batches import LogBatches
from modelbus.shared.worker.finishing import Finisher
from modelbus.shared.worker.outage_watch import OutageWatch
from modelbus.shared.worker.poison_mover import PoisonMover

log = structlog.get_logger()

_SURPLUS_S = 600.0
"""Seconds between two checks for orphaned files, and for more log lines than are to be kept."""


class Sweeper:
    """Sweeps in a thread of its own; any number may sweep at once, since each repair is one reserved update."""

    def __init__(
        self,
        settings: Settings,
        ledger: JobLedger,
        blobs: BlobStore,
        publisher: Publisher,
        finisher: Finisher,
        poison: PoisonMover,
        logs: LogBatches,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._blobs = blobs
        self._publisher = publisher
        self._finisher = finisher
        self._poison = poison
        self._logs = logs
        self._outage = OutageWatch(ledger, settings.lease_s)
        self._surplus_at = time.monotonic() + _SURPLUS_S
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Sweep every ``sweep_s`` seconds."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sweeping and wait for the current sweep to end."""
        self._stopping.set()
        self._thread.join(timeout=10)
        self._poison.close()

    def sweep(self) -> None:
        """Do all repairs once.

        Raises:
            StoreUnavailable: MongoDB does not answer.
            BusUnavailable: The broker does not answer; the repairs that need only MongoDB are done.
        """
        # After an outage of MongoDB nobody is dead because of a lapsed lease.
        if self._outage.is_over():
            self._take_from_the_dead()
            self._finish_committed()
        self._remove_surplus()
        self._publish_again()
        self._poison.move()

    def _run(self) -> None:
        while not self._stopping.wait(self._settings.sweep_s):
            try:
                self.sweep()
            except (StoreUnavailable, BusUnavailable) as error:
                if isinstance(error, StoreUnavailable):
                    self._outage.notice()
                log.debug("sweep.postponed", reason=error.message)
            except Exception:
                log.exception("sweep.failed")

    def _take_from_the_dead(self) -> None:
        for job in self._ledger.lapse():
            JOBS_LAPSED.inc()
            log.warning("job.lapsed", correlation_id=job["_id"], status=job["status"], attempt=job["attempt"])
            self._finisher.tell(job)

    def _finish_committed(self) -> None:
        for claim, job in self._ledger.take_over_committed():
            log.warning("job.finishing_for_other_worker", correlation_id=job["_id"])
            self._finisher.finish_committed(claim, job)

    def _publish_again(self) -> None:
        for queue in QUEUES:
            # Asked first: while the broker is away no publication may be reserved, else the intervals would grow.
            waiting = self._waiting(queue)
            for job in self._ledger.due_for_publication(queue, waiting):
                send_recorded(self._publisher, queue, job["_id"], is_again=True)
                JOBS_REPUBLISHED.labels(queue).inc()
                log.info("job.republished", correlation_id=job["_id"], count=job["publish_count"])

        for queue in QUEUES:
            self._measured_depth(poison_queue(queue))

    def _waiting(self, queue: str) -> Waiting:
        if self._measured_depth(queue) == 0:
            return Waiting(is_empty=True)
        sent_at = self._publisher.oldest_sent_at(queue)
        return Waiting(is_empty=False, oldest=None if sent_at is None else datetime.fromtimestamp(sent_at, UTC))

    def _measured_depth(self, queue: str) -> int:
        depth = self._publisher.queue_depth(queue)
        QUEUE_MESSAGES.labels(queue).set(depth)
        return depth

    def _remove_surplus(self) -> None:
        if time.monotonic() < self._surplus_at:
            return
        self._surplus_at = time.monotonic() + _SURPLUS_S
        if removed := self._blobs.remove_orphans(self._settings.orphan_grace_s):
            log.info("sweep.orphans_removed", count=removed)
        if removed := self._logs.trim(self._settings.log_limit_bytes):
            log.info("sweep.logs_removed", batches=removed)
