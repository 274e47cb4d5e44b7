"""The lock that allows one stack in a folder and names its holder."""

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import Any

from modelbus.stack.stack_errors import AlreadyRunning


class StackLock:
    """An advisory lock on a file; the kernel releases it when its holder ends in any way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            AlreadyRunning: Another stack holds it; the message names its process and URL.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunning(_describe_holder(self._path)) from None
        self._descriptor = descriptor
        self.describe(url=None)

    def describe(self, url: str | None) -> None:
        """Write the holder into the lock, for the message of a second stack."""
        if self._descriptor is not None:
            text = json.dumps({"pid": os.getpid(), "url": url}).encode()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text, 0)

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _describe_holder(path: Path) -> str:
    holder: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        holder = json.loads(path.read_text())
    who = f"process {holder['pid']}" if holder.get("pid") else "another process"
    where = f" at {holder['url']}" if holder.get("url") else ""
    return (
        f"a local stack already runs in {path.parent} ({who}{where}). "
        "Stop it with Ctrl-C, or choose another folder with --directory."
    )
