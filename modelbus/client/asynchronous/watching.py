"""Events, logs, services, health and API descriptions of a gateway."""

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
    """Watches a gateway and its services."""

    def events(
        self,
        *,
        command: str | None = None,
        status: "JobStatus | None" = None,
        timeout_s: float | None = None,
        away_s: float | None = AWAY_S,
    ) -> "AsyncStream[AnyEvent]":
        """Follow the events of all services from now on: ``JobChanged`` of every job, ``DriftFound``.

        Events are hints, sent once: those sent while the connection is broken are missed, and found in the jobs. A
        reader that is too slow receives ``EventsMissed``.

        Args:
            command: Only events of jobs of this command, such as ``TrainModel``.
            status: Only events of jobs of this status, such as ``failed``.
            timeout_s: Seconds to listen, after which ``WaitTimedOut`` is raised; None for no limit.
            away_s: Seconds that the gateway may be away once it has answered; None for no limit.
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
        """The last log lines of all services in time order, oldest first. ``job.logs`` has those of one job.

        Args:
            services: Only lines of this service, or of these. Default: all.
            correlation_id: Only lines about this job or request.
            level: The minimum level.
            since: Only lines since then: a time, or an age such as ``10m``.
            limit: The maximum number of lines.

        Raises:
            NotFound: A service does not exist; the message lists the services.
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
        """The last log lines, and then each new one. ``job.follow_logs`` ends when the job has ended.

        No line is lost or repeated, even if a connection breaks or a line arrives late.

        Args:
            services: Only lines of this service, or of these. Default: all.
            correlation_id: Only lines about this job or request.
            level: The minimum level.
            since: Only lines since then: a time, or an age such as ``10m``.
            limit: The maximum number of earlier lines, up to 1000.
            timeout_s: Seconds to follow, after which ``WaitTimedOut`` is raised; None for no limit.
            away_s: Seconds that the gateway may be away once it has answered; None for no limit.
        """
        lines, filters = self._lines(services)
        filters = {"correlation_id": correlation_id, "level": level, "since": since, **filters}
        return lines.follow(limit, timeout_s=timeout_s, away_s=away_s, **filters)

    async def services(self) -> "ServiceReport":
        """The consumers that are alive, the messages waiting in each queue, and the number of dead letters."""
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
        """Whether the gateway can answer requests, and which of its servers answer."""
        from modelbus.client.observations import Readiness

        call = Call("GET", "/health/ready", answers=frozenset({503}))
        return record_of(Readiness, (await self._transport.send(call)).document)

    async def metrics(self) -> str:
        """The gateway's metrics, in the text format of Prometheus."""
        content = io.BytesIO()
        await self._transport.send(Call("GET", "/metrics", sink=content))
        return content.getvalue().decode()

    async def about(self) -> "About":
        """The gateway's version and routes."""
        from modelbus.client.observations import About

        return record_of(About, await self._transport.document("GET", "/"))

    async def openapi(self) -> dict[str, Any]:
        """The description of the HTTP API, an OpenAPI 3.1 document."""
        document: dict[str, Any] = await self._transport.document("GET", "/openapi.json")
        return document

    async def asyncapi(self) -> dict[str, Any]:
        """The description of the queues, an AsyncAPI 3.0 document."""
        document: dict[str, Any] = await self._transport.document("GET", "/asyncapi.json")
        return document

    def _lines(self, services: str | Sequence[str]) -> "tuple[AsyncLines, dict[str, Any]]":
        """The log lines of some services, and the fields of the query string that select them."""
        from modelbus.client.asynchronous.lines import AsyncLines

        names = [services] if isinstance(services, str) else list(services)
        if len(names) == 1:
            return AsyncLines(self._transport, path_of("services", names[0], "logs")), {}
        return AsyncLines(self._transport, "/logs"), {"service": names or None}
