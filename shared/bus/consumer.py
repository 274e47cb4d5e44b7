"""The consumer: receives and decodes messages of queues in batches, reconnects, and quarantines poison."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import kombu
import structlog
from kombu import Queue

from modelbus.shared.bus.broker_connection import connection_errors, open_connection
from modelbus.shared.bus.poison import poison_record
from modelbus.shared.bus.publisher import Publisher
from modelbus.shared.bus.queues import SENT_AGAIN_HEADER, poison_queue
from modelbus.shared.bus.refusals import refusal_of
from modelbus.shared.bus.transport import MALFORMED_CODE_HEADER, MALFORMED_HEADER, HardenedQoS
from modelbus.shared.contracts.json_bodies import commands_of, read_json, require_json
from modelbus.shared.errors import BusUnavailable, ModelbusError, error_of
from modelbus.shared.observing.metrics import MESSAGES_POISONED

log = structlog.get_logger()

_NEXT_MESSAGE_S: Final = 0.001
"""How long a batch waits for another message; Redis answers a pop of a filled queue much faster."""
_RECONNECT_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Delivery:
    """A message: its documents and its properties."""

    queue: str
    documents: list[Any]
    """The documents of the JSON body: one, or the elements of an array."""
    correlation_id: str | None
    """The message's property; None for an array, whose elements have their own."""
    given_correlation_id: str | None
    """The message's property, for an array too: the id that its sender may wait for."""
    reply_to: str | None
    headers: Mapping[str, Any]
    tag: str
    """Identifies the message across redeliveries (on AMQP, only if its sender set a ``message_id``)."""
    is_redelivered: bool
    """Whether it, or an earlier message of the same job, was delivered before without an acknowledgement."""
    message: Any
    """kombu's message."""


class Consumer:
    """Consumes queues over one connection; for use by one thread."""

    def __init__(
        self, url: str, service: str, queues: Sequence[str], *, prefetch: int, message_limit_bytes: int
    ) -> None:
        """Args:
        url: The broker's URL.
        service: The service, which owns the unacknowledged messages; also the consumer's name in logs.
        queues: The queues to consume.
        prefetch: Maximum number of unacknowledged messages.
        message_limit_bytes: Larger messages are poison.
        """
        self._service = service
        self._queues = tuple(queues)
        self._prefetch = prefetch
        self._limit = message_limit_bytes
        self._url = url
        self._connection: kombu.Connection | None = None
        self._received: list[Any] = []
        self._failures = 0
        self._poison = Publisher(url, service)
        self.polled_at = time.monotonic()
        """When the broker last answered a poll, by the monotonic clock; liveness is measured by it."""

    def receive(self, timeout_s: float, limit: int = 1) -> list[Delivery]:
        """Wait for a message, then take other messages that are already waiting.

        Args:
            timeout_s: How long to wait for the first message, in seconds; should be at most 1.
            limit: Maximum number of messages.

        Returns:
            The deliveries; none if there is no message or the broker is unavailable. Each must be acknowledged.
        """
        try:
            self._open()
            self._drain(timeout_s)
            while self._received and len(self._received) < limit and self._drain(_NEXT_MESSAGE_S):
                pass
            self.polled_at = time.monotonic()
            self._failures = 0
        except self._errors() as error:
            self._lost(error, timeout_s)
        taken, self._received = self._received, []
        return [delivery for message in taken if (delivery := self._decoded(message)) is not None]

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge deliveries. If the broker is unavailable, they are redelivered, which is harmless."""
        self._acknowledge([delivery.message for delivery in deliveries if not delivery.message.acknowledged])

    def quarantine(self, delivery: Delivery, reason: str) -> None:
        """Move a delivery to the poison queue and inform its sender."""
        self._quarantine(delivery.message, delivery.queue, ModelbusError(reason))

    def requeue(self, delivery: Delivery) -> None:
        """Put a delivery back to the front of its queue."""
        try:
            delivery.message.requeue()
        except self._errors() as error:
            # Not acknowledged either: it is redelivered after the visibility timeout.
            log.debug("bus.requeue_failed", reason=str(error))
            self._disconnect()

    def close(self) -> None:
        """Stop consuming; unacknowledged messages go back to the front of their queues."""
        self._disconnect()
        self._poison.close()

    def _open(self) -> None:
        if self._connection is not None:
            return
        self._connection = open_connection(self._url, self._service, message_limit_bytes=self._limit)
        channel = self._connection.default_channel
        consumer = kombu.Consumer(
            channel,
            [Queue(name, durable=True) for name in self._queues],
            on_message=self._keep,
            prefetch_count=self._prefetch,
        )
        consumer.consume()
        log.info("bus.consuming", queues=list(self._queues))

    def _keep(self, message: Any) -> None:
        self._received.append(message)

    def _drain(self, timeout_s: float) -> bool:
        assert self._connection is not None
        try:
            self._connection.drain_events(timeout=timeout_s)
        except TimeoutError:
            return False
        return True

    def _errors(self) -> tuple[type[BaseException], ...]:
        connection = self._connection or open_connection(self._url, self._service)
        return (*connection_errors(connection), BusUnavailable)

    def _lost(self, error: BaseException, timeout_s: float) -> None:
        pause_s = _RECONNECT_S[min(self._failures, len(_RECONNECT_S) - 1)]
        self._failures += 1
        level: Callable[..., Any] = log.warning if self._failures == 1 else log.debug
        level("bus.lost", reason=f"{type(error).__name__}: {error}", failures=self._failures)
        self._disconnect()
        time.sleep(min(pause_s, max(timeout_s, 0.05)))

    def _disconnect(self) -> None:
        """Disconnect; the next poll reconnects with an empty prefetch window."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.close()
        except connection_errors(connection) as error:
            log.debug("bus.close_failed", reason=str(error))

    def _decoded(self, message: Any) -> Delivery | None:
        queue = str(message.delivery_info.get("routing_key") or self._queues[0])
        try:
            return _delivery(message, queue)
        except ModelbusError as refused:
            self._quarantine(message, queue, refused)
            return None

    def _quarantine(self, message: Any, queue: str, error: ModelbusError) -> None:
        record = poison_record(message, queue, self._service, error.message)
        MESSAGES_POISONED.labels(queue).inc()
        known = {**_known_id(record["correlation_id"]), "code": error.code}
        log.warning("bus.poison", queue=queue, reason=error.message, dead_letter=record["id"], **known)
        try:
            self._poison.send(poison_queue(queue), record)
        except self._errors() as lost:
            # Not acknowledged: it is redelivered after the visibility timeout and quarantined then.
            log.warning("bus.quarantine_failed", queue=queue, reason=str(lost))
            self._disconnect()
            return
        self._tell_sender(record, error)
        self._acknowledge([message])

    def _tell_sender(self, record: Mapping[str, Any], error: ModelbusError) -> None:
        """Inform the sender of a message that it could not be read, if it has a ``reply_to``; tried only once."""
        if not isinstance(record["reply_to"], str) or not record["reply_to"]:
            return
        event = refusal_of(record, error)
        try:
            self._poison.send(
                record["reply_to"],
                event.model_dump(mode="json", exclude_none=True),
                correlation_id=event.given_correlation_id or event.correlation_id,
            )
        except self._errors() as lost:
            log.warning("bus.refusal_not_delivered", queue=record["queue"], reason=str(lost))

    def _acknowledge(self, messages: Sequence[Any]) -> None:
        if not messages:
            return
        try:
            _acknowledge_in_one(messages)
        except self._errors() as error:
            log.warning("bus.acknowledge_failed", reason=str(error))
            # They have been processed: put back to the front, they would be redelivered before all others as long as
            # the broker refuses.
            _forget(messages)
            # Unacknowledged messages would fill the prefetch window; a new channel starts with an empty one.
            self._disconnect()


