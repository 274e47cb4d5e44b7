"""Cursors of lists in order of time: the moment and the id of the item that a page ended with."""

from datetime import datetime

from shared.errors import BadRequest


def cursor_text(at: datetime, item_id: str) -> str:
    """The cursor of the page that follows an item."""
    return f"{at.isoformat()}_{item_id}"


def read_cursor(given: str | None) -> tuple[datetime, str] | None:
    """Time and id of the item that the page before ended with; None for the first page.

    Raises:
        BadRequest: It is no cursor.
    """
    if given is None:
        return None
    at, _, item_id = given.partition("_")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))  # a plus in a query string is a blank
    except ValueError:
        item_id = ""
    if not item_id or moment.tzinfo is None:
        raise BadRequest("?cursor= must be the `next` of an earlier answer")
    return moment, item_id
