"""Stores messages that could not be read in MongoDB; the sweep does this, once for each message."""

from datetime import UTC, datetime, timedelta
from typing import Final

from bson import Binary
from pymongo.database import Database

from modelbus.shared.bus.poison import PoisonMessage
from modelbus.shared.store.connection import DURABLE, Document, store_errors
from modelbus.shared.store.indexes import DEAD_LETTERS

KEPT_BYTES: Final = 8 * 1024 * 1024
"""The maximum number of bytes kept of one message: a document has 16 MB at most."""


class PoisonKeeper:
    """Writes unreadable messages to MongoDB, where people find them."""

    def __init__(self, database: Database[Document], *, retention_days: float) -> None:
        self._letters = database.get_collection(DEAD_LETTERS, write_concern=DURABLE)
        self._retention = timedelta(days=retention_days)

    def keep(self, message: PoisonMessage) -> bool:
        """Store a message; True if it was not stored already.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        record = {
            "queue": message.queue,
            "reason": message.reason[:10_000],
            "service": message.service,
            "correlation_id": message.correlation_id,
            "reply_to": message.reply_to,
            "received_at": message.received_at,
            "raw": Binary(message.raw[:KEPT_BYTES]),
            "size_bytes": len(message.raw),
            "draft": None,
            "history": [{"at": message.received_at, "event": "quarantined", "service": message.service}],
            "expires_at": datetime.now(UTC) + self._retention,
        }
        with store_errors():
            result = self._letters.update_one({"_id": message.id}, {"$setOnInsert": record}, upsert=True)
        return result.upserted_id is not None
