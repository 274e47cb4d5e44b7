"""Cursors of chronological lists: the time and the id of the last item of a page."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from modelbus.shared.errors import BadRequest


class Dated(TypedDict):
    """A document of a chronological list."""

    _id: str
    created_at: datetime


def cursor_text(at: datetime, item_id: str) -> str:
    """The cursor of the page after an item."""
    return f"{at.isoformat()}_{item_id}"


def read_cursor(given: str | None) -> tuple[datetime, str] | None:
    """The time and the id of the last item of the previous page; None for the first page.

    Raises:
        BadRequest: The cursor is invalid.
    """
    if given is None:
        return None
    at, _, item_id = given.partition("_")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))  # a plus in a query string is a blank
    except ValueError:
        item_id = ""
    if not item_id or moment.tzinfo is None:
        raise BadRequest("?cursor= must be the `next` of a previous response")
    return moment, item_id


def next_cursor(found: Sequence[Dated], limit: int) -> str | None:
    """The cursor of the page after some documents, by ``created_at`` and ``_id``; None after the last page."""
    return cursor_text(found[-1]["created_at"], found[-1]["_id"]) if len(found) == limit else None
