"""Waiting for a condition with a deadline: what tests do instead of sleeping."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

TIMEOUT_S = 20.0
"""Far more than anything takes here: it ends a test that has failed, and measures nothing."""
_PAUSE_S = 0.02


def wait_until(
    condition: Callable[[], T], what: str, timeout_s: float = TIMEOUT_S, state: Callable[[], object] | None = None
) -> T:
    """Ask until the answer is truthy, and return it.

    Args:
        condition: What is asked, every 20 ms.
        what: What is waited for, as a sentence for whoever reads the failure.
        timeout_s: When to give up, in seconds.
        state: Tells, when it was in vain, how things stand instead; the last answer by default.

    Raises:
        AssertionError: It did not come true in time.
    """
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain: {what}; instead: {state() if state else answer!r}")
        time.sleep(_PAUSE_S)
    return answer


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs; one that has ended and waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
