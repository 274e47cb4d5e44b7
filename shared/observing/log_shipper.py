"""The way of log lines to where they are kept: gathered in memory, written by a thread of its own, in batches.

Whoever logs is never held up: a line is put into a bounded buffer, and nothing else. While the store is away the
buffer fills, and the oldest lines are lost, counted, and told of once the store is back. stdout has all of them.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

import structlog
from structlog.typing import EventDict

from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.observing.metrics import LOG_LINES_LOST

log = structlog.get_logger()

_PAUSE_S: Final = 0.25
"""Between two batches."""
_AWAY_S: Final = 1.0
"""Before a store that did not answer is tried again."""
_BATCH_BYTES: Final = 1024 * 1024
_LINE_COST_BYTES: Final = 400
"""What a line takes in memory beyond its text."""


class LoggedLine(NamedTuple):
    """One finished line."""

    text: bytes
    """The line as JSON."""
    timestamp: str
    """When, in ISO 8601."""
    level: str
    correlation_ids: tuple[str, ...]
    """The jobs that it is about."""


class LogStore(Protocol):
    """Where lines are kept."""

    def batch(self, lines: Sequence[LoggedLine]) -> Any:
        """Make of lines what ``write`` writes."""

    def write(self, batch: Any) -> None:
        """Write a batch; once more with the same batch changes nothing.

        Raises:
            StoreUnavailable: The store does not answer.
        """

    def close(self) -> None:
        """Write no more."""


class LogShipper:
    """Gathers lines and writes them; ``put`` may be called by any thread."""

    def __init__(self, store: LogStore, *, buffer_bytes: int, pause_s: float = _PAUSE_S) -> None:
        """Args:
        store: Where lines are kept.
        buffer_bytes: How much may wait.
        pause_s: Seconds between two batches.
        """
        self._store = store
        self._buffer_bytes = buffer_bytes
        self._pause_s = pause_s
        self._waiting: deque[LoggedLine] = deque()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._unwritten: Any = None
        """The batch that is being written, until it is."""
        self._taken = 0
        self._is_away = False
        self._lost = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-shipper", daemon=True)

    def put(self, text: bytes, fields: EventDict) -> None:
        """Take a line; the oldest ones go when there is no place. Never waits and never raises."""
        one, many = fields.get("correlation_id"), fields.get("correlation_ids") or ()
        ids = (*many, one) if one else tuple(many)
        line = LoggedLine(text, fields["timestamp"], fields["level"], ids)
        with self._lock:
            self._waiting.append(line)
            self._waiting_bytes += _cost(line)
            while self._waiting_bytes > self._buffer_bytes:
                self._waiting_bytes -= _cost(self._waiting.popleft())
                self._count_lost(1)

    def start(self) -> None:
        """Begin to write; what was put before is written too."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Write what waits, if the store answers, and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._store.close()

    def _run(self) -> None:
        while not self._stopping.wait(_AWAY_S if self._is_away else self._pause_s):
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        while self._unwritten or self._waiting:
            try:
                self._write_some()
            except StoreUnavailable as error:
                self._missed("logs.not_shipped", error.message)
                return
            except Exception as error:  # noqa: BLE001 - told by what is called
                # It would not be taken the next time either, and nothing that happens here may end the shipping.
                self._count_lost(self._taken)
                self._unwritten = None
                self._missed("logs.refused", f"{type(error).__name__}: {error}"[:1000])
                return
            self._succeeded()

    def _write_some(self) -> None:
        if self._unwritten is None:
            lines = self._take()
            self._taken = len(lines)
            self._unwritten = self._store.batch(lines)
        self._store.write(self._unwritten)
        self._unwritten = None

    def _take(self) -> list[LoggedLine]:
        lines: list[LoggedLine] = []
        size = 0
        with self._lock:
            while self._waiting and size < _BATCH_BYTES:
                lines.append(self._waiting.popleft())
                size += _cost(lines[-1])
            self._waiting_bytes -= size
        return lines

    def _missed(self, what: str, reason: str) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning(what, reason=reason)

    def _succeeded(self) -> None:
        if not self._is_away:
            return
        self._is_away = False
        with self._lock:
            lost, self._lost = self._lost, 0
        log.warning("logs.shipped_again", lost_lines=lost)

    def _count_lost(self, count: int) -> None:
        self._lost += count
        LOG_LINES_LOST.inc(count)


@contextmanager
def kept_logs(shipper: LogShipper | None) -> Iterator[None]:
    """Keep the lines that are logged inside the block, and those that the shipper got before."""
    if shipper is None:
        yield
        return
    shipper.start()
    try:
        yield
    finally:
        shipper.stop()


def _cost(line: LoggedLine) -> int:
    return len(line.text) + _LINE_COST_BYTES
