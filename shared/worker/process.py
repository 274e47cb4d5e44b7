"""Child processes, such as that of a job's attempt: started by the fork server, watched, and killed if necessary."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence

from modelbus.shared.errors import JobCrashed, ModelbusError
from modelbus.shared.worker.child import Attempt, run_attempt
from modelbus.shared.worker.child_messages import ChildMessage, read_message
from modelbus.shared.worker.output import JobOutput

_CONTEXT = multiprocessing.get_context("forkserver")
_TRAILING_OUTPUT_S = 0.5
"""How long to wait for output after the end."""
_CLOSED_S = 5.0
"""How long a process may take to end after it has closed its pipe."""


def start_fork_server(preload: Sequence[str], first_child: Callable[[], None] | None = None) -> None:
    """Start the process that children are forked from, with preloaded modules, so that a child starts in milliseconds.

    Must be called before the first child, while the service has one thread.

    Args:
        preload: The modules.
        first_child: The function of the first child, which has the modules.
    """
    # OpenMP threads that spin while they wait starve others if jobs share few cores: a fit of 100 rows took seconds.
    # The variable is read when the libraries are loaded, that is, by the fork server.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _CONTEXT.set_forkserver_preload(["modelbus.shared.worker.child", *preload])
    # The first child makes the fork server import the modules now, before the first job.
    warm_up = _CONTEXT.Process(target=first_child or _nothing)
    warm_up.start()
    warm_up.join()


def _nothing() -> None:
    """The default function of the first child."""


class Child:
    """A running child and its messages. Its output and log lines are logged in the caller's context."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        """Start it.

        Args:
            target: Its function. It is called with the arguments, and then with its ends of four pipes: for its
                messages, its output, its log lines, and for requests.
            arguments: The arguments, which are pickled.
        """
        self._said, child_said = _CONTEXT.Pipe(duplex=False)
        printed, child_printed = _CONTEXT.Pipe(duplex=False)
        logged, child_logged = _CONTEXT.Pipe(duplex=False)
        child_asked, self._asked = _CONTEXT.Pipe(duplex=False)
        ends = (child_said, child_printed, child_logged, child_asked)
        self._process = _CONTEXT.Process(target=target, args=(*arguments, *ends), daemon=True)
        self._process.start()
        # Only the child may keep its ends open: when they close, it has ended.
        for end in ends:
            end.close()
        self._is_open = True
        self._output = JobOutput(printed, logged)
        self._output.start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return int(self._process.pid or 0)

    def ask(self, request: bytes) -> None:
        """Send a request to the child.

        Raises:
            OSError: It has ended.
        """
        self._asked.send_bytes(request)

    def hear(self, timeout_s: float | None = None) -> bytes | None:
        """Wait for a message of the child.

        Args:
            timeout_s: The timeout in seconds; None to wait as long as it lives.

        Returns:
            The message; None after the timeout, or if the child has ended (``has_ended``).
        """
        if not self._is_open or (timeout_s is not None and not self._said.poll(timeout_s)):
            return None
        try:
            return self._said.recv_bytes()
        except (EOFError, OSError):
            self._is_open = False
            return None

    def has_ended(self) -> bool:
        """Whether all messages have been read and none can follow."""
        return not self._is_open

    def finish_output(self) -> None:
        """Wait until its output and log lines are logged, if they end soon."""
        self._output.finish(_TRAILING_OUTPUT_S)

    def crash(self) -> ModelbusError:
        """The error for a child that ended without an answer."""
        self._process.join(_CLOSED_S)
        if self._process.is_alive():  # it closed its pipe but is still running
            self.kill()
        self._process.join()
        code = self._process.exitcode or 0
        if code == -signal.SIGKILL:
            reason = "killed by SIGKILL: the machine ran out of memory, or the process was killed by hand"
        elif code < 0:
            reason = f"killed by {signal.Signals(-code).name}: a library crashed"
        else:
            reason = f"it exited with status {code} before the job was done"
        return JobCrashed(f"the job's process died ({reason})")

    def kill(self) -> None:
        """Kill the child; may be called by any thread."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def stop(self, grace_s: float) -> None:
        """End the child with SIGTERM, and SIGKILL after ``grace_s`` seconds; reap it, and log its remaining output."""
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(grace_s)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()
        self._said.close()
        self._asked.close()
        self.finish_output()


class ChildProcess(Child):
    """A running attempt of a job."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(run_attempt, attempt)

    def wait(self, timeout_s: float) -> ChildMessage | None:
        """Wait for a message of the child; None after the timeout."""
        text = self.hear(timeout_s)
        return None if text is None else read_message(text)

    def ask_to_end(self) -> None:
        """Ask the child to end with its current result; only once, after it has offered to."""
        with contextlib.suppress(OSError):  # it has already ended
            self.ask(b"end")
