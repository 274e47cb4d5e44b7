"""Moves poison messages from the broker to MongoDB, where they can be listed, read, edited, replayed and removed."""

import structlog

from modelbus.shared.bus import QUEUES, PoisonReader
from modelbus.shared.store.letters.kept_poison import PoisonKeeper

log = structlog.get_logger()

_AT_ONCE = 100
"""Maximum messages per queue and sweep."""


class PoisonMover:
    """Moves messages from the poison queues to MongoDB; for use by one thread, in any number of services."""

    def __init__(self, reader: PoisonReader, keeper: PoisonKeeper) -> None:
        self._reader = reader
        self._keeper = keeper

    def move(self) -> None:
        """Move all poison messages.

        Raises:
            StoreUnavailable, BusUnavailable: One of them does not respond; the remaining messages stay where they are.
        """
        for queue in QUEUES:
            for _ in range(_AT_ONCE):
                if not self._move_one(queue):
                    break

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def _move_one(self, queue: str) -> bool:
        with self._reader.take(queue) as message:
            if message is None:
                return False
            if self._keeper.keep(message):
                log.info("dead_letter.kept", dead_letter=message.id, queue=queue, reason=message.reason)
        return True
