"""What servers and services of the stack have in common: a process, a port and a readiness probe."""

from collections.abc import Callable, Sequence
from typing import Protocol

from modelbus.stack.log_tail import last_lines
from modelbus.stack.processes import ManagedProcess
from modelbus.stack.stack_errors import StackError
from modelbus.stack.waiting import wait_until


class Member(Protocol):
    """One process of the stack."""

    process: ManagedProcess
    failure: type[StackError]
    """The error that is raised if it does not start."""

    @property
    def name(self) -> str:
        """Its name in logs, in the state and on the command line."""
        ...

    @property
    def port(self) -> int | None:
        """Its port on the loopback address; None until it is known."""
        ...

    def is_ready(self) -> bool:
        """Whether it is ready for work; answers quickly."""
        ...


def wait_until_started(members: Sequence[Member], timeout_s: float, check: Callable[[], None]) -> None:
    """Wait for the first start of several members.

    Args:
        members: The started members.
        timeout_s: Seconds for all of them together.
        check: Called between two probes; may raise to end the wait.

    Raises:
        StackError: Of the member's own kind, when one ended or was not ready in time, with its last log lines.
    """
    pending = list(members)

    def are_all_ready() -> bool:
        check()
        for member in members:
            if member.process.exits > 0:
                how = f"ended while starting ({member.process.last_exit})"
                raise member.failure(describe_failure(member, how))
        pending[:] = [member for member in pending if not member.is_ready()]
        return not pending

    if not wait_until(are_all_ready, timeout_s):
        raise pending[0].failure(describe_failure(pending[0], f"was not ready within {timeout_s:.0f} seconds"))


def describe_failure(member: Member, what: str) -> str:
    """Describe what happened to a member, with its last log lines and a suggestion."""
    log_file = member.process.plan.log_file
    lines = last_lines(log_file, 15)
    said = "\n".join(f"    {line}" for line in lines) or "    (nothing)"
    return f"{member.name} {what}.{_suggest(lines)} Its last log lines, from {log_file}:\n{said}"


def _suggest(lines: list[str]) -> str:
    if any("error while loading shared libraries" in line for line in lines):
        return " A shared library is missing; on Debian and Ubuntu, mongod needs: apt-get install libcurl4 libssl3."
    if any("address already in use" in line.lower() for line in lines):
        return " Its port is in use by another program."
    return ""
