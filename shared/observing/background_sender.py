"""Sending in the background: a bounded queue, a thread, and batches (ADR 0030).

Callers never wait for the destination. It is used for the gateway's commands (``gateway/jobs/outbox.py``), the
services' events (``shared/bus/events.py``) and log lines (``shared/observing/log_shipper.py``). They differ in the
treatment of items that cannot be sent, which ``SenderTerms`` defines.

A destination that fails or does not respond is *silent*: it is left alone for a while, which doubles with each failure
(a circuit breaker). Then a single item is tried before others follow.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from modelbus.shared.errors import Unavailable
from modelbus.shared.observing.metrics import SENDER_LOST, SENDER_SILENT, SENDER_WAITING

Item = TypeVar("Item")
_Item = TypeVar("_Item", contravariant=True)


class Destination(Protocol[_Item]):
    """A destination; its methods are called by the sender's thread, except for ``cost`` and ``lose``."""

    def cost(self, item: _Item) -> int:
        """The part of the sender's capacity that an item takes."""

    def send(self, batch: Sequence[_Item]) -> None:
        """Send items, oldest first.

        Raises:
            Unavailable: The destination does not respond.
            Exception: It refuses this batch; others may be accepted.
        """

    def lose(self, items: Sequence[_Item], error: Exception | None) -> None:
        """Handle items that will not be sent. Called by any thread; must not raise.

        Args:
            items: The items.
            error: The reason; None if newer items needed the room, or the sender has stopped.
        """

    def close(self) -> None:
        """Close the connection; the last call."""


@dataclass(frozen=True)
class SenderTerms:
    """The parameters of a sender: its capacity, and its behaviour if the destination is silent."""

    name: str
    """The name of its thread, and in its metrics."""
    capacity: int
    """Maximum total cost of waiting items."""
    batch_limit: int
    """Maximum cost of a batch; a larger item is sent alone."""
    does_refuse: bool
    """Whether new items are refused, and waiting ones discarded, if there is no room or the destination is silent,
    because callers wait for them. Otherwise, new items are accepted and the oldest are discarded."""
    does_keep_failed: bool
    """Whether a batch that met silence is kept and sent again unchanged. Otherwise it is discarded, since it may have
    arrived."""
    pause_s: float = 0.0
    """Seconds between two batches, in which items accumulate."""
    silence_s: float = 1.0
    """Seconds for which a silent destination is left alone; doubles with each failure."""
    silence_limit_s: float = 1.0
    """The maximum of it."""
    patience_s: float = float("inf")
    """Seconds that a batch may take; if it takes longer, the destination counts as silent."""

    def silence_after(self, failures: int) -> float:
        """Seconds for which the destination is left alone after this number of failures in a row, at least one."""
        return min(self.silence_s * 2.0 ** min(failures - 1, 30), self.silence_limit_s)


class BackgroundSender(Generic[Item]):
    """Sends items in its own thread; ``put`` may be called by any thread and never waits for the destination."""

    def __init__(self, destination: Destination[Item], terms: SenderTerms) -> None:
        self._destination = destination
        self._terms = terms
        self._waiting: deque[Item] = deque()
        self._waiting_cost = 0
        self._changed = threading.Condition(threading.Lock())
        self._is_idle = False
        self._unsent: Sequence[Item] = ()
        """The kept batch that met silence."""
        self._failures = 0
        """Failures in a row; 0 while the destination responds."""
        self._retry_at = 0.0
        self._sending_since: float | None = None
        self._stopping = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name=terms.name, daemon=True)
        self._lost_count = SENDER_LOST.labels(terms.name)
        self._silence = SENDER_SILENT.labels(terms.name)
        SENDER_WAITING.labels(terms.name).set_function(lambda: len(self._waiting) + len(self._unsent))

    def start(self) -> None:
        """Start sending; items that were put before are sent too."""
        self._thread.start()

    def put(self, items: Sequence[Item]) -> bool:
        """Add items, all or none.

        Returns:
            Whether they were accepted. Refused items are not reported to the destination as lost.
        """
        cost = sum(map(self._destination.cost, items))
        with self._changed:
            if self._is_over or (self._terms.does_refuse and not self._has_room(cost)):
                return False
            self._waiting.extend(items)
            self._waiting_cost += cost
            dropped = self._make_room()
            if self._is_idle:
                self._changed.notify()
        if dropped:
            self._lose(dropped, None)
        return True

    def stop(self, timeout_s: float) -> None:
        """Send the waiting items, if the destination responds, and stop; after ``timeout_s`` seconds, the rest is lost.

        A batch that hangs is not waited for: its thread ends when it returns, or with the process.
        """
        with self._changed:
            self._stopping.set()
            self._changed.notify()
        if self._thread.ident is None:
            self._destination.close()
        else:
            self._thread.join(timeout_s)
        with self._changed:
            self._is_over = True
        self._lose(self._take(self._terms.capacity), None)

    def _has_room(self, cost: int) -> bool:
        if self._stopping.is_set() or self._waiting_cost + cost > self._terms.capacity:
            return False
        now, since = time.monotonic(), self._sending_since
        if self._failures:  # a single item is tried first
            return now >= self._retry_at and since is None and not self._waiting
        return since is None or now - since <= self._terms.patience_s

    def _make_room(self) -> list[Item]:
        dropped = []
        while self._waiting_cost > self._terms.capacity:
            dropped.append(self._waiting.popleft())
            self._waiting_cost -= self._destination.cost(dropped[-1])
        return dropped

    def _run(self) -> None:
        try:
            while self._wait():
                self._send_all()
            self._send_all()
            self._lose(self._unsent, None)
        finally:
            self._destination.close()

    def _wait(self) -> bool:
        """Wait for items to send; False if this is the last time."""
        with self._changed:
            self._is_idle = True
            self._changed.wait_for(lambda: self._waiting or self._unsent or self._stopping.is_set())
            self._is_idle = False
        pause_s = max(self._terms.pause_s, self._retry_at - time.monotonic())
        return not self._stopping.wait(max(pause_s, 0.0))

    def _send_all(self) -> None:
        """Send waiting items until there are none or the destination is silent."""
        while batch := self._unsent or self._take(1 if self._failures else self._terms.batch_limit):
            self._sending_since = time.monotonic()
            try:
                self._destination.send(batch)
            except Unavailable as error:
                self._note_silence(batch, error)
                return
            except Exception as error:  # noqa: BLE001 - reported by the callee
                # It would be refused the next time too, and no error may end this thread.
                self._lose(batch, error)
            finally:
                self._sending_since = None
            self._unsent = ()
            if self._failures:
                self._failures = 0
                self._silence.set(0)

    def _note_silence(self, batch: Sequence[Item], error: Unavailable) -> None:
        terms = self._terms
        self._failures += 1
        self._retry_at = time.monotonic() + terms.silence_after(self._failures)
        self._silence.set(1)
        if terms.does_keep_failed:
            self._unsent = batch
        else:
            self._lose(batch, error)
        if terms.does_refuse:
            self._lose(self._take(terms.capacity), error)

    def _take(self, limit: int) -> list[Item]:
        """The oldest items with a total cost of at most the limit; at least one, if there is any."""
        taken: list[Item] = []
        left = limit
        with self._changed:
            while self._waiting and (not taken or self._destination.cost(self._waiting[0]) <= left):
                taken.append(self._waiting.popleft())
                cost = self._destination.cost(taken[-1])
                left -= cost
                self._waiting_cost -= cost
        return taken

    def _lose(self, items: Sequence[Item], error: Exception | None) -> None:
        if items:
            self._lost_count.inc(len(items))
            self._destination.lose(items, error)
