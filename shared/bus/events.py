"""Events: to everyone who listens, and a job's final one to the queue that its sender named."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import kombu
import orjson
import structlog
from kombu import Exchange, Queue

from modelbus.shared.bus.connection import connection_errors, open_connection
from modelbus.shared.bus.publisher import Publisher
from modelbus.shared.bus.queues import EVENTS_EXCHANGE
from modelbus.shared.contracts import Event, JobChanged
from modelbus.shared.errors import BusUnavailable

log = structlog.get_logger()


class EventPublisher:
    """Tells what happened. A broker that is away is no error: who misses an event reads the record."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def publish(self, events: Sequence[Event], replies: Sequence[tuple[str, JobChanged]] = ()) -> None:
        """Send all events as one message.

        Args:
            events: What happened.
            replies: Pairs of a ``reply_to`` queue and the final event that goes there too.
        """
        try:
            if events:
                self._publisher.publish_event([event.model_dump(mode="json", exclude_none=True) for event in events])
            for queue, event in replies:
                self._publisher.send(
                    queue, event.model_dump(mode="json", exclude_none=True), correlation_id=event.correlation_id
                )
        except BusUnavailable as error:
            log.debug("event.not_published", count=len(events), reason=str(error))


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
