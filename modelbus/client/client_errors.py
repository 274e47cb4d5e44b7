"""What can go wrong between a client and a gateway; everything else is in the tree of ``shared/errors.py``.

::

    ModelbusError
    ├── GatewayUnreachable     nobody answers at that address, or the connection broke
    ├── UnexpectedAnswer       somebody answered, and not as a gateway of this release does
    ├── DamagedDownload        what came is not what the gateway said it would send
    ├── WaitTimedOut           the caller's patience ended; the job goes on
    └── UnfitTable             a frame or a file that cannot be sent as it is

``modelbus.errors`` has all of them together.
"""

from collections.abc import Sequence

from modelbus.shared.errors import Detail, InvalidCommand, ModelbusError


class GatewayUnreachable(ModelbusError):
    """The gateway does not answer."""

    code = "gateway_unreachable"
    is_retryable = True

    def __init__(
        self, message: str | None = None, *, details: Sequence[Detail] = (), may_have_arrived: bool = True
    ) -> None:
        """Args:
        message: A sentence for people.
        details: One mapping for each fault.
        may_have_arrived: Whether the gateway may have received the request; False when there was no connection.
        """
        super().__init__(message, details=details)
        self.may_have_arrived = may_have_arrived


class UnexpectedAnswer(ModelbusError):
    """The answer is not one of a Modelbus gateway."""

    code = "unexpected_answer"

    def __init__(self, message: str | None = None, *, details: Sequence[Detail] = (), is_passing: bool = False) -> None:
        """Args:
        message: A sentence for people.
        details: One mapping for each fault.
        is_passing: Whether the same request may be answered rightly later: a proxy whose gateway is away.
        """
        super().__init__(message, details=details)
        self.is_passing = is_passing


class DamagedDownload(ModelbusError):
    """What was downloaded is not what the gateway sent."""

    code = "damaged_download"


class WaitTimedOut(ModelbusError, TimeoutError):
    """The job has not ended yet."""

    code = "wait_timed_out"


class UnfitTable(InvalidCommand):
    """The table cannot be sent as it is."""

    code = "unfit_table"
