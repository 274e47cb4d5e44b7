"""Distributed traces of requests, messages, jobs and store operations with OpenTelemetry.

The W3C ``traceparent`` of a request is always passed on with its messages and jobs. Spans are exported if the extra
``traces`` is installed and OpenTelemetry's variables name a collector (``OTEL_EXPORTER_OTLP_ENDPOINT``); otherwise, the
cost is a context variable.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

import structlog

from modelbus.shared.version import VERSION

try:
    from opentelemetry import propagate, trace
except ImportError:  # the extra is not installed
    propagate = trace = None  # type: ignore[assignment]

log = structlog.get_logger()

TRACEPARENT: Final = "traceparent"
"""The header of requests, of messages with one command, and of jobs."""
TRACEPARENTS: Final = "traceparents"
"""The header of messages with several commands: traceparents by correlation id."""
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FORM: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

Kind = Literal["server", "producer", "consumer", "client", "internal"]

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def start_tracing(service: str) -> bool:
    """Export the spans of this process, if the exporter is installed and configured.

    Args:
        service: The service's name in traces, after ``modelbus-``.

    Returns:
        Whether spans are exported.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("traces.not_installed", hint="pip install 'modelbus[traces]'")
        return False
    resource = Resource.create({"service.name": f"modelbus-{service}", "service.version": VERSION})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    log.info("traces.exported")
    return True


def is_exporting() -> bool:
    """Whether spans of this process are exported."""
    return trace is not None and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def is_tracing() -> bool:
    """Whether the current activity belongs to an exported span."""
    return trace is not None and trace.get_current_span().is_recording()


def valid_traceparent(value: Any) -> str | None:
    """A valid traceparent (W3C Trace Context, level 1); None for anything else, which is ignored."""
    return value if isinstance(value, str) and _FORM.fullmatch(value) else None


def current_traceparent() -> str | None:
    """The traceparent to pass on from the current activity."""
    return _current.get()


def traceparent_of(headers: Mapping[str, Any], correlation_id: str) -> str | None:
    """The traceparent of a command, from the headers of its message."""
    several = headers.get(TRACEPARENTS)
    given = several.get(correlation_id) if isinstance(several, dict) else headers.get(TRACEPARENT)
    return valid_traceparent(given)


def trace_headers(traceparents: Mapping[str, str | None]) -> dict[str, Any]:
    """The headers of a message with these commands, given their traceparents by correlation id."""
    known = {correlation_id: given for correlation_id, given in traceparents.items() if given}
    if not known:
        return {}
    if len(traceparents) == 1:
        return {TRACEPARENT: next(iter(known.values()))}
    return {TRACEPARENTS: known}


@contextmanager
def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: str | None = None,
    links: Sequence[str] = (),
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """A span for a block; an exception that leaves the block marks it as failed.

    Args:
        name: A name with few distinct values: a route, a command, a queue.
        kind: The kind of span in OpenTelemetry.
        parent: The traceparent of its cause; by default, that of the current activity.
        links: The traceparents of several causes.
        attributes: Initial attributes.

    Yields:
        A mapping whose items become attributes when the block ends.
    """
    found: dict[str, Any] = {}
    if not is_exporting():
        with _bound(parent or _current.get()):
            yield found
        return
    with trace.get_tracer("modelbus", VERSION).start_as_current_span(
        name,
        context=_context_of(parent) if parent else None,
        kind=trace.SpanKind[kind.upper()],
        attributes=dict(attributes or {}),
        links=[trace.Link(_span_context_of(link)) for link in links],
    ) as started:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        with _bound(carrier.get(TRACEPARENT, parent)):
            yield found
        started.set_attributes(found)


@contextmanager
def _bound(traceparent: str | None) -> Iterator[None]:
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)


def _context_of(traceparent: str) -> Any:
    return propagate.extract({TRACEPARENT: traceparent})


def _span_context_of(traceparent: str) -> Any:
    return trace.get_current_span(_context_of(traceparent)).get_span_context()
