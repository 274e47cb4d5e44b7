"""A child process that is kept running: start, restart with back-off, signals, stop. Knows nothing of what it runs.

Each process has a thread that starts it, waits for its end and starts it again. It must be that one thread which
starts it every time and lives as long as it is wanted: Linux ends a child when the *thread* that made it ends.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from modelbus.stack.journal import Journal

OnChange = Callable[[], None]

LAUNCHER = Path(__file__).with_name("launcher.py")
STRAGGLER_GRACE_S = 0.5
"""Seconds that a process's children have to end after it before they are killed."""


@dataclass
class Backoff:
    """The wait before a restart: it doubles, and starts over after a long life."""

    first_s: float = 0.5
    longest_s: float = 10.0
    reset_after_s: float = 30.0
    _next_s: float = 0.0

    def next_delay_s(self, alive_s: float) -> float:
        """The seconds to wait after a life of ``alive_s`` seconds."""
        delay_s = self.first_s if alive_s >= self.reset_after_s or not self._next_s else self._next_s
        self._next_s = min(delay_s * 2, self.longest_s)
        return delay_s


@dataclass(frozen=True)
class ProcessPlan:
    """What to run.

    Attributes:
        command: The program and its arguments.
        environment: All variables of the process.
        log_file: The file that its stdout and stderr are appended to. A file rather than a pipe, so that a paused
            terminal does not stop the process, and its last lines survive the stack.
        stop_grace_s: Seconds between SIGTERM and SIGKILL.
        before_start: Called before each start.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    stop_grace_s: float = 15.0
    before_start: Callable[[], None] = lambda: None


class ManagedProcess:
    """One child process, started again whenever it ends, until it is stopped."""

    def __init__(self, plan: ProcessPlan, journal: Journal, on_change: OnChange = lambda: None) -> None:
        """Args:
        plan: The command and its environment.
        journal: The log of ends and restarts.
        on_change: Called after each start and each end, from the process's own thread.
        """
        self.plan = plan
        self._journal = journal
        self._on_change = on_change
        self._backoff = Backoff()
        self._changed = threading.Condition()
        self._child: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._exits = 0
        self._last_exit = ""
        self._is_kept = False
        self._is_stopping = False
        self._is_restart_asked = False
        self._thread = threading.Thread(target=self._keep_running, name=f"keep-{plan.name}", daemon=True)

    @property
    def name(self) -> str:
        """Its name."""
        return self.plan.name

    @property
    def pid(self) -> int | None:
        """The process id; None while it is down."""
        with self._changed:
            return self._child.pid if self._child else None

    @property
    def restarts(self) -> int:
        """The number of its restarts."""
        return max(self._starts - 1, 0)

    @property
    def exits(self) -> int:
        """The number of its ends."""
        return self._exits

    @property
    def last_exit(self) -> str:
        """A description of its last end; empty before the first one."""
        return self._last_exit

    def start(self) -> None:
        """Start it. Until ``keep`` is called, it is not started again if it ends."""
        self._thread.start()

    def keep(self) -> None:
        """From now on, start it again whenever it ends, even if it has already ended."""
        with self._changed:
            self._is_kept = True
            self._changed.notify_all()

    def send_signal(self, number: int) -> bool:
        """Send a signal to the process itself, not to its children; return whether it was running."""
        with self._changed:
            if self._child is None or self._child.returncode is not None:
                return False
            self._child.send_signal(number)
            return True

    def kill(self, number: int = signal.SIGKILL, timeout_s: float = 10.0) -> bool:
        """Send a signal; after SIGKILL, return when the process has ended."""
        exits = self._exits
        was_running = self.send_signal(number)
        if was_running and number == signal.SIGKILL:
            self.wait_for_exit(exits, timeout_s)
        return was_running

    def restart(self) -> None:
        """Stop it, by SIGKILL if necessary, and start it again without delay."""
        with self._changed:
            exits, self._is_restart_asked = self._exits, True
            self._changed.notify_all()
        if self.send_signal(signal.SIGTERM) and not self.wait_for_exit(exits, self.plan.stop_grace_s):
            self.kill()

    def request_stop(self) -> None:
        """Ask it to end for good; returns at once."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self.send_signal(signal.SIGTERM)
        self.send_signal(signal.SIGCONT)  # a process that is held by SIGSTOP could not obey

    @property
    def has_ended(self) -> bool:
        """Whether it has ended and will not be started again."""
        return not self._thread.is_alive()

    def finish_stop(self) -> None:
        """Kill the process and its children if ``request_stop`` has not ended them; return when they have ended."""
        if self.has_ended:
            return
        self._journal.write("process.killed", "warning", name=self.name)
        with self._changed, contextlib.suppress(ProcessLookupError):
            if self._child is not None:
                os.killpg(self._child.pid, signal.SIGKILL)
        self._thread.join()

    def wait_for_exit(self, exits: int, timeout_s: float) -> bool:
        """Wait until it has ended more than ``exits`` times; return whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._exits > exits, timeout_s)

    def _keep_running(self) -> None:
        while not self._is_stopping:
            started = time.monotonic()
            child = self._spawn()
            if child is not None:
                child.wait()
                _end_stragglers(child.pid)
            self._record_exit(child)
            if not self._wait_for_next_start(time.monotonic() - started):
                return

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        """Start the process; None, with the reason in its log, if that failed or it is stopping."""
        try:
            self.plan.before_start()
            with self.plan.log_file.open("ab", buffering=0) as log, self._changed:
                if self._is_stopping:
                    return None
                child = self._child = self._popen(log)
                self._starts += 1
        except OSError as error:
            self._journal.write("process.not_started", "error", name=self.name, problem=str(error))
            return None
        self._journal.write("process.started", name=self.name, process_id=child.pid)
        self._on_change()
        return child

    def _popen(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *self.plan.command]
        return subprocess.Popen(  # noqa: S603 - no shell; the command is the stack's own
            command,
            env=dict(self.plan.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal goes to the stack alone, which stops things in order
        )

    def _record_exit(self, child: subprocess.Popen[bytes] | None) -> None:
        with self._changed:
            self._child = None
            self._exits += 1
            self._last_exit = describe_exit(child.returncode) if child else "could not be started"
            self._changed.notify_all()
        if child is not None:
            expected = self._is_stopping or self._is_restart_asked
            self._journal.write("process.ended", "info" if expected else "error", name=self.name, how=self._last_exit)
        self._on_change()

    def _wait_for_next_start(self, alive_s: float) -> bool:
        """Wait for the back-off; return whether to start again."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_kept or self._is_stopping)
            if self._is_stopping:
                return False
        delay_s = 0.0 if self._is_restart_asked else self._backoff.next_delay_s(alive_s)
        self._journal.write("process.restarting", "warning", name=self.name, delay_s=delay_s)
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping or self._is_restart_asked, timeout=delay_s)
            self._is_restart_asked = False
            return not self._is_stopping


def describe_exit(code: int) -> str:
    """Describe how a process ended, from its return code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _end_stragglers(group: int) -> None:
    """Give a process's remaining children a moment to end, then kill them."""
    deadline = time.monotonic() + STRAGGLER_GRACE_S
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)
