"""Exit codes, on which scripts can rely (docs/cli.md)."""

from typing import Final

from modelbus.client.client_errors import GatewayUnreachable, UnexpectedAnswer
from modelbus.shared.errors import BusUnavailable, ModelbusError, StoreUnavailable

OK: Final = 0
"""Done."""
FAILED: Final = 1
"""Refused, or the job failed; of ``status``: something is not ready."""
USAGE: Final = 2
"""The command line itself is wrong."""
UNREACHABLE: Final = 3
"""The gateway, Redis or MongoDB does not answer, or something else does at that address."""
INTERRUPTED: Final = 130
"""Ctrl-C."""

_UNREACHABLE: Final = (GatewayUnreachable, UnexpectedAnswer, StoreUnavailable, BusUnavailable)


def code_of(error: ModelbusError) -> int:
    """The exit code of an error."""
    return UNREACHABLE if isinstance(error, _UNREACHABLE) else FAILED
