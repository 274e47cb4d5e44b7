"""Fits in separate processes, a few side by side, each of which can be killed.

A fit is foreign code that cannot be asked to stop. So each runs in a child that is forked from the job's process: that
costs milliseconds, and the encoded rows are shared, not copied (ADR 0021). Where no process can be forked safely, fits
run in this one, one after the other, and none is killed.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from joblib import cpu_count

from modelbus.shared.tabular.predicting.threads import single_thread

WORKER_LIMIT: Final = 8
_TICK_S: Final = 0.05
_PR_SET_PDEATHSIG: Final = 1

Ending = Literal["done", "raised", "overran", "stopped", "crashed"]
"""`raised`: it raised an unexpected exception, and the answer is its message. `overran`: it exceeded its limit and
was killed. `stopped`: it was killed since no fit is needed any longer.
`crashed`: its process ended without an answer."""


@dataclass(frozen=True, eq=False)
class FitTask:
    """One piece of work."""

    subject: Any
    """The caller's key."""
    work: Callable[[], Any]
    """The work; its answer is pickled on its way back."""
    limit_s: float = float("inf")
    """Seconds after which it is killed."""


@dataclass(frozen=True, eq=False)
class Finished:
    """The outcome of a task."""

    subject: Any
    ending: Ending
    answer: Any
    """The result of the work, or the message of its exception; else None."""
    elapsed_s: float


class FitPool(Protocol):
    """Runs tasks."""

    def run(self, tasks: Iterable[FitTask], is_over: Callable[[], bool]) -> Iterator[Finished]:
        """Run tasks and yield the outcome of each, in the order in which they end.

        Args:
            tasks: The next one is drawn when there is room for it, so that it is decided only then.
            is_over: Whether to kill what runs and to begin nothing more.
        """


def fit_pool(*, is_spread: bool, worker_count: int | None = None) -> FitPool:
    """The pool that suits this machine.

    Args:
        is_spread: Whether fits are spread over a cluster, whose connection no forked process could use.
        worker_count: Fits at the same time; None takes one a core.
    """
    if is_spread or sys.platform != "linux":
        return InlinePool()
    return ForkPool(min(worker_count or cpu_count(), WORKER_LIMIT))


class InlinePool:
    """Runs tasks in this process, one after the other; none is killed."""

    def run(self, tasks: Iterable[FitTask], is_over: Callable[[], bool]) -> Iterator[Finished]:
        """See ``FitPool``."""
        for task in tasks:
            if is_over():
                return
            started = time.monotonic()
            is_done, answer = _answered(task)
            yield Finished(task.subject, "done" if is_done else "raised", answer, time.monotonic() - started)


@dataclass(eq=False)
class _Child:
    """A running fit."""

    pid: int
    task: FitTask
    answers: Connection
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started

    def end(self) -> None:
        """Kill it, if it is still there, and reap it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.answers.close()


class ForkPool:
    """Runs tasks in forked processes."""

    def __init__(self, worker_count: int) -> None:
        self.worker_count = worker_count
        self._running: list[_Child] = []

    def run(self, tasks: Iterable[FitTask], is_over: Callable[[], bool]) -> Iterator[Finished]:
        """See ``FitPool``."""
        waiting = iter(tasks)
        try:
            while True:
                self._fill(waiting)
                if not self._running:
                    return
                yield from self._ended()
                if self._running and is_over():
                    for child in list(self._running):
                        yield self._finish(child, "stopped")
                    return
        finally:
            for child in self._running:
                child.end()
            self._running = []

    def _fill(self, waiting: Iterator[FitTask]) -> None:
        while len(self._running) < self.worker_count and (task := next(waiting, None)) is not None:
            self._running.append(_start(task, self.worker_count))

    def _ended(self) -> Iterator[Finished]:
        """The tasks that have ended, or that had to be killed, after a moment."""
        ready = wait([child.answers for child in self._running], _TICK_S)
        for child in list(self._running):
            if child.answers in ready:
                yield self._finish(child, "done")
            elif child.elapsed_s > child.task.limit_s:
                yield self._finish(child, "overran")

    def _finish(self, child: _Child, ending: Ending) -> Finished:
        elapsed_s, answer = child.elapsed_s, None
        if ending == "done":
            try:
                is_done, answer = child.answers.recv()
                ending = "done" if is_done else "raised"
            except (EOFError, OSError):
                ending = "crashed"
        child.end()
        self._running.remove(child)
        return Finished(child.task.subject, ending, answer, elapsed_s)


def _start(task: FitTask, worker_count: int) -> _Child:
    answers, own_end = Pipe(duplex=False)
    parent = os.getpid()
    with warnings.catch_warnings():
        # newer releases of Python warn of what ADR 0021 says about locks that other threads hold
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _work(task, own_end, parent, worker_count)
    own_end.close()
    return _Child(pid, task, answers)


def _work(task: FitTask, answers: Connection, parent: int, worker_count: int) -> None:
    """The child's whole life; it never returns."""
    try:
        _die_with_parent(parent)
        _share_memory(worker_count)
        # One thread each: the fits themselves are what runs side by side, and a team of OpenMP's threads that the
        # parent had is not there after a fork, so waiting for it would never end.
        with single_thread():
            answers.send(_answered(task))
    finally:
        # not through interpreter shutdown: buffers and exit hooks are the parent's
        os._exit(0)


def _answered(task: FitTask) -> tuple[bool, Any]:
    try:
        return True, task.work()
    except Exception as error:  # noqa: BLE001 - whatever a library raises is this fit's failure, and no other's
        return False, f"{type(error).__name__}: {error}"


def _die_with_parent(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died in the meantime
        os._exit(0)


def _share_memory(worker_count: int) -> None:
    """Divide the remaining address space of the job among the fits that run at the same time."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + max(0, soft - taken) // worker_count, hard))
