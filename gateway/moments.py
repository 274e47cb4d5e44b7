"""Moments in query strings: times, ages, and the cursors that are made of a time and an id."""

from datetime import datetime

from gateway.problems import BadRequest
from shared.errors import InvalidCommand
from shared.moments import MOMENT_FORMS, moment_of


def moment_asked(name: str, given: str | None) -> datetime | None:
    """A moment of the query string: a time in ISO 8601 (UTC, where it does not say), or how long ago it was.

    Args:
        name: The parameter's.
        given: What it says.

    Raises:
        BadRequest: It is neither.
    """
    if given is None:
        return None
    try:
        return _moment(given)
    except InvalidCommand:
        raise BadRequest(f"?{name}= must be {MOMENT_FORMS}, not {given[:50]!r}") from None


def cursor_text(at: datetime, item_id: str) -> str:
    """The cursor of the page that follows an item."""
    return f"{at.isoformat()}_{item_id}"


def cursor_asked(given: str | None) -> tuple[datetime, str] | None:
    """Time and id of the item that the page before ended with; None for the first page.

    Raises:
        BadRequest: It is no cursor.
    """
    if given is None:
        return None
    at, _, item_id = given.partition("_")
    try:
        moment = _moment(at)
    except InvalidCommand:
        item_id = ""
    if not item_id:
        raise BadRequest("?cursor= must be the `next` of an earlier answer")
    return moment, item_id


def _moment(text: str) -> datetime:
    return moment_of(text.replace(" ", "+"))  # a plus in a query string is a space
