"""The base of the client's classes that start jobs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from modelbus.client.arguments.checking import Checked
from modelbus.client.calls import Call

if TYPE_CHECKING:
    from modelbus.client.asynchronous.http_transport import AsyncTransport
    from modelbus.client.asynchronous.job import AsyncJob
    from modelbus.shared.contracts import JobRecord

T = TypeVar("T")


class AsyncStarting(Checked):
    """Starts jobs."""

    _transport: "AsyncTransport"

    async def _start(self, call: Call, read: "Callable[[JobRecord], T]") -> "AsyncJob[T]":
        """Send a request that makes a job.

        Args:
            call: The request; without a correlation id of its own, the gateway's answer names the job.
            read: Reads the result of a succeeded job.
        """
        from modelbus.client.asynchronous.job import AsyncJob

        reply = await self._transport.send(call)
        return AsyncJob(self._transport, call.correlation_id or reply.correlation_id, read)
