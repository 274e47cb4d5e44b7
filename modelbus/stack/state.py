"""What the running stack tells others about itself, in ``run/state.json``; and ending what a killed one left behind."""

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelbus.stack.waiting import wait_until

LEFTOVER_GRACE_S = 15.0


@dataclass(frozen=True)
class MemberState:
    """One process of the stack.

    Attributes:
        name: Whose process it is.
        pid: Its process id; None while it is down.
        start_ticks: When it started, as the kernel counts; tells it from a later process of the same id.
        port: Where it listens.
        restarts: How often it was started again.
    """

    name: str
    pid: int | None
    start_ticks: int | None
    port: int | None
    restarts: int


@dataclass(frozen=True)
class StackState:
    """The stack and all its processes.

    Attributes:
        pid: The process that runs the stack.
        started_at: Seconds since 1970.
        gateway_url: Where requests go; None without a gateway.
        mongo_url: Where the record is; may hold a password.
        bus_url: Where messages go; may hold a password.
        members: Its processes, in the order of their start.
    """

    pid: int
    started_at: float
    gateway_url: str | None
    mongo_url: str
    bus_url: str
    members: list[MemberState] = field(default_factory=list)


def write_state(path: Path, state: StackState) -> None:
    """Write the state whole or not at all, for this user only."""
    unfinished = path.with_suffix(".partial")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(asdict(state), indent=2))
    unfinished.replace(path)


def read_state(path: Path) -> StackState | None:
    """Read the state; None when there is none, or one that another release wrote."""
    try:
        fields: dict[str, Any] = json.loads(path.read_text())
        members = [MemberState(**member) for member in fields.pop("members")]
        return StackState(**fields, members=members)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def start_ticks(pid: int | None) -> int | None:
    """Give the start of a process in the kernel's ticks since boot; None when it is gone or cannot be asked."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[19]) if after_name[0] != "Z" else None
    return None


def is_same_process(member: MemberState) -> bool:
    """Say whether the very process that was written down still runs."""
    return member.start_ticks is not None and start_ticks(member.pid) == member.start_ticks


def end_leftovers(state: StackState, grace_s: float = LEFTOVER_GRACE_S) -> list[str]:
    """End the processes of a stack that was killed before it could stop them; give their names."""
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
