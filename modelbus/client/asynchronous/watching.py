"""What can be heard of a gateway and its services: events, logs, who is there, how they do, what can be asked."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelbus.client.asynchronous.starting import AsyncStarting
from modelbus.client.calls import AWAY_S, Call, path_of, record_of
from modelbus.client.client_errors import GatewayUnreachable, UnexpectedAnswer
from modelbus.client.moment_texts import Moment

if TYPE_CHECKING:
    from modelbus.client.asynchronous.lines import AsyncLines
    from modelbus.client.asynchronous.streams import AsyncStream
    from modelbus.client.observations import About, AnyEvent, Level, LogLine, Readiness, ServiceReport
    from modelbus.shared.contracts import JobStatus


class AsyncWatching(AsyncStarting):
    """Watches."""

    def events(
        self,
        *,
        command: str | None = None,
        status: "JobStatus | None" = None,
        timeout_s: float | None = None,
        away_s: float | None = AWAY_S,
    ) -> "AsyncStream[AnyEvent]":
        """What the services tell each other, from now on: ``JobChanged`` of every job, ``DriftFound``.

        They are hints, told once: what comes while the connection is broken is missed, and found in the jobs. Whoever
        is too slow hears ``EventsMissed``.

        Args:
            command: Only of jobs that do this, such as ``TrainModel``.
            status: Only of jobs that stand so, such as ``failed``.
            timeout_s: Seconds to listen; without limit if None. When they are over, ``WaitTimedOut`` is raised.
            away_s: So long the gateway may be away, once it has answered; without limit if None.
        """
        from modelbus.client.asynchronous.streams import AsyncStream
        from modelbus.client.observations import read_event

        call = Call("GET", "/events", {"command": command, "status": status})
        return AsyncStream(self._transport, call, read_event, timeout_s=timeout_s, away_s=away_s)

    async def logs(
        self,
        services: str | Sequence[str] = (),
        *,
        correlation_id: str | None = None,
        level: "Level" = "debug",
        since: Moment | None = None,
        limit: int = 200,
    ) -> "list[LogLine]":
        """The last log lines, of all services merged in time order, oldest first. ``job.logs`` has those of a job.

        Args:
            services: Whose: a name, or several; all by default.
            correlation_id: Only about this job or request.
            level: The least level.
            since: No older ones: a time, or an age such as ``10m``.
            limit: How many at most.

        Raises:
            NotFound: There is no such service; the message names those that there are.
        """
        lines, filters = self._lines(services)
        return await lines.last(limit, correlation_id=correlation_id, level=level, since=since, **filters)

    def follow_logs(
        self,
        services: str | Sequence[str] = (),
        *,
        correlation_id: str | None = None,
        level: "Level" = "debug",
        since: Moment | None = None,
        limit: int = 200,
        timeout_s: float | None = None,
        away_s: float | None = AWAY_S,
    ) -> "AsyncStream[LogLine]":
        """The last log lines, and then each that comes. ``job.follow_logs`` ends when the job has ended.

        None is lost and none comes twice, also where a connection breaks or a line arrives late.

        Args:
            services: Whose: a name, or several; all by default.
            correlation_id: Only about this job or request.
            level: The least level.
            since: No older ones: a time, or an age such as ``10m``.
            limit: How many from before, 1000 at most.
            timeout_s: Seconds to follow; without limit if None. When they are over, ``WaitTimedOut`` is raised.
            away_s: So long the gateway may be away, once it has answered; without limit if None.
        """
        lines, filters = self._lines(services)
        filters = {"correlation_id": correlation_id, "level": level, "since": since, **filters}
        return lines.follow(limit, timeout_s=timeout_s, away_s=away_s, **filters)

    async def services(self) -> "ServiceReport":
        """Which consumers are alive, how many messages wait in each queue, and how many dead letters there are."""
        from modelbus.client.observations import ServiceReport

        return record_of(ServiceReport, await self._transport.document("GET", "/services"))

    async def is_alive(self) -> bool:
        """Whether a gateway of Modelbus answers."""
        try:
            document = await self._transport.document("GET", "/health/live")
        except (GatewayUnreachable, UnexpectedAnswer):
            return False
        return isinstance(document, dict) and document.get("status") == "ok"

    async def readiness(self) -> "Readiness":
        """Whether the gateway can answer requests, and which of its servers answer it."""
        from modelbus.client.observations import Readiness

        call = Call("GET", "/health/ready", answers=frozenset({503}))
        return record_of(Readiness, (await self._transport.send(call)).document)

    async def metrics(self) -> str:
        """The gateway's metrics, in the text format of Prometheus."""
        content = io.BytesIO()
        await self._transport.send(Call("GET", "/metrics", sink=content))
        return content.getvalue().decode()

    async def about(self) -> "About":
        """What is at that address: its version and its routes."""
        from modelbus.client.observations import About

        return record_of(About, await self._transport.document("GET", "/"))

    async def openapi(self) -> dict[str, Any]:
        """What can be asked over HTTP, as an OpenAPI 3.1 document."""
        document: dict[str, Any] = await self._transport.document("GET", "/openapi.json")
        return document

    async def asyncapi(self) -> dict[str, Any]:
        """What can be sent to the queues, as an AsyncAPI 3.0 document."""
        document: dict[str, Any] = await self._transport.document("GET", "/asyncapi.json")
        return document

    def _lines(self, services: str | Sequence[str]) -> "tuple[AsyncLines, dict[str, Any]]":
        """Where the lines of some services are, and what is to be said beside."""
        from modelbus.client.asynchronous.lines import AsyncLines

        names = [services] if isinstance(services, str) else list(services)
        if len(names) == 1:
            return AsyncLines(self._transport, path_of("services", names[0], "logs")), {}
        return AsyncLines(self._transport, "/logs"), {"service": names or None}
