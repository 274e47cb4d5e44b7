"""Sending: commands and replies to queues, events to the fanout exchange; one connection, any number of threads."""

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
"""Past the year 2096: what claims to be from then on is no time."""


class Publisher:
    """Publishes JSON. A lost connection is opened again and the message sent once more before it is an error."""

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
            body: Anything orjson can write, or bytes that are JSON already.
            correlation_id: Becomes the message property; leave it out for an array of commands.
            reply_to: The queue for the final event.
            headers: Further headers; when it is sent is said in any case.

        Raises:
            BusUnavailable: The broker did not take it, tried twice.
        """
        all_headers = {SENT_AT_HEADER: time.time(), **(headers or {})}
        properties = {"correlation_id": correlation_id, "reply_to": reply_to, "headers": all_headers}
        given = {name: value for name, value in properties.items() if value}
        self._with_retry(lambda: self._send_now("", queue, _json(body), given))

    def publish_event(self, body: Any) -> None:
        """Tell all subscribers; who is not subscribed now never hears of it.

        Raises:
            BusUnavailable: The broker did not take it, tried twice.
        """
        self._with_retry(lambda: self._send_now(EVENTS_EXCHANGE, "", _json(body), {}))

    def is_connected(self) -> bool:
        """Ask the broker (one round trip at most)."""
        try:
            with self._lock:
                self._open_producer()
                _ping(self._connection.default_channel)
        except connection_errors(self._connection):
            self._close_locked()
            return False
        return True

    def queue_depth(self, queue: str) -> int:
        """How many messages wait on a queue.

        Raises:
            BusUnavailable: The broker does not answer.
        """
        depths: list[int] = []
        self._with_retry(lambda: depths.append(self._depth_now(queue)))
        return depths[-1]

    def oldest_sent_at(self, queue: str) -> float | None:
        """When the message that is taken next from a queue was put there: seconds since 1970, by its sender's clock.

        None if none waits, or if nobody knows: not all senders say it, and not all brokers can be asked.

        Raises:
            BusUnavailable: The broker does not answer.
        """
        found: list[float | None] = []
        self._with_retry(lambda: found.append(self._oldest_now(queue)))
        return found[-1]

    def close(self) -> None:
        """Close the connection; the next call would open it again."""
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
        # On Redis this asks nothing of the server that would matter; AMQP drops what goes to an unknown queue.
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
        return None  # whatever it is, its consumer tells of it
    is_time = isinstance(sent_at, (int, float)) and not isinstance(sent_at, bool) and 0 <= sent_at < _TIME_LIMIT_S
    return float(sent_at) if is_time else None


def _ping(channel: Channel) -> None:
    client = getattr(channel, "client", None)
    if client is not None and hasattr(client, "ping"):
        client.ping()


def _json(body: Any) -> bytes:
    return body if isinstance(body, bytes) else orjson.dumps(body)
