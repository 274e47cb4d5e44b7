# Made from ../asynchronous/starting.py by tools/twin.py: change it there, then run `make twin`.
"""The base of the client's classes that start jobs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from modelbus.client.arguments.checking import Checked
from modelbus.client.calls import Call

if TYPE_CHECKING:
    from modelbus.client.synchronous.http_transport import Transport
    from modelbus.client.synchronous.job import Job
    from modelbus.shared.contracts import JobRecord

T = TypeVar("T")


class Starting(Checked):
    """Starts jobs."""

    _transport: "Transport"

    def _start(self, call: Call, read: "Callable[[JobRecord], T]") -> "Job[T]":
        """Send a request that makes a job.

        Args:
            call: The request; without a correlation id of its own, the gateway's answer names the job.
            read: Reads the result of a succeeded job.
        """
        from modelbus.client.synchronous.job import Job

        reply = self._transport.send(call)
        return Job(self._transport, call.correlation_id or reply.correlation_id, read)
