"""Isolated predictions: each is a claimed job in its own child process, like a training.

They have the lease, the attempts and the limits of any job: slow rows do not block others, and rows that crash or never
end fail with the reason (docs/adr/0035).
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from cachetools import TTLCache

from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.worker.attempt import AttemptRunner

log = structlog.get_logger()

HANDLER: Final = "modelbus.predictor.handlers.row_predictions:predict_rows"
_REMEMBERED_S: Final = 60.0
"""How long a model stays isolated after its last loss."""
_REMEMBERED: Final = 1000
"""Maximum number of remembered models; the oldest loss is forgotten first."""
_LOSSES: Final = 3
"""A model is isolated after it has lost this number of engines."""


class Suspects:
    """Models that are isolated for a while, because they blocked others or lost several engines."""

    def __init__(self) -> None:
        self._losses: TTLCache[str, int] = TTLCache(_REMEMBERED, _REMEMBERED_S)

    def note(self, reference: str, *, is_overrun: bool) -> None:
        """Record the loss of an engine.

        Args:
            reference: The model, as named by the request.
            is_overrun: Whether it took too long; the model is then isolated at once, as it would block others again.
        """
        losses = _LOSSES if is_overrun else self._losses.get(reference, 0) + 1
        self._losses[reference] = losses
        if losses == _LOSSES:
            log.warning("model.isolated", model=reference, is_overrun=is_overrun, seconds=_REMEMBERED_S)

    def __contains__(self, reference: str) -> bool:
        return self._losses.get(reference, 0) >= _LOSSES


class IsolatedPredictions:
    """Computes accepted predictions in child processes, several at once."""

    def __init__(self, ledger: JobLedger, runner: AttemptRunner, limit: int) -> None:
        """Args:
        ledger: The jobs.
        runner: Runs claimed jobs.
        limit: Maximum number of processes at once.
        """
        self._ledger = ledger
        self._runner = runner
        self._threads = ThreadPoolExecutor(limit, thread_name_prefix="isolated")
        self._lock = threading.Lock()
        self._in_hand: set[str] = set()
        self._running = 0
        self._is_stopping = False

    @property
    def running_jobs(self) -> int:
        """The number of running jobs."""
        return self._running

    def __contains__(self, correlation_id: str) -> bool:
        """Whether a job is waiting or running here."""
        return correlation_id in self._in_hand

    def do(self, correlation_id: str) -> None:
        """Run an accepted job as soon as a process is free, unless another service claims it first."""
        with self._lock:
            if self._is_stopping or correlation_id in self._in_hand:
                return
            self._in_hand.add(correlation_id)
            self._threads.submit(self._do, correlation_id)

    def stop(self) -> None:
        """Accept no new jobs: a sweep resends waiting ones, and running ones are released after the grace period."""
        with self._lock:
            self._is_stopping = True
        self._runner.stop_soon()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Wait until no job is running; after ``stop``."""
        self._threads.shutdown(wait=True)

    def _do(self, correlation_id: str) -> None:
        with self._lock:
            self._running += 1
        try:
            claimed = self._ledger.claim(correlation_id)
            if claimed is not None:
                self._runner.run(*claimed, HANDLER)
        except StoreUnavailable as error:
            log.warning("job.not_claimed", correlation_id=correlation_id, reason=error.message)
        except Exception:
            log.exception("job.not_claimed", correlation_id=correlation_id)
        finally:
            with self._lock:
                self._running -= 1
                self._in_hand.discard(correlation_id)
