"""Listening to what the services tell each other."""

import threading
from typing import Any, Self

from modelbus.shared.bus import EventSubscriber


class HeardEvents:
    """All events since a moment."""

    def __init__(self, url: str) -> None:
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self._subscriber = EventSubscriber(url, "test", self._hear)

    def __enter__(self) -> Self:
        self._subscriber.start()
        assert self._subscriber.wait_subscribed(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._subscriber.stop()

    def of(self, correlation_id: str) -> list[dict[str, Any]]:
        """The events of one job, oldest first."""
        with self._lock:
            return [event for event in self._events if event["correlation_id"] == correlation_id]

    def _hear(self, events: list[dict[str, Any]]) -> None:
        with self._lock:
            self._events += events
