"""The engine from the predictor's side: a process that predicts, one question at a time, and is replaced if it dies or
takes too long.

The models are loaded in this single process, and the only cost is a pipe. Rows that crash it, block it or exhaust its
memory end only that process (docs/adr/0035).
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from modelbus.predictor.engine_messages import (
    Answered,
    Loaded,
    Loading,
    Question,
    Ready,
    Refused,
    read_said,
    write_question,
)
from modelbus.shared.errors import JobOutOfMemory, JobTimedOut, ModelbusError
from modelbus.shared.observing.metrics import ENGINES_LOST, MODEL_CACHE_BYTES, MODEL_LOADS
from modelbus.shared.settings import Settings
from modelbus.shared.worker.child_start import call
from modelbus.shared.worker.process import Child

log = structlog.get_logger()

_SERVE: Final = "modelbus.predictor.engine_process:serve"
_TICK_S: Final = 0.1
"""The interval of the checks whether the engine takes too long."""


class EngineLost(Exception):
    """The engine died during a question, or was killed because it took too long; it will be replaced."""

    def __init__(self, error: ModelbusError, *, is_overrun: bool) -> None:
        """Args:
        error: The error for its requests, if they are the cause.
        is_overrun: Whether it took too long.
        """
        super().__init__(error.message)
        self.error = error
        self.is_overrun = is_overrun


class Engine:
    """Predicts in its own process; for use by one thread."""

    def __init__(self, service: str, settings: Settings) -> None:
        """Args:
        service: The service name in log lines of the process.
        settings: The settings, for the limits.
        """
        self._service = service
        self._settings = settings
        self._child: Child | None = None
        self._watchdog = _Watchdog()

    def start(self) -> None:
        """Start the process before the first question, unless it is running.

        Raises:
            EngineLost: The process does not start.
        """
        if self._child is not None:
            return
        self._child = child = Child(call, _SERVE, self._service, self._settings)
        with self._watchdog.watching(child, self._settings.predict_time_limit_s):
            text = child.hear()
        if text is None or not isinstance(read_said(text), Ready):
            raise self._lost("the prediction process did not start", self._settings.predict_time_limit_s)

    def predict(self, question: Question) -> Answered | Refused:
        """Request predictions.

        Returns:
            The replies to the requests.

        Raises:
            EngineLost: The process died, or took longer than ``predict_slow_s``; loading the model may take another
                ``predict_time_limit_s``.
        """
        text = write_question(question)
        try:
            answer = self._ask(text)
        except OSError:
            # It died while idle, which no request caused.
            log.warning("engine.gone")
            self.stop()
            try:
                answer = self._ask(text)
            except OSError:
                answer = None
        if answer is None:
            raise self._lost(f"predicting with {question.reference}", self._settings.predict_slow_s)
        if has_run_out_of_memory(answer):
            # Memory that it cannot release would be missing for all later requests.
            self.stop()
        return answer

    def stop(self) -> None:
        """End the process; the next question starts a new one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.stop(0)
            MODEL_CACHE_BYTES.set(0)

    def close(self) -> None:
        """End the process for good."""
        self.stop()
        self._watchdog.close()

    def _ask(self, text: bytes) -> Answered | Refused | None:
        """The answer; None if the process died.

        Raises:
            OSError: The process had died before.
        """
        self.start()
        child = self._child
        assert child is not None  # started above
        with self._watchdog.watching(child, self._settings.predict_slow_s):
            child.ask(text)
            while (heard := child.hear()) is not None:
                match read_said(heard):
                    case Answered() | Refused() as answer:
                        return answer
                    case Loading():
                        self._watchdog.extend(self._settings.predict_time_limit_s)
                    case Loaded(size_bytes=size_bytes):
                        MODEL_LOADS.inc()
                        MODEL_CACHE_BYTES.set(size_bytes)
                        self._watchdog.extend(self._settings.predict_slow_s)
                    case _:
                        # Foreign code wrote into the pipe, which cannot be trusted any more.
                        child.kill()
        return None

    def _lost(self, doing: str, limit_s: float) -> EngineLost:
        """End the process and return the reason why it is lost."""
        is_overrun = self._watchdog.has_killed
        child = self._child
        assert child is not None  # it was running
        if is_overrun:
            error: ModelbusError = JobTimedOut(f"{doing} exceeded its limit of {limit_s:g} s")
        else:
            error = child.crash()
        self.stop()
        ENGINES_LOST.labels("overrun" if is_overrun else "crashed").inc()
        return EngineLost(error, is_overrun=is_overrun)


def has_run_out_of_memory(answer: Answered | Refused) -> bool:
    """Whether a request needed more memory than available."""
    errors = [answer.error] if isinstance(answer, Refused) else [reply.error for reply in answer.replies]
    return any(error is not None and error.code == JobOutOfMemory.code for error in errors)


class _Watchdog:
    """Kills a process that takes too long, regardless of what its caller is waiting for.

    Its own thread checks a few times per second, so that a question costs only the recording of a deadline.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._deadline = float("inf")
        self._closing = threading.Event()
        self.has_killed = False
        """Whether the last watched process was killed."""
        threading.Thread(target=self._run, name="engine-watchdog", daemon=True).start()

    @contextmanager
    def watching(self, child: Child, seconds: float) -> Iterator[None]:
        """Kill the process unless the block ends in time."""
        with self._lock:
            self._child, self._deadline, self.has_killed = child, time.monotonic() + seconds, False
        try:
            yield
        finally:
            with self._lock:
                self._child = None

    def extend(self, seconds: float) -> None:
        """Set the deadline of the watched process to this many seconds from now."""
        self._deadline = time.monotonic() + seconds

    def close(self) -> None:
        """Stop watching."""
        self._closing.set()

    def _run(self) -> None:
        while not self._closing.wait(_TICK_S):
            with self._lock:
                if self._child is not None and time.monotonic() > self._deadline:
                    self._child.kill()
                    self._child, self.has_killed = None, True
