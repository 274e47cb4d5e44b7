"""Cursors: where the page that follows one begins, as text in the query string."""

from datetime import datetime
from typing import Any

from aiohttp import web

from gateway.problems import BadRequest
from shared.store.connection import Document


def cursor_of(request: web.Request) -> dict[str, Any] | None:
    """The last document of the page before, as ``?cursor=`` tells it; None for the first page.

    Raises:
        BadRequest: It is no cursor.
    """
    given = request.query.get("cursor")
    if given is None:
        return None
    at, _, key = given.partition("_")
    try:
        return {"created_at": datetime.fromisoformat(at.replace(" ", "+")), "_id": key}
    except ValueError:
        raise BadRequest("?cursor= must be the `next` of an earlier answer") from None


def next_cursor(found: list[Document], limit: int) -> str | None:
    """The cursor of the page that follows one; None behind the last."""
    return f"{found[-1]['created_at'].isoformat()}_{found[-1]['_id']}" if len(found) == limit else None
