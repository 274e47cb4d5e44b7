"""Poison: messages that cannot be read. The consumer quarantines them, and the sweep moves them to MongoDB.

A message stays on the poison queue only until it is stored in MongoDB (``shared.store.letters.dead_letters``), because
Redis may lose its data.
"""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

import kombu
import orjson
import structlog
from kombu import Queue

from modelbus.shared.bus.broker_connection import connection_errors, open_connection
from modelbus.shared.bus.queues import poison_queue
from modelbus.shared.bus.transport import MALFORMED_HEADER
from modelbus.shared.errors import BusUnavailable

log = structlog.get_logger()

_LIMIT_BYTES: Final = 512 * 1024 * 1024
"""The limit of Redis: messages that are too large for a consumer can still be moved."""


@dataclass(frozen=True)
class PoisonMessage:
    """A message that could not be read."""

    id: str
    """Derived from the message, so that it is the same if a message is quarantined twice."""
    queue: str
    """The queue that it was sent to."""
    reason: str
    service: str
    """The service that could not read it."""
    received_at: datetime
    raw: bytes
    """Its body, or all bytes if it is not a valid message."""
    correlation_id: str | None = None
    reply_to: str | None = None


def poison_record(message: Any, queue: str, service: str, reason: str) -> dict[str, Any]:
    """The record of a message for the poison queue, as JSON.

    Args:
        message: kombu's message.
        queue: The queue that it came from.
        service: The service that cannot read it.
        reason: Why it cannot be read.
    """
    raw = _raw(message)
    return {
        "id": str(uuid5(NAMESPACE_OID, f"poison/{queue}/{message.delivery_tag}")),
        "queue": queue,
        "reason": reason,
        "service": service,
        "correlation_id": message.properties.get("correlation_id"),
        "reply_to": message.properties.get("reply_to"),
        "received_at": datetime.now(UTC).isoformat(),
        "raw_base64": base64.b64encode(raw).decode(),
    }


class PoisonReader:
    """Takes messages from the poison queues; for use by one thread."""

    def __init__(self, url: str, service: str) -> None:
        self._url = url
        self._service = f"{service}.poison"
        self._connection: kombu.Connection | None = None

    @contextmanager
    def take(self, queue: str) -> Iterator[PoisonMessage | None]:
        """Take the oldest poison message of a queue: acknowledged when the block ends, put back if it raises.

        Raises:
            BusUnavailable: The broker does not answer.
        """
        with self._errors():
            found = Queue(poison_queue(queue), durable=True)(self._channel()).get(no_ack=False)
        if found is None:
            yield None
            return
        try:
            yield _poison(found, queue, self._service)
        except BaseException:
            with self._errors():
                found.requeue()
            raise
        with self._errors():
            found.ack()

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.release()

    def _channel(self) -> Any:
        if self._connection is None:
            self._connection = open_connection(self._url, self._service, message_limit_bytes=_LIMIT_BYTES)
        return self._connection.default_channel

    @contextmanager
    def _errors(self) -> Iterator[None]:
        connection = self._connection or open_connection(self._url, self._service)
        try:
            yield
        except connection_errors(connection) as error:
            self._connection = None
            raise BusUnavailable(f"the message broker does not answer: {error}") from error


def _poison(message: Any, queue: str, service: str) -> PoisonMessage:
    raw = _raw(message)
    try:
        if MALFORMED_HEADER in message.headers:
            raise ValueError(message.headers[MALFORMED_HEADER])
        return _read(orjson.loads(raw), raw, queue, service)
    except (ValueError, TypeError) as error:
        # Written by another program. It is treated as poison too, so that it does not come back for ever.
        log.warning("bus.poison_malformed", queue=queue, reason=str(error))
        return PoisonMessage(
            _id_of(raw), queue, f"invalid record on the poison queue: {error}", service, datetime.now(UTC), raw
        )


def _read(record: Any, raw: bytes, queue: str, service: str) -> PoisonMessage:
    if not isinstance(record, dict):
        raise TypeError("it is not a JSON object")
    try:
        kept = base64.b64decode(str(record["raw_base64"]), validate=True)
        received_at = datetime.fromisoformat(str(record["received_at"]))
    except (KeyError, binascii.Error) as error:
        raise ValueError(f"a field is missing or invalid: {error}") from error
    return PoisonMessage(
        id=str(record.get("id") or _id_of(raw)),
        queue=queue,
        reason=str(record.get("reason")),
        service=str(record.get("service") or service),
        received_at=received_at if received_at.tzinfo else received_at.replace(tzinfo=UTC),
        raw=kept,
        correlation_id=_text(record.get("correlation_id")),
        reply_to=_text(record.get("reply_to")),
    )


def _raw(message: Any) -> bytes:
    """The raw body; kombu converts some bodies to text."""
    return message.body if isinstance(message.body, bytes) else str(message.body).encode()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _id_of(raw: bytes) -> str:
    return str(uuid5(NAMESPACE_OID, base64.b64encode(raw).decode()))
