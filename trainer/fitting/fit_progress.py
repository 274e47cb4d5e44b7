"""The progress of a fit: in steps if the estimator reports them, else the elapsed time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

ReportCallback = Callable[[float | None, str], None]
"""Takes the fraction done (0 to 1, None if unknown) and the current activity; may be called from another thread."""
StepCallback = Callable[[int, int], None]
"""Takes the number of steps done and the total."""

MEASURING_FRACTION: Final = 0.95
"""The fraction of the work that is done when measuring begins."""

_TICK_S = 1.0


class FitReporter:
    """Reports progress once per second during a fit."""

    def __init__(self, report: ReportCallback, activity: str, begin: float, end: float) -> None:
        """Args:
        report: Takes the progress.
        activity: The activity, for people, such as ``fitting Ridge on 800 rows``.
        begin: The fraction of the job that is done before the fit.
        end: The fraction that is done after it.
        """
        self._report = report
        self._activity = activity
        self._begin = begin
        self._end = end
        self._done = 0
        self._total = 0
        self._started = time.monotonic()
        self._stopping = threading.Event()

    @contextmanager
    def running(self) -> Iterator[StepCallback]:
        """Report until the block ends; yields the callback for steps."""
        self._started = time.monotonic()
        self._tell()
        thread = threading.Thread(target=self._tick, name="fit-reporter", daemon=True)
        thread.start()
        try:
            yield self._step
        finally:
            self._stopping.set()
            thread.join()

    def _step(self, done: int, total: int) -> None:
        self._done, self._total = done, total

    def _tick(self) -> None:
        while not self._stopping.wait(_TICK_S):
            self._tell()

    def _tell(self) -> None:
        elapsed_s = time.monotonic() - self._started
        fraction = self._done / self._total if self._total else 0.0
        words = [self._activity] if elapsed_s < _TICK_S else [f"{self._activity}: {elapsed_s:.0f} s"]
        if self._done:
            remaining_s = elapsed_s * (self._total - self._done) / self._done
            words += [f"step {self._done} of {self._total}", f"about {remaining_s:.0f} s left"]
        self._report(self._begin + (self._end - self._begin) * fraction, ", ".join(words))
