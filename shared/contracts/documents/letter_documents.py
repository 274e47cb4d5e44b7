"""Unreadable messages in MongoDB."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict


class EditedBodyDocument(TypedDict):
    """An edited body for the replay (docs/adr/0018)."""

    body: bytes
    at: datetime


class MessageDocument(TypedDict):
    """An unreadable message."""

    _id: str
    queue: str
    reason: str
    service: str
    correlation_id: str | None
    reply_to: str | None
    received_at: datetime
    raw: bytes
    """The original message, at most 8 MB."""
    size_bytes: int
    """The size of the original message."""
    draft: NotRequired[EditedBodyDocument | None]
    history: list[dict[str, Any]]
    expires_at: datetime


class ListedMessage(TypedDict):
    """An unreadable message without its content."""

    _id: str
    queue: str
    reason: str
    correlation_id: str | None
    received_at: datetime
    size_bytes: int
    draft: NotRequired[EditedBodyDocument | None]
    """The time ``at`` of the edit, if any."""
