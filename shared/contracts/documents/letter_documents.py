"""Messages that could not be read, as MongoDB holds them."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict


class EditedBodyDocument(TypedDict):
    """Another body, which the replay takes (docs/adr/0018)."""

    body: bytes
    at: datetime


class MessageDocument(TypedDict):
    """A message that could not be read."""

    _id: str
    queue: str
    reason: str
    service: str
    correlation_id: str | None
    reply_to: str | None
    received_at: datetime
    raw: bytes
    """What came, 8 MB at most."""
    size_bytes: int
    """Of what came."""
    draft: NotRequired[EditedBodyDocument | None]
    history: list[dict[str, Any]]
    expires_at: datetime


class ListedMessage(TypedDict):
    """A message that could not be read, without what it holds."""

    _id: str
    queue: str
    reason: str
    correlation_id: str | None
    received_at: datetime
    size_bytes: int
    draft: NotRequired[EditedBodyDocument | None]
    """Of it only ``at``: whether it was edited."""
