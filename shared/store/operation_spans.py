"""Tracing spans of store operations, for operations inside another span."""

from typing import Any

from opentelemetry import trace
from pymongo import monitoring

from modelbus.shared.observing.tracing import is_tracing
from modelbus.shared.version import VERSION


class TracedCommands(monitoring.CommandListener):
    """Makes a span of each MongoDB command sent inside another span; the command's contents are not recorded."""

    def __init__(self) -> None:
        self._open: dict[int, Any] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """A command was sent."""
        if not is_tracing():
            return
        collection = event.command.get(event.command_name)
        named = collection if isinstance(collection, str) else event.command.get("collection", "")
        self._open[event.request_id] = trace.get_tracer("modelbus", VERSION).start_span(
            f"{event.command_name} {named}".strip(),
            kind=trace.SpanKind.CLIENT,
            attributes={
                "db.system.name": "mongodb",
                "db.namespace": event.database_name,
                "db.operation.name": event.command_name,
                "db.collection.name": str(named),
            },
        )

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """It was answered."""
        if (span := self._open.pop(event.request_id, None)) is not None:
            span.end()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """It failed."""
        if (span := self._open.pop(event.request_id, None)) is not None:
            span.set_status(trace.StatusCode.ERROR)
            span.end()
