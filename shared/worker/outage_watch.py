"""Whether MongoDB was away a moment ago: then every lease has lapsed, also those of workers that are alive."""

import time
from typing import Final

from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.store.jobs.ledger import JobLedger

_SLOW_S: Final = 1.0
"""An answer that took longer was held up: as by a server that was stopped, and goes on where it was."""
_LEASES: Final = 2.0
"""So many leases are waited for after an outage: who is alive needs one attempt that hangs, and one that comes
through."""


class OutageWatch:
    """Tells when leases that have lapsed mean something; to be used by one thread."""

    def __init__(self, ledger: JobLedger, lease_s: float) -> None:
        """Args:
        ledger: Where the jobs are.
        lease_s: Seconds that a lease lasts.
        """
        self._ledger = ledger
        self._patience_s = _LEASES * lease_s
        self._away_at = float("-inf")

    def notice(self) -> None:
        """Take note that MongoDB did not answer."""
        self._away_at = time.monotonic()

    def is_over(self) -> bool:
        """Whether MongoDB has answered for so long that whoever is alive has extended their leases.

        Raises:
            StoreUnavailable: It does not answer now.
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
