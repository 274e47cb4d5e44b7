"""Predictions that are not computed with others: each is a claimed job in a child process of its own, as a training is.

So it has the lease, the attempts, the limits and the end of any job: rows that are slow take their time and hold up
nobody, and rows that crash or never end fail with the reason (docs/adr/0035).
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
"""How long a model is set apart after its last loss."""
_REMEMBERED: Final = 1000
"""How many models are remembered; the one whose loss is longest ago is forgotten first."""
_LOSSES: Final = 3
"""After how many engines that a model lost it is set apart."""


class Suspects:
    """Which models are set apart: they held up others, or lost engine after engine. Forgotten after a while."""

    def __init__(self) -> None:
        self._losses: TTLCache[str, int] = TTLCache(_REMEMBERED, _REMEMBERED_S)

    def note(self, reference: str, *, is_overrun: bool) -> None:
        """Note that an engine was lost.

        Args:
            reference: The model, as it was asked for.
            is_overrun: Whether it took too long: each further time would hold up others as long.
        """
        losses = _LOSSES if is_overrun else self._losses.get(reference, 0) + 1
        self._losses[reference] = losses
        if losses == _LOSSES:
            log.warning("model.isolated", model=reference, is_overrun=is_overrun, seconds=_REMEMBERED_S)

    def __contains__(self, reference: str) -> bool:
        return self._losses.get(reference, 0) >= _LOSSES


class Apart:
    """Does accepted predictions in child processes, some at once."""

    def __init__(self, ledger: JobLedger, runner: AttemptRunner, limit: int) -> None:
        """Args:
        ledger: The jobs.
        runner: Does claimed jobs.
        limit: How many processes there are at once.
        """
        self._ledger = ledger
        self._runner = runner
        self._threads = ThreadPoolExecutor(limit, thread_name_prefix="apart")
        self._lock = threading.Lock()
        self._in_hand: set[str] = set()
        self._running = 0
        self._is_stopping = False

    @property
    def running_jobs(self) -> int:
        """How many run now."""
        return self._running

    def __contains__(self, correlation_id: str) -> bool:
        """Whether a job waits or runs here."""
        return correlation_id in self._in_hand

    def do(self, correlation_id: str) -> None:
        """Do an accepted job as soon as there is a process for it; another service may do it before."""
        with self._lock:
            if self._is_stopping or correlation_id in self._in_hand:
                return
            self._in_hand.add(correlation_id)
            self._threads.submit(self._do, correlation_id)

    def stop(self) -> None:
        """Take nothing new: what waits is sent again by a sweep, what runs is handed back after the settings' grace."""
        with self._lock:
            self._is_stopping = True
        self._runner.stop_soon()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Wait until nothing runs any more, once stopped."""
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
