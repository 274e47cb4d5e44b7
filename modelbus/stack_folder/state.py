"""The state of the running stack for other processes, in ``run/state.json``."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class MemberState:
    """One process of the stack.

    Attributes:
        name: Its name.
        pid: Its process id; None while it is down.
        start_ticks: Its start in the kernel's ticks, which distinguishes it from a later process with the same id.
        port: Its port.
        restarts: The number of restarts.
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
        gateway_url: The gateway; None if there is none.
        mongo_url: MongoDB; may contain a password.
        bus_url: The broker; may contain a password.
        members: Its processes, in the order of their start.
    """

    pid: int
    started_at: float
    gateway_url: str | None
    mongo_url: str
    bus_url: str
    members: list[MemberState] = field(default_factory=list)


def write_state(path: Path, state: StackState) -> None:
    """Write the state atomically, readable by this user only."""
    unfinished = path.with_suffix(".partial")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(asdict(state), indent=2))
    unfinished.replace(path)


def read_state(path: Path) -> StackState | None:
    """Read the state; None if there is none, or if another release wrote it."""
    try:
        fields: dict[str, Any] = json.loads(path.read_text())
        members = [MemberState(**member) for member in fields.pop("members")]
        return StackState(**fields, members=members)
    except (OSError, ValueError, TypeError, KeyError):
        return None
