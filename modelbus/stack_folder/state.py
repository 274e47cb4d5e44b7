"""What the running stack tells others about itself, in ``run/state.json``."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


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
