"""Events: to everyone who listens, and a job's final one to the queue that its sender named."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from uuid import uuid4

import kombu
import orjson
import structlog
from kombu import Exchange, Queue

from modelbus.shared.bus.broker_connection import connection_errors, open_connection
from modelbus.shared.bus.publisher import Publisher
from modelbus.shared.bus.queues import EVENTS_EXCHANGE
from modelbus.shared.contracts import Event, JobChanged
from modelbus.shared.errors import Unavailable
from modelbus.shared.observing.background_sender import BackgroundSender, SenderTerms

log = structlog.get_logger()

_MESSAGE_COST_BYTES: Final = 400
"""What a message takes in memory beyond its body."""
_TERMS: Final = SenderTerms(
    name="event-publisher",
    capacity=16 * 1024 * 1024,
    batch_limit=1024 * 1024,
    does_refuse=False,
    does_keep_failed=False,
    silence_s=0.5,
    silence_limit_s=5.0,
)


class EventPublisher:
    """Publishes events in the background: a broker that is unavailable or does not answer delays no one.

    A subscriber that misses an event reads the record. While the broker does not answer, events are buffered, and the
    oldest are dropped when the buffer is full. Events whose publication failed are not sent again, as they may have
    arrived.
    """

    def __init__(self, publisher: Publisher) -> None:
        """Args:
        publisher: Used, and closed, by the sender's thread alone.
        """
        self._sender = BackgroundSender(_EventDestination(publisher), _TERMS)
        self._sender.start()

    def publish(self, events: Sequence[Event], replies: Sequence[tuple[str, JobChanged]] = ()) -> None:
        """Send events, with others that wait as one message; never waits for the broker.

        Args:
            events: What happened.
            replies: Pairs of a ``reply_to`` queue and the final event that goes there too, under the correlation id
                that its sender gave.
        """
        messages = [_Message(None, None, _event_json(event)) for event in events]
        messages += [
            _Message(queue, event.given_correlation_id or event.correlation_id, _event_json(event))
            for queue, event in replies
        ]
        self._sender.put(messages)

    def close(self, timeout_s: float = 2.0) -> None:
        """Send what waits, if the broker answers, and end."""
        self._sender.stop(timeout_s)


class _Message(NamedTuple):
    """An event, for everybody or for one queue."""

    queue: str | None
    correlation_id: str | None
    body: bytes


class _EventDestination:
    """The events' exchange, and the queues of those who wait for a job's final event."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def cost(self, message: _Message) -> int:
        return len(message.body) + _MESSAGE_COST_BYTES

    def send(self, messages: Sequence[_Message]) -> None:
        events = [message.body for message in messages if message.queue is None]
        if events:
            self._publisher.publish_event(b"[" + b",".join(events) + b"]")
        for message in messages:
            if message.queue is not None:
                self._publisher.send(message.queue, message.body, correlation_id=message.correlation_id)

    def lose(self, messages: Sequence[_Message], error: Exception | None) -> None:
        if error is None or isinstance(error, Unavailable):
            log.debug("event.not_published", count=len(messages), reason=str(error or "the buffer is full or closed"))
        else:
            log.error("event.not_published", count=len(messages), exc_info=error)

    def close(self) -> None:
        self._publisher.close()


def _event_json(event: Event) -> bytes:
    return orjson.dumps(event.model_dump(mode="json", exclude_none=True))


class EventSubscriber:
    """Calls back, from a thread of its own, with the events of each message."""

    def __init__(self, url: str, service: str, on_events: Callable[[list[dict[str, Any]]], None]) -> None:
        self._url = url
        self._service = service
        self._on_events = on_events
        self._stop = threading.Event()
        self._is_subscribed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-subscriber", daemon=True)

    def start(self) -> None:
        """Start listening."""
        self._thread.start()

    def wait_subscribed(self, timeout_s: float) -> bool:
        """Wait until events are heard; False when the broker is not there in time."""
        return self._is_subscribed.wait(timeout_s)

    def stop(self) -> None:
        """Stop listening and wait for the thread."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            connection = open_connection(self._url, self._service)
            try:
                self._listen(connection)
            except connection_errors(connection) as error:
                self._is_subscribed.clear()
                log.debug("event.subscription_lost", reason=str(error))
                self._stop.wait(0.5)
            except Exception:
                # A fault of a listener's must not end the listening.
                self._is_subscribed.clear()
                log.exception("event.subscription_failed")
                self._stop.wait(0.5)
            finally:
                _close(connection)

    def _listen(self, connection: kombu.Connection) -> None:
        queue = Queue(
            f"events.{self._service}.{uuid4()}",
            exchange=Exchange(EVENTS_EXCHANGE, type="fanout", durable=False),
            durable=False,
            auto_delete=True,
            expires=300,
        )
        with kombu.Consumer(connection.default_channel, [queue], on_message=self._on_message, no_ack=True):
            while not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=0.5)
                self._is_subscribed.set()

    def _on_message(self, message: Any) -> None:
        try:
            body = orjson.loads(message.body)
        except (orjson.JSONDecodeError, TypeError) as error:
            log.warning("event.malformed", reason=str(error))
            return
        events = [event for event in (body if isinstance(body, list) else [body]) if isinstance(event, dict)]
        self._on_events(events)


def _close(connection: kombu.Connection) -> None:
    try:
        connection.close()
    except connection_errors(connection) as error:
        log.debug("bus.close_failed", reason=str(error))
