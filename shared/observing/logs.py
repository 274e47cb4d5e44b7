"""Structured logs: one JSON object per line on stdout, with an event and its fields.

Every line that belongs to a job has its ``correlation_id``, which ``job_log_context`` binds; a line about several jobs
has ``correlation_ids``. Control characters in values are escaped by the JSON encoder, so that a value cannot forge a
line. ``ship`` forwards lines, for example to MongoDB (``shared/observing/log_shipper.py``).
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, Literal, cast

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from modelbus.shared.observing.log_text import parse_line, render_line

FIELD_LIMIT = 4000
"""Maximum characters of a field; the rest is truncated."""

LogFormat = Literal["json", "console"]
Ship = Callable[[bytes, EventDict], None]
"""Takes a line as JSON, without its line break, and its fields; called by the logging thread. Must not raise."""


def configure_logs(
    service: str,
    level: str = "info",
    stream: BinaryIO | None = None,
    *,
    log_format: LogFormat = "json",
    ship: Ship | None = None,
) -> None:
    """Send all log lines of this process, including those of libraries, to ``stream``.

    Args:
        service: The field ``service`` of each line.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        stream: An unbuffered binary file; stdout by default.
        log_format: ``json``, or ``console`` for people.
        ship: Also gets each line, always as JSON.
    """
    sink = stream or _unbuffered_stdout()
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _Signed(service),
            _cut_long_fields,
            _Rendered(service, log_format, ship),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(file=sink),
        cache_logger_on_first_use=False,
    )
    handler = _ForeignHandler(level=max(number, logging.WARNING))
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.captureWarnings(True)


def _unbuffered_stdout() -> BinaryIO:
    # Each line is a single write, so that lines of several processes on one pipe do not mix.
    return cast("BinaryIO", os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0))


@contextmanager
def job_log_context(correlation_id: str, **facts: Any) -> Iterator[None]:
    """Add the correlation id and ``facts`` to every line that is logged inside the block."""
    with structlog.contextvars.bound_contextvars(correlation_id=correlation_id, **facts):
        yield


def log_again(line: bytes) -> bool:
    """Log a line of another process again, with its time and process id, and with this process's context.

    Returns:
        Whether it was a valid log line.
    """
    try:
        fields = orjson.loads(line)
        event, number = fields.pop("event"), logging.getLevelNamesMapping()[fields.pop("level").upper()]
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return False
    structlog.get_logger().log(number, event, **fields)
    return True


_FIRST_FIELDS: Final = ("timestamp", "level", "service", "event", "correlation_id")


def _dump(event: EventDict) -> bytes:
    # The most important fields come first.
    ordered = {name: event[name] for name in _FIRST_FIELDS if name in event}
    event = {**ordered, **event}
    return _json(event) or orjson.dumps({name: _writable(value) for name, value in event.items()})


def _writable(value: Any) -> orjson.Fragment:
    return orjson.Fragment(_json(value) or orjson.dumps(ascii(value)))


def _json(value: Any) -> bytes | None:
    """The value as JSON; None if that is impossible, for half a surrogate pair or an integer of more than 64 bits."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return None


class _Signed:
    """Adds the time, the service and the process id, unless the line comes from another process, which added them."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if "timestamp" not in event:
            event["timestamp"] = datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
            event["pid"] = os.getpid()
        event["service"] = self._service
        return event


def _cut_long_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str):
            if len(value) > FIELD_LIMIT:
                event[name] = value[:FIELD_LIMIT] + f"… ({len(value):,} characters)"
        elif isinstance(value, (dict, list, tuple)) and name != "correlation_ids":
            text = repr(value)
            if len(text) > FIELD_LIMIT:
                event[name] = text[:FIELD_LIMIT] + f"… ({len(text):,} characters)"
    return event


class _Rendered:
    """Renders the fields as a line, and passes it to ``ship``."""

    def __init__(self, service: str, log_format: LogFormat, ship: Ship | None) -> None:
        self._service = service
        self._is_json = log_format == "json"
        self._ship = ship

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
        line = _dump(event)
        if self._ship is not None:
            self._ship(line, event)
        return line if self._is_json else _for_people(self._service, line)


def _for_people(service: str, line: bytes) -> bytes:
    return render_line(parse_line(service, line.decode()), use_color=False).encode()


class _ForeignHandler(logging.Handler):
    """Passes lines of the standard library's logging, and warnings, to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(
            record.levelno,
            "library.logged",
            logger=record.name,
            text=record.getMessage().strip(),
            exc_info=record.exc_info,
        )
