"""Detection of recent MongoDB outages, after which all leases have lapsed, even those of live workers."""

import time
from typing import Final

from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.store.jobs.ledger import JobLedger

_SLOW_S: Final = 1.0
"""A slower response counts as an outage, for example of a server that was suspended."""
_LEASES: Final = 2.0
"""Leases to wait after an outage: a live worker needs one heartbeat that may hang, and one that succeeds."""


class OutageWatch:
    """Decides when lapsed leases are meaningful; for use by one thread."""

    def __init__(self, ledger: JobLedger, lease_s: float) -> None:
        """Args:
        ledger: The jobs.
        lease_s: The duration of a lease in seconds.
        """
        self._ledger = ledger
        self._patience_s = _LEASES * lease_s
        self._away_at = float("-inf")

    def notice(self) -> None:
        """Record that MongoDB did not respond."""
        self._away_at = time.monotonic()

    def is_over(self) -> bool:
        """Whether MongoDB has been responding long enough for live workers to have extended their leases.

        Raises:
            StoreUnavailable: MongoDB does not respond.
        """
        asked_at = time.monotonic()
        try:
            self._ledger.probe()
        except StoreUnavailable:
            self.notice()
            raise
        now = time.monotonic()
        if now - asked_at > _SLOW_S:
            self.notice()
        return now - self._away_at >= self._patience_s
