"""Forwards the output and the log lines of a job's process to the job's log, line by line, in its own thread.

The thread is needed because a child blocks if its pipe is full: it must not wait for heartbeats while MongoDB is
unavailable.
"""

import contextvars
import multiprocessing.connection
import os
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Final

import structlog

from modelbus.shared.observing.logs import log_again

log = structlog.get_logger()

PRINTED_LINES_LIMIT: Final = 1000
"""Maximum printed lines of an attempt that are logged; Modelbus's own log lines are not counted."""
_LOOK_S: Final = 0.5
"""The interval of the checks whether the output is still needed."""
_CHUNK_BYTES: Final = 65536
_LINE_LIMIT_BYTES: Final = 64 * 1024
"""A longer line is split."""


class JobOutput:
    """Logs the output of a child's pipes, in the creator's context, until both are closed."""

    def __init__(self, printed: Connection, logged: Connection) -> None:
        """Args:
        printed: The child's stdout and stderr: of Python, of C, and of its own children.
        logged: The child's log lines.
        """
        self._pipes = {printed: _Lines(), logged: _Lines()}
        self._logged = logged
        self._count = 0
        self._is_abandoned = threading.Event()
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=lambda: context.run(self._run), name="job-output", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def finish(self, timeout_s: float) -> None:
        """Wait until everything is logged, at most ``timeout_s``: the child's own children may keep a pipe open."""
        self._thread.join(timeout_s)
        self._is_abandoned.set()

    def _run(self) -> None:
        while self._pipes and not self._is_abandoned.is_set():
            for pipe in multiprocessing.connection.wait(list(self._pipes), _LOOK_S):
                assert isinstance(pipe, Connection)  # nothing else is waited for
                self._read(pipe)
        for pipe in self._pipes:
            pipe.close()

    def _read(self, pipe: Connection) -> None:
        lines = self._pipes[pipe]
        chunk = os.read(pipe.fileno(), _CHUNK_BYTES)
        for line in lines.added(chunk) if chunk else lines.rest():
            if pipe is not self._logged or not log_again(line):
                self._log_printed(line)
        if not chunk:
            del self._pipes[pipe]
            pipe.close()

    def _log_printed(self, line: bytes) -> None:
        self._count += 1
        if self._count <= PRINTED_LINES_LIMIT:
            log.info("job.output", text=line.decode("utf-8", "replace").rstrip())
        elif self._count == PRINTED_LINES_LIMIT + 1:
            log.warning("job.output_truncated", limit_lines=PRINTED_LINES_LIMIT)


class _Lines:
    """Splits chunks into lines that are not empty."""

    def __init__(self) -> None:
        self._partial = b""

    def added(self, chunk: bytes) -> Iterator[bytes]:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        if len(self._partial) > _LINE_LIMIT_BYTES:
            lines.append(self._partial)
            self._partial = b""
        return (line for line in lines if line.strip())

    def rest(self) -> Iterator[bytes]:
        return (line for line in [self._partial] if line.strip())
