"""Child processes, such as those of one attempt of a job: started from the fork server, watched, killed if need be."""

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
"""How long output is waited for that comes after the end."""
_CLOSED_S = 5.0
"""How long a process may take to end that has closed its pipe."""


def start_fork_server(preload: Sequence[str], first_child: Callable[[], None] | None = None) -> None:
    """Start the process that children are forked from, with modules imported already, so that a child costs
    milliseconds. Must be called before the first child, while the service has one thread.

    Args:
        preload: The modules.
        first_child: What the first child does, with the modules at hand.
    """
    # Threads of OpenMP that spin while they wait starve their neighbours when jobs share few cores: a fit of 100 rows
    # took seconds. Read when the libraries are loaded, that is, by the fork server.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _CONTEXT.set_forkserver_preload(["modelbus.shared.worker.child", *preload])
    # A first child makes the fork server do its imports now, not when the first job waits for them.
    warm_up = _CONTEXT.Process(target=first_child or _nothing)
    warm_up.start()
    warm_up.join()


def _nothing() -> None:
    """The first child's whole work, where it has none."""


class Child:
    """A running child: what it says and how it ends. What it prints and logs is logged in the caller's context."""

    def __init__(self, target: Callable[..., None], *told: object) -> None:
        """Start it.

        Args:
            target: What it does. It is called with what it is told, then with its ends of four pipes: what it says,
                prints and logs, and what it is asked.
            told: What it is told, to be pickled.
        """
        self._said, child_said = _CONTEXT.Pipe(duplex=False)
        printed, child_printed = _CONTEXT.Pipe(duplex=False)
        logged, child_logged = _CONTEXT.Pipe(duplex=False)
        child_asked, self._asked = _CONTEXT.Pipe(duplex=False)
        ends = (child_said, child_printed, child_logged, child_asked)
        self._process = _CONTEXT.Process(target=target, args=(*told, *ends), daemon=True)
        self._process.start()
        # Only the child may hold its ends: their closing is how its end is seen.
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
        """Ask the child for something.

        Raises:
            OSError: It has ended.
        """
        self._asked.send_bytes(request)

    def hear(self, timeout_s: float | None = None) -> bytes | None:
        """Wait until the child says something.

        Args:
            timeout_s: How long, in seconds; None for as long as it lives.

        Returns:
            What it said; None if it says nothing, or has ended (``has_ended``).
        """
        if not self._is_open or (timeout_s is not None and not self._said.poll(timeout_s)):
            return None
        try:
            return self._said.recv_bytes()
        except (EOFError, OSError):
            self._is_open = False
            return None

    def has_ended(self) -> bool:
        """Whether all it said has been read and nothing more can come."""
        return not self._is_open

    def finish_output(self) -> None:
        """Wait until what it printed and logged is in the log, if it comes to an end soon."""
        self._output.finish(_TRAILING_OUTPUT_S)

    def crash(self) -> ModelbusError:
        """Why a child ended that gave no answer."""
        self._process.join(_CLOSED_S)
        if self._process.is_alive():  # it closed its pipe, and lives on
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
        """End the child at once; any thread may do so while another listens to it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def stop(self, grace_s: float) -> None:
        """End the child: SIGTERM, and SIGKILL after ``grace_s`` seconds; reap it, and log what it had still printed."""
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
        """Wait until the child says something; None if it does not."""
        text = self.hear(timeout_s)
        return None if text is None else read_message(text)

    def ask_to_end(self) -> None:
        """Ask the child to end with what it has; to be asked once, of one that offered it."""
        with contextlib.suppress(OSError):  # it has just ended by itself
            self.ask(b"end")
