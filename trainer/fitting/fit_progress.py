"""How far a fit is: its steps where the estimator tells them, else the time that it has taken."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

ReportCallback = Callable[[float | None, str], None]
"""Takes the fraction that is done (0 to 1, None if unknown) and what is being done; may be called by another thread."""
StepCallback = Callable[[int, int], None]
"""Takes how many steps are done, and how many there are."""

MEASURING_FRACTION: Final = 0.95
"""The fraction of a fit's work that is done when measuring begins."""

_TICK_S = 1.0


class FitReporter:
    """Reports once a second while something is fitted."""

    def __init__(self, report: ReportCallback, what: str, begin: float, end: float) -> None:
        """Args:
        report: Where to.
        what: What is being done, for people.
        begin: The fraction of the job that is done before.
        end: The fraction that is done after.
        """
        self._report = report
        self._what = what
        self._begin = begin
        self._end = end
        self._done = 0
        self._total = 0
        self._started = time.monotonic()
        self._stopping = threading.Event()

    @contextmanager
    def running(self) -> Iterator[StepCallback]:
        """Report until the block is left; gives what takes the steps."""
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
        words = [self._what] if elapsed_s < _TICK_S else [f"{self._what}: {elapsed_s:.0f} s"]
        if self._done:
            remaining_s = elapsed_s * (self._total - self._done) / self._done
            words += [f"step {self._done} of {self._total}", f"about {remaining_s:.0f} s left"]
        self._report(self._begin + (self._end - self._begin) * fraction, ", ".join(words))
