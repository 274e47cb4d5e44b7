"""The engine as the predictor sees it: a process that predicts, is asked one thing at a time, and is replaced when it
dies or takes too long.

What it costs is a pipe: the models are loaded in one process for all, as they would be in the predictor's own. What it
brings is that rows which crash it, hold it up or fill its memory are the end of that process alone (docs/adr/0035).
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
"""How often it is looked whether the engine takes too long."""


class EngineLost(Exception):
    """The engine died of a question, or was ended because it took too long; another one takes its place."""

    def __init__(self, error: ModelbusError, *, is_overrun: bool) -> None:
        """Args:
        error: What its requests are told, should it be their fault.
        is_overrun: Whether it took too long.
        """
        super().__init__(error.message)
        self.error = error
        self.is_overrun = is_overrun


class Engine:
    """Predicts in a process of its own; to be used by one thread."""

    def __init__(self, service: str, settings: Settings) -> None:
        """Args:
        service: Whose log lines those of the process are.
        settings: For the limits.
        """
        self._service = service
        self._settings = settings
        self._child: Child | None = None
        self._watchdog = _Watchdog()

    def start(self) -> None:
        """Start the process now, not with the first question; harmless when it runs.

        Raises:
            EngineLost: It does not begin.
        """
        if self._child is not None:
            return
        self._child = child = Child(call, _SERVE, self._service, self._settings)
        with self._watchdog.watching(child, self._settings.predict_time_limit_s):
            text = child.hear()
        if text is None or not isinstance(read_said(text), Ready):
            raise self._lost("the engine did not begin", self._settings.predict_time_limit_s)

    def predict(self, question: Question) -> Answered | Refused:
        """Ask for predictions.

        Returns:
            What the requests get.

        Raises:
            EngineLost: The process died of it, or took longer than ``predict_slow_s``; the loading of the model may
                take ``predict_time_limit_s`` besides.
        """
        text = write_question(question)
        try:
            answer = self._ask(text)
        except OSError:
            # It had died with nothing to do, which is nobody's fault.
            log.warning("engine.gone")
            self.stop()
            try:
                answer = self._ask(text)
            except OSError:
                answer = None
        if answer is None:
            raise self._lost(f"predicting by {question.reference}", self._settings.predict_slow_s)
        if has_run_out_of_memory(answer):
            # What it could not give back would be lacking to all that come after.
            self.stop()
        return answer

    def stop(self) -> None:
        """End the process; the next question starts another."""
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
        """The answer; None if there will be none.

        Raises:
            OSError: The process had ended before.
        """
        self.start()
        child = self._child
        assert child is not None  # it has just been started
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
                        # Foreign code wrote into the pipe: nothing that comes by it can be believed any more.
                        child.kill()
        return None

    def _lost(self, doing: str, limit_s: float) -> EngineLost:
        """Put the process away, and tell why it is lost."""
        is_overrun = self._watchdog.has_killed
        child = self._child
        assert child is not None  # it is what was lost
        if is_overrun:
            error: ModelbusError = JobTimedOut(f"{doing} took longer than {limit_s:g} s")
        else:
            error = child.crash()
        self.stop()
        ENGINES_LOST.labels("overrun" if is_overrun else "crashed").inc()
        return EngineLost(error, is_overrun=is_overrun)


def has_run_out_of_memory(answer: Answered | Refused) -> bool:
    """Whether a request needed more memory than there was."""
    errors = [answer.error] if isinstance(answer, Refused) else [reply.error for reply in answer.replies]
    return any(error is not None and error.code == JobOutOfMemory.code for error in errors)


class _Watchdog:
    """Kills a process that takes too long, whatever whoever listens to it waits for: to write, to read, or to read on.

    A thread of its own that looks a few times a second, so that a question costs no more than noting a time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._deadline = float("inf")
        self._closing = threading.Event()
        self.has_killed = False
        """Whether the process that was watched last was killed."""
        threading.Thread(target=self._run, name="engine-watchdog", daemon=True).start()

    @contextmanager
    def watching(self, child: Child, seconds: float) -> Iterator[None]:
        """Kill a process unless the block ends in time."""
        with self._lock:
            self._child, self._deadline, self.has_killed = child, time.monotonic() + seconds, False
        try:
            yield
        finally:
            with self._lock:
                self._child = None

    def extend(self, seconds: float) -> None:
        """Give the process that is watched so much time from now on."""
        self._deadline = time.monotonic() + seconds

    def close(self) -> None:
        """Watch nothing any more."""
        self._closing.set()

    def _run(self) -> None:
        while not self._closing.wait(_TICK_S):
            with self._lock:
                if self._child is not None and time.monotonic() > self._deadline:
                    self._child.kill()
                    self._child, self.has_killed = None, True