def _known_id(correlation_id: object) -> dict[str, str]:
    return {"correlation_id": correlation_id[:100]} if isinstance(correlation_id, str) else {}


def _acknowledge_in_one(messages: Sequence[Any]) -> None:
    bookkeeping = _bookkeeping(messages[0])
    if len(messages) > 1 and bookkeeping is not None:
        bookkeeping.acknowledge_many([message.delivery_tag for message in messages])
        for message in messages:
            message._state = "ACK"
        return
    for message in messages:
        message.ack()


def _forget(messages: Sequence[Any]) -> None:
    bookkeeping = _bookkeeping(messages[0])
    if bookkeeping is not None:
        bookkeeping.forget([message.delivery_tag for message in messages])


def _bookkeeping(message: Any) -> HardenedQoS | None:
    """The bookkeeping of unacknowledged messages; only for Redis, as an AMQP broker has its own."""
    qos = getattr(message.channel, "qos", None)
    return qos if isinstance(qos, HardenedQoS) else None


def _tag(message: Any) -> str:
    """The identity of the message. AMQP's delivery tag is only a counter within a channel."""
    if isinstance(message.delivery_tag, str):
        return message.delivery_tag
    return str(message.properties.get("message_id") or uuid4())


def _delivery(message: Any, queue: str) -> Delivery:
    """Decode a message.

    Raises:
        ModelbusError: It cannot be read; with the same code and message as HTTP for such a body.
    """
    if reason := message.headers.get(MALFORMED_HEADER):
        raise error_of(str(message.headers.get(MALFORMED_CODE_HEADER)), str(reason))
    require_json(message.content_type, message.content_encoding)
    body = read_json(message.body if isinstance(message.body, (bytes, str)) else b"")
    documents = commands_of(body)
    given, reply_to = message.properties.get("correlation_id"), message.properties.get("reply_to")
    given = None if given is None else str(given)
    return Delivery(
        queue=queue,
        documents=documents,
        correlation_id=given if isinstance(body, dict) else None,
        given_correlation_id=given,
        reply_to=str(reply_to) if reply_to else None,
        headers=message.headers,
        tag=_tag(message),
        is_redelivered=any(message.headers.get(name) for name in ("redelivered", SENT_AGAIN_HEADER))
        or bool(message.delivery_info.get("redelivered")),
        message=message,
    )
