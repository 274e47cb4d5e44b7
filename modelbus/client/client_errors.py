"""Errors between a client and a gateway, besides those of ``shared/errors.py``.

::

    ModelbusError
    ├── GatewayUnreachable     no gateway answers at the address, or the connection broke
    ├── UnexpectedAnswer       the answer is not that of a Modelbus gateway of this release
    ├── DamagedDownload        a file whose length or digest differs from the announced one
    ├── WaitTimedOut           the time to wait is over; the job continues
    ├── WrongArgument          a call with an unknown option, or a value of a wrong type
    └── UnfitTable             a frame or a file that cannot be sent as it is

``modelbus.errors`` exports all of them.
"""

from collections.abc import Sequence

from modelbus.shared.errors import Detail, InvalidCommand, ModelbusError


class GatewayUnreachable(ModelbusError):
    """The gateway does not answer."""

    code = "gateway_unreachable"
    is_retryable = True

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[Detail] = (),
        may_have_arrived: bool = True,
        is_passing: bool = True,
    ) -> None:
        """Args:
        message: A sentence for people.
        details: One mapping for each fault.
        may_have_arrived: Whether the gateway may have received the request; False when there was no connection.
        is_passing: Whether a later try may succeed; False where nothing listens on this machine.
        """
        super().__init__(message, details=details)
        self.may_have_arrived = may_have_arrived
        self.is_passing = is_passing


class UnexpectedAnswer(ModelbusError):
    """The answer is not one of a Modelbus gateway."""

    code = "unexpected_answer"

    def __init__(self, message: str | None = None, *, details: Sequence[Detail] = (), is_passing: bool = False) -> None:
        """Args:
        message: A sentence for people.
        details: One mapping for each fault.
        is_passing: Whether a later try may succeed: a proxy whose gateway is away.
        """
        super().__init__(message, details=details)
        self.is_passing = is_passing


class DamagedDownload(ModelbusError):
    """The downloaded file is damaged."""

    code = "damaged_download"


class WaitTimedOut(ModelbusError, TimeoutError):
    """The job has not ended yet."""

    code = "wait_timed_out"


class WrongArgument(InvalidCommand, TypeError):
    """The call has an unknown option, or a value of a wrong type."""

    code = "wrong_argument"


class UnfitTable(InvalidCommand):
    """The table cannot be sent as it is."""

    code = "unfit_table"


class TableWarning(UserWarning):
    """A table is sent in another form than it has; the message says which, and how to choose it."""
