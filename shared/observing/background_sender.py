"""Sending behind the caller's back: a bounded queue, one thread, batches (ADR 0030).

Whoever has something to send puts it down and goes on, whatever the other side does. Three use it: the gateway's
commands (``gateway/jobs/outbox.py``), the services' events (``shared/bus/events.py``) and everybody's log lines
(``shared/observing/log_shipper.py``). They differ in what becomes of what cannot be sent; that is in ``SenderTerms``.

Another side that fails, or answers nothing, is *silent*: it is left alone for a while, which doubles with each failure
(a circuit breaker), and then one item is tried before others follow.
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
    """The other side; used by the sender's thread, but for ``cost`` and ``lose``."""

    def cost(self, item: _Item) -> int:
        """What an item takes of the sender's capacity."""

    def send(self, batch: Sequence[_Item]) -> None:
        """Send items, oldest first.

        Raises:
            Unavailable: The other side does not answer.
            Exception: It refuses this batch, or there is a fault in it; others may pass.
        """

    def lose(self, items: Sequence[_Item], error: Exception | None) -> None:
        """Be told of items that will not be sent; by any thread, and never raises.

        Args:
            items: Those items.
            error: Why; None where newer ones needed their place, or the sender has ended before.
        """

    def close(self) -> None:
        """End the connection; the last call."""


@dataclass(frozen=True)
class SenderTerms:
    """How one sender deals with what waits, and with a silent other side."""

    name: str
    """Of its thread, and in its metrics."""
    capacity: int
    """How much may wait, in the destination's costs."""
    batch_limit: int
    """How much is sent at once, in the same; an item that is larger goes alone."""
    does_refuse: bool
    """What is put while there is no room, or the other side is silent: refused, and what waits is given up, since
    somebody waits for it. Otherwise it is taken, and the oldest items make room."""
    does_keep_failed: bool
    """What becomes of a batch that met silence: kept, and tried again as it is; otherwise given up, since it may have
    arrived."""
    pause_s: float = 0.0
    """Seconds between two rounds, in which items gather."""
    silence_s: float = 1.0
    """Seconds for which a silent other side is left alone; doubles with each failure."""
    silence_limit_s: float = 1.0
    """The longest."""
    patience_s: float = float("inf")
    """Seconds that one sending may take; while it takes longer, the other side counts as silent."""

    def silence_after(self, failures: int) -> float:
        """Seconds for which the other side is left alone after so many failures in a row, one at least."""
        return min(self.silence_s * 2.0 ** min(failures - 1, 30), self.silence_limit_s)


class BackgroundSender(Generic[Item]):
    """Sends items in a thread of its own; ``put`` may be called by any thread, and never waits for the other side."""

    def __init__(self, destination: Destination[Item], terms: SenderTerms) -> None:
        self._destination = destination
        self._terms = terms
        self._waiting: deque[Item] = deque()
        self._waiting_cost = 0
        self._changed = threading.Condition(threading.Lock())
        self._is_idle = False
        self._unsent: Sequence[Item] = ()
        """The batch that met silence and is kept."""
        self._failures = 0
        """In a row; none while the other side answers."""
        self._retry_at = 0.0
        self._sending_since: float | None = None
        self._stopping = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name=terms.name, daemon=True)
        self._lost_count = SENDER_LOST.labels(terms.name)
        self._silence = SENDER_SILENT.labels(terms.name)
        SENDER_WAITING.labels(terms.name).set_function(lambda: len(self._waiting) + len(self._unsent))

    def start(self) -> None:
        """Begin to send; what was put before is sent too."""
        self._thread.start()

    def put(self, items: Sequence[Item]) -> bool:
        """Take items to be sent, all or none.

        Returns:
            Whether they were taken. Those that are refused are not told to the destination as lost.
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
        """Send what waits, if the other side answers, and end; what is left after ``timeout_s`` seconds is lost.

        A sending that hangs is not waited for: its thread ends when it returns, or with the process.
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
        if self._failures:  # one is tried alone: nobody else waits for what becomes of it
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
        """Wait until something is to be sent; False when it is for the last time."""
        with self._changed:
            self._is_idle = True
            self._changed.wait_for(lambda: self._waiting or self._unsent or self._stopping.is_set())
            self._is_idle = False
        pause_s = max(self._terms.pause_s, self._retry_at - time.monotonic())
        return not self._stopping.wait(max(pause_s, 0.0))

    def _send_all(self) -> None:
        """Send what waits, until nothing does or the other side is silent."""
        while batch := self._unsent or self._take(1 if self._failures else self._terms.batch_limit):
            self._sending_since = time.monotonic()
            try:
                self._destination.send(batch)
            except Unavailable as error:
                self._note_silence(batch, error)
                return
            except Exception as error:  # noqa: BLE001 - told by what is called
                # It would not be taken the next time either, and nothing that happens here may end the sending.
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
        """The oldest items that cost no more than the limit together; one at least, if there is any."""
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
