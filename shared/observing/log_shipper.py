"""Shipping of log lines to the store: collected in memory and written in batches by a background sender.

Logging never waits: a line is only put into a bounded buffer. While the store is unavailable, the buffer fills, and the
oldest lines are lost and counted; the count is logged when the store is back. stdout has all lines.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

import structlog
from structlog.typing import EventDict

from modelbus.shared.errors import StoreUnavailable, Unavailable
from modelbus.shared.observing.background_sender import BackgroundSender, SenderTerms

log = structlog.get_logger()

_PAUSE_S: Final = 0.25
"""Seconds between two batches."""
_BATCH_BYTES: Final = 1024 * 1024
_LINE_COST_BYTES: Final = 400
"""Memory of a line in addition to its text."""


class LoggedLine(NamedTuple):
    """A finished line."""

    text: bytes
    """The line as JSON."""
    timestamp: str
    """The time in ISO 8601."""
    level: str
    correlation_ids: tuple[str, ...]
    """The jobs that it belongs to."""


class LogStore(Protocol):
    """The store of log lines."""

    def batch(self, lines: Sequence[LoggedLine]) -> Any:
        """Make a batch for ``write``."""

    def write(self, batch: Any) -> None:
        """Write a batch; writing the same batch again changes nothing.

        Raises:
            StoreUnavailable: The store does not answer.
        """

    def close(self) -> None:
        """Close the store."""


class LogShipper:
    """Collects lines and writes them; ``put`` may be called by any thread."""

    def __init__(self, store: LogStore, *, buffer_bytes: int, pause_s: float = _PAUSE_S) -> None:
        """Args:
        store: The store of the lines.
        buffer_bytes: Maximum size of waiting lines.
        pause_s: Seconds between two batches.
        """
        terms = SenderTerms(
            name="log-shipper",
            capacity=buffer_bytes,
            batch_limit=_BATCH_BYTES,
            does_refuse=False,
            does_keep_failed=True,
            pause_s=pause_s,
        )
        self._sender = BackgroundSender(_LogDestination(store), terms)

    def put(self, text: bytes, fields: EventDict) -> None:
        """Add a line; if the buffer is full, the oldest lines are dropped. Never waits and never raises."""
        one, many = fields.get("correlation_id"), fields.get("correlation_ids") or ()
        ids = (*many, one) if one else tuple(many)
        self._sender.put((LoggedLine(text, fields["timestamp"], fields["level"], ids),))

    def start(self) -> None:
        """Start writing; lines that were put before are written too."""
        self._sender.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Write the waiting lines, if the store responds, and stop."""
        self._sender.stop(timeout_s)


class _LogDestination:
    """Writes lines; logs once if the store is unavailable, and once how many lines were lost when it is back."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._lines: Sequence[LoggedLine] = ()
        self._batch: Any = None
        """The batch of the lines; made once, so that writing it again changes nothing."""
        self._is_away = False
        self._lost = 0
        self._counting = threading.Lock()

    def cost(self, line: LoggedLine) -> int:
        return len(line.text) + _LINE_COST_BYTES

    def send(self, lines: Sequence[LoggedLine]) -> None:
        if self._lines is not lines:
            self._batch, self._lines = self._store.batch(lines), lines
        try:
            self._store.write(self._batch)
        except StoreUnavailable as error:
            self._missed("logs.not_shipped", error.message)
            raise
        self._succeeded()

    def lose(self, lines: Sequence[LoggedLine], error: Exception | None) -> None:
        with self._counting:
            self._lost += len(lines)
        if error is not None and not isinstance(error, Unavailable):
            self._missed("logs.refused", f"{type(error).__name__}: {error}"[:1000])

    def close(self) -> None:
        self._store.close()

    def _missed(self, event: str, reason: str) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning(event, reason=reason)

    def _succeeded(self) -> None:
        if not self._is_away:
            return
        self._is_away = False
        with self._counting:
            lost, self._lost = self._lost, 0
        log.warning("logs.shipped_again", lost_lines=lost)


@contextmanager
def kept_logs(shipper: LogShipper | None) -> Iterator[None]:
    """Ship the lines that are logged inside the block, and those that the shipper got before."""
    if shipper is None:
        yield
        return
    shipper.start()
    try:
        yield
    finally:
        shipper.stop()
