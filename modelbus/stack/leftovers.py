"""Processes that a killed stack left behind: they are recognized and ended."""

import contextlib
import os
import signal
import time
from pathlib import Path

from modelbus.stack.waiting import wait_until
from modelbus.stack_folder.state import MemberState, StackState

LEFTOVER_GRACE_S = 15.0


def start_ticks(pid: int | None) -> int | None:
    """Give the start of a process in the kernel's ticks since boot; None if it is gone or cannot be read."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[19]) if after_name[0] != "Z" else None
    return None


def is_same_process(member: MemberState) -> bool:
    """Whether the recorded process still runs, rather than a later one with its id."""
    return member.start_ticks is not None and start_ticks(member.pid) == member.start_ticks


def end_leftovers(state: StackState, grace_s: float = LEFTOVER_GRACE_S) -> list[str]:
    """End the processes of a stack that was killed before it could stop them; return their names."""
    left = [member for member in state.members if is_same_process(member)]
    for member in left:
        _signal(member, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    for member in left:
        if not _wait_for_end(member, deadline - time.monotonic()):
            _signal(member, signal.SIGKILL)
            _wait_for_end(member, grace_s)
    return [member.name for member in left]


def _wait_for_end(member: MemberState, timeout_s: float) -> bool:
    return wait_until(lambda: not is_same_process(member), timeout_s)


def _signal(member: MemberState, number: int) -> None:
    if member.pid is not None and is_same_process(member):
        with contextlib.suppress(ProcessLookupError):
            os.kill(member.pid, number)
