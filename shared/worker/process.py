"""One attempt of a job in a child process: started from the fork server, watched, killed when it must be."""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import orjson

from shared.errors import JobCrashed, ModelbusError, error_of
from shared.worker.child import Attempt, run_attempt

_CONTEXT = multiprocessing.get_context("forkserver")
_OUTPUT_CHUNK_BYTES = 65536


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
    _CONTEXT.set_forkserver_preload(["shared.worker.child", *preload])
    # A first child makes the fork server do its imports now, not when the first job waits for them.
    warm_up = _CONTEXT.Process(target=first_child or _nothing)
    warm_up.start()
    warm_up.join()


def _nothing() -> None:
    """The first child's whole work, where it has none."""


class ChildProcess:
    """A running attempt: what it says, what it prints, and how it ends."""

    def __init__(self, attempt: Attempt) -> None:
        self._answers, child_answers = _CONTEXT.Pipe(duplex=False)
        self._output, child_output = _CONTEXT.Pipe(duplex=False)
        child_requests, self._requests = _CONTEXT.Pipe(duplex=False)
        arguments = (attempt, child_answers, child_output, child_requests)
        self._process = _CONTEXT.Process(target=run_attempt, args=arguments, daemon=True)
        self._process.start()
        # Only the child may hold the writing ends: their closing is how its end is seen.
        child_answers.close()
        child_output.close()
        child_requests.close()
        self._readers: list[Connection] = [self._answers, self._output]
        self._partial_line = b""

    @property
    def pid(self) -> int:
        """The child's process id."""
        return int(self._process.pid or 0)

    def wait(self, timeout_s: float) -> tuple[list[dict[str, Any]], list[str]]:
        """Wait until the child says or prints something.

        Returns:
            Its messages (``progress``, ``early_end_offered``, ``outcome`` or ``error``) and the lines it printed, both
            maybe empty.
        """
        messages: list[dict[str, Any]] = []
        lines: list[str] = []
        for reader in multiprocessing.connection.wait(self._readers, timeout_s):
            if reader is self._answers:
                messages.extend(self._read_answers())
            elif reader is self._output:
                lines.extend(self._read_lines())
        return messages, lines

    def ask_to_end(self) -> None:
        """Ask the child to end with what it has; to be asked once, of one that offered it."""
        with contextlib.suppress(OSError):  # it has just ended by itself
            self._requests.send_bytes(b"end")

    def has_ended(self) -> bool:
        """Whether both pipes are closed: all it said has been read and nothing more can come."""
        return not self._readers

    def crash(self) -> ModelbusError:
        """Why a child ended that gave no answer."""
        self._process.join()
        code = self._process.exitcode or 0
        if code == -signal.SIGKILL:
            reason = "killed by SIGKILL: the machine ran out of memory, or somebody ended it"
        elif code < 0:
            reason = f"killed by {signal.Signals(-code).name}: a library crashed"
        else:
            reason = f"it exited with status {code} in the middle of the work"
        return JobCrashed(f"the process that did the job died ({reason})")

    def stop(self, grace_s: float) -> None:
        """End the child: SIGTERM, and SIGKILL after ``grace_s`` seconds; reap it and close the pipes."""
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(grace_s)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()
        self._answers.close()
        self._output.close()
        self._requests.close()

    def _read_answers(self) -> list[dict[str, Any]]:
        try:
            message: dict[str, Any] = orjson.loads(self._answers.recv_bytes())
        except (EOFError, OSError):
            self._readers.remove(self._answers)
            return []
        return [message]

    def _read_lines(self) -> list[str]:
        chunk = os.read(self._output.fileno(), _OUTPUT_CHUNK_BYTES)
        if not chunk:
            self._readers.remove(self._output)
        *lines, self._partial_line = (self._partial_line + chunk).split(b"\n")
        if not chunk and self._partial_line:
            lines, self._partial_line = [self._partial_line], b""
        return [line.decode("utf-8", "replace").rstrip() for line in lines if line.strip()]


def error_from(message: dict[str, Any]) -> ModelbusError:
    """The error that a child's ``error`` message describes."""
    return error_of(message["code"], message["message"], message["details"])
