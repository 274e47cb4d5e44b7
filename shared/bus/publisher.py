"""The publisher: sends commands and replies to queues, and events to the fanout exchange; thread-safe."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
import structlog
from kombu import Exchange, Producer, Queue
from kombu.transport.virtual import Channel

from modelbus.shared.bus.broker_connection import connection_errors, open_connection
from modelbus.shared.bus.queues import EVENTS_EXCHANGE, SENT_AT_HEADER
from modelbus.shared.bus.transport import HardenedChannel
from modelbus.shared.errors import BusUnavailable

log = structlog.get_logger()

_TIME_LIMIT_S: Final = 4e9
"""The year 2096; larger values are not valid times."""


class Publisher:
    """Publishes JSON. If the connection is lost, it reconnects and tries once more before it raises an error."""

    def __init__(self, url: str, service: str) -> None:
        self._url = url
        self._service = service
        self._lock = threading.Lock()
        self._connection = open_connection(url, service)
        self._producer: Producer | None = None
        self._declared: set[str] = set()

    def send(
        self,
        queue: str,
        body: Any,
        *,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        """Put ``body`` on a queue, through the default exchange.

        Args:
            queue: The queue's name.
            body: Anything that orjson can serialize, or JSON as bytes.
            correlation_id: The message property; omit it for an array of commands.
            reply_to: The queue for the final event.
            headers: Additional headers; the time of sending is always included.

        Raises:
            BusUnavailable: The broker did not accept it in two attempts.
        """
        all_headers = {SENT_AT_HEADER: time.time(), **(headers or {})}
        properties = {"correlation_id": correlation_id, "reply_to": reply_to, "headers": all_headers}
        given = {name: value for name, value in properties.items() if value}
        self._with_retry(lambda: self._send_now("", queue, _json(body), given))

    def publish_event(self, body: Any) -> None:
        """Publish to all current subscribers; others never get the event.

        Raises:
            BusUnavailable: The broker did not accept it in two attempts.
        """
        self._with_retry(lambda: self._send_now(EVENTS_EXCHANGE, "", _json(body), {}))

    def is_connected(self) -> bool:
        """Whether the broker responds (at most one round trip)."""
        try:
            with self._lock:
                self._open_producer()
                _ping(self._connection.default_channel)
        except connection_errors(self._connection):
            self._close_locked()
            return False
        return True

    def queue_depth(self, queue: str) -> int:
        """The number of messages waiting on a queue.

        Raises:
            BusUnavailable: The broker does not answer.
        """
        depths: list[int] = []
        self._with_retry(lambda: depths.append(self._depth_now(queue)))
        return depths[-1]

    def oldest_sent_at(self, queue: str) -> float | None:
        """When the next message of a queue was sent: seconds since 1970, by its sender's clock.

        None if there is none, or if it is unknown: not all senders record it, and not all brokers can report it.

        Raises:
            BusUnavailable: The broker does not answer.
        """
        found: list[float | None] = []
        self._with_retry(lambda: found.append(self._oldest_now(queue)))
        return found[-1]

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._close_locked()

    def _with_retry(self, action: Callable[[], None]) -> None:
        try:
            self._locked(action)
        except connection_errors(self._connection) as first:
            log.debug("bus.reconnecting", reason=str(first))
            self._close_locked()
            try:
                self._locked(action)
            except connection_errors(self._connection) as second:
                self._close_locked()
                raise BusUnavailable(f"the message broker does not answer: {second}") from second

    def _locked(self, action: Callable[[], None]) -> None:
        with self._lock:
            action()

    def _send_now(self, exchange: str, queue: str, body: bytes, properties: dict[str, Any]) -> None:
        producer = self._open_producer()
        if queue:
            self._declare(queue)
        producer.publish(
            body,
            exchange=exchange,
            routing_key=queue,
            content_type="application/json",
            content_encoding="utf-8",
            retry=False,
            **properties,
        )

    def _depth_now(self, queue: str) -> int:
        self._open_producer()
        declared = Queue(queue, durable=True)(self._connection.default_channel).queue_declare()
        return int(declared.message_count)

    def _oldest_now(self, queue: str) -> float | None:
        self._open_producer()
        channel = self._connection.default_channel
        raw = channel.oldest(queue) if isinstance(channel, HardenedChannel) else None
        return None if raw is None else _sent_at(raw)

    def _open_producer(self) -> Producer:
        if self._producer is None:
            channel = self._connection.default_channel
            Exchange(EVENTS_EXCHANGE, type="fanout", durable=False)(channel).declare()
            self._producer = Producer(channel)
        return self._producer

    def _declare(self, queue: str) -> None:
        # Cheap on Redis; AMQP drops messages to unknown queues.
        if queue not in self._declared:
            Queue(queue, durable=True)(self._connection.default_channel).queue_declare()
            self._declared.add(queue)

    def _close_locked(self) -> None:
        with self._lock:
            self._producer = None
            self._declared.clear()
            try:
                self._connection.close()
            except connection_errors(self._connection) as error:
                log.debug("bus.close_failed", reason=str(error))
            self._connection = open_connection(self._url, self._service)


def _sent_at(raw: bytes) -> float | None:
    try:
        sent_at = orjson.loads(raw)["headers"][SENT_AT_HEADER]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None  # invalid messages are reported by the consumer
    is_time = isinstance(sent_at, (int, float)) and not isinstance(sent_at, bool) and 0 <= sent_at < _TIME_LIMIT_S
    return float(sent_at) if is_time else None


def _ping(channel: Channel) -> None:
    client = getattr(channel, "client", None)
    if client is not None and hasattr(client, "ping"):
        client.ping()


def _json(body: Any) -> bytes:
    return body if isinstance(body, bytes) else orjson.dumps(body)
