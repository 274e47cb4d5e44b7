"""Structured logs: one JSON object a line on stdout; the message is an action, the facts are fields.

``correlation_id`` is in every line that belongs to a job: bind it with ``job_log_context``. Control characters in
values are escaped by the JSON encoder, so that no value can forge a line.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

FIELD_LIMIT = 4000
"""Characters of one text field that are logged; the rest is cut."""


def configure_logs(service: str, level: str = "info", stream: BinaryIO | None = None) -> None:
    """Send every log line of this process, third parties' included, to ``stream`` as JSON.

    Args:
        service: Written into each line as ``service``.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        stream: An unbuffered binary file; stdout by default.
    """
    sink = stream or _unbuffered_stdout()
    number = logging.getLevelNamesMapping()[level.upper()]
    shared_steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Named(service),
        _cut_long_fields,
    ]
    structlog.configure(
        processors=[*shared_steps, structlog.processors.JSONRenderer(serializer=_dump)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(file=sink),
        cache_logger_on_first_use=False,
    )
    handler = _ForeignHandler(level=max(number, logging.WARNING))
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.captureWarnings(True)


def _unbuffered_stdout() -> BinaryIO:
    # A line is one write: lines of several processes on one pipe do not mix.
    return cast("BinaryIO", os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0))


@contextmanager
def job_log_context(correlation_id: str, **facts: Any) -> Iterator[None]:
    """Put the correlation id, and ``facts``, into every line logged inside the block."""
    with structlog.contextvars.bound_contextvars(correlation_id=correlation_id, **facts):
        yield


_FIRST_FIELDS = ("timestamp", "level", "service", "event", "correlation_id")


def _dump(event: EventDict, **_: Any) -> bytes:
    # What a reader looks for stands first.
    ordered = {name: event[name] for name in _FIRST_FIELDS if name in event}
    event = {**ordered, **event}
    return _json(event) or orjson.dumps({name: _writable(value) for name, value in event.items()})


def _writable(value: Any) -> orjson.Fragment:
    return orjson.Fragment(_json(value) or orjson.dumps(ascii(value)))


def _json(value: Any) -> bytes | None:
    """The value as JSON; None for what JSON cannot hold: half of a surrogate pair, an integer over 64 bits."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return None


class _Named:
    """Adds the service and the process id."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = self._service
        event["pid"] = os.getpid()
        return event


def _cut_long_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str) and len(value) > FIELD_LIMIT:
            event[name] = value[:FIELD_LIMIT] + f"… ({len(value)} characters)"
    return event


class _ForeignHandler(logging.Handler):
    """Hands lines of the standard library's logging, and warnings, to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(
            record.levelno,
            "library.logged",
            logger=record.name,
            text=record.getMessage().strip(),
            exc_info=record.exc_info,
        )
