"""The state of a stack seen from another process: its state file, and what its processes answer now."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from modelbus.stack.leftovers import is_same_process
from modelbus.stack.ports import LOOPBACK, is_listening
from modelbus.stack.service_processes import GATEWAY, probe_ready, read_port
from modelbus.stack.urls import without_password
from modelbus.stack_folder.running import is_locked
from modelbus.stack_folder.stack_layout import Layout
from modelbus.stack_folder.state import MemberState, StackState, read_state


@dataclass(frozen=True)
class MemberStatus:
    """One process: its id, its port and whether it is ready."""

    name: str
    pid: int | None
    port: int | None
    is_ready: bool
    restarts: int


@dataclass(frozen=True)
class StackStatus:
    """The whole stack; URLs without passwords."""

    is_running: bool
    pid: int | None = None
    started_at: float | None = None
    gateway_url: str | None = None
    mongo_url: str | None = None
    bus_url: str | None = None
    members: list[MemberStatus] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        """Whether it runs and each of its processes is ready."""
        return self.is_running and bool(self.members) and all(member.is_ready for member in self.members)


def read_status(layout: Layout) -> StackStatus:
    """Read the state file and probe the processes."""
    state = read_state(layout.state)
    if state is None or not is_locked(layout.lock):
        return StackStatus(is_running=False)
    return StackStatus(
        is_running=True,
        pid=state.pid,
        started_at=state.started_at,
        gateway_url=state.gateway_url,
        mongo_url=without_password(state.mongo_url),
        bus_url=without_password(state.bus_url),
        members=[_ask(member, state, layout) for member in state.members],
    )


def _ask(member: MemberState, state: StackState, layout: Layout) -> MemberStatus:
    port_file = layout.port_file(member.name)
    port = read_port(port_file) if port_file.exists() else member.port
    is_ready = False
    if port is not None and is_same_process(member):
        is_ready = probe_ready(_host(member, state), port) if port_file.exists() else is_listening(port)
    return MemberStatus(member.name, member.pid, port, is_ready, member.restarts)


def _host(member: MemberState, state: StackState) -> str:
    if member.name == GATEWAY and state.gateway_url is not None:
        return urlsplit(state.gateway_url).hostname or LOOPBACK
    return LOOPBACK
