"""Positions in the log as text: the event ids of a stream of log lines, from which a client continues."""

import re
from typing import Final

from modelbus.shared.errors import BadRequest
from modelbus.shared.store.logs.log_reading import Place, arrival, arrival_text

_PLACE: Final = re.compile(r"^(?:(\d{1,10}\.\d{1,10})|all)-(\d{1,10}\.\d{1,10})-(\d{1,7})$")


def place_text(place: Place) -> str:
    """A position as the id of an event."""
    start = "all" if place.start is None else arrival_text(place.start)
    return f"{start}-{arrival_text(place.end)}-{place.left}"


def place_of(text: str) -> Place:
    """The position of an id.

    Raises:
        BadRequest: The id is invalid.
    """
    if not (found := _PLACE.match(text)):
        raise BadRequest(f"Last-Event-ID must be the id of an event of this stream, not {text[:100]!r}")
    start, end, left = found.groups()
    try:
        return Place(arrival(start) if start else None, arrival(end), int(left))
    except ValueError as error:
        raise BadRequest(f"Last-Event-ID: {error}") from error
