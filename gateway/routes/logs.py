"""Log lines: of a service, of a job, of all; the last ones as JSON, or followed as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from gateway.answers import json_answer
from gateway.event_stream import STREAMS, StreamEvent, is_stream_wanted, last_event_id
from gateway.keys import JOBS, LOG_LINES, SHELF
from gateway.log_places import place_of, place_text
from gateway.moments import cursor_in_query, cursor_text, moment_in_query
from gateway.problems import BadRequest
from gateway.requests import correlation_id_in_path, name_in_path, uuid_in_query, whole_number
from shared.contracts.records import TERMINAL_STATUSES
from shared.errors import NotFound
from shared.log_text import LEVELS
from shared.store.log_reading import Line, LogLines, LogQuery, Place

_PAUSE_S: Final = 0.5
"""Between two looks for lines that have arrived."""
_ENDED_S: Final = 5.0
"""How long lines of a job are waited for that come after its end."""

HasEnded = Callable[[], Awaitable[bool]]


async def all_logs(request: web.Request) -> web.StreamResponse:
    """`GET /logs?service=&level=&since=&correlation_id=&limit=&cursor=&follow=`: all services merged in time order."""
    services = tuple(request.query.getall("service", []))
    for name in services:
        await _check_service(request, name)
    return await _answer(request, services, uuid_in_query(request, "correlation_id"))


async def service_logs(request: web.Request) -> web.StreamResponse:
    """`GET /services/{name}/logs?level=&since=&correlation_id=&limit=&cursor=&follow=`: one service's lines."""
    name = name_in_path(request, "name")
    await _check_service(request, name)
    return await _answer(request, (name,), uuid_in_query(request, "correlation_id"))


async def job_logs(request: web.Request) -> web.StreamResponse:
    """`GET /jobs/{correlation_id}/logs?level=&since=&limit=&cursor=&follow=`: what all services logged about a job."""
    correlation_id = correlation_id_in_path(request)
    await request.app[JOBS].find(correlation_id)

    async def has_ended() -> bool:
        job = await request.app[JOBS].find(correlation_id)
        return job["status"] in TERMINAL_STATUSES and _is_over(job["finished_at"])

    return await _answer(request, (), correlation_id, has_ended)


async def _answer(
    request: web.Request, services: tuple[str, ...], correlation_id: str | None, has_ended: HasEnded | None = None
) -> web.StreamResponse:
    query = LogQuery(services, correlation_id, _level(request), moment_in_query(request, "since"))
    limit = whole_number(request, "limit", 200, least=0, most=1000)
    lines = request.app[LOG_LINES]
    if is_stream_wanted(request):
        given = last_event_id(request)
        events = _followed(lines, query, limit, place_of(given) if given else None, has_ended)
        return await request.app[STREAMS].answer(request, events)
    found = await lines.last(query, limit, before=cursor_in_query(request))
    following = cursor_text(found[0].at, found[0].id) if limit and len(found) == limit else None
    return json_answer({"lines": [_view(line) for line in found], "next": following})


async def _followed(
    lines: LogLines, query: LogQuery, limit: int, place: Place | None, has_ended: HasEnded | None
) -> AsyncGenerator[StreamEvent, None]:
    """What has arrived, then what arrives; for a job, an ``end`` once it has ended and its lines have come."""
    stretch = await (lines.rest(query, place) if place else lines.recent(query, limit))
    while True:
        for line, behind in stretch.places():
            yield StreamEvent("log", _view(line), place_text(behind))
        if not stretch.is_full:
            if has_ended and not stretch.lines and await has_ended():
                yield StreamEvent("end", {"reason": "the job has ended"})
                return
            await asyncio.sleep(_PAUSE_S)
        stretch = await lines.following(query, stretch.end)


def _view(line: Line) -> dict[str, Any]:
    return {"id": line.id, **line.fields}


async def _check_service(request: web.Request, name: str) -> None:
    if name == "gateway" or await request.app[LOG_LINES].knows(name):
        return
    known = {"gateway", *(one["service"] for one in await request.app[SHELF].services())}
    if name not in known:
        raise NotFound(f"there is no service {name[:100]!r}, and there are no lines of one; there are {_listed(known)}")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _level(request: web.Request) -> str:
    given = request.query.get("level", "debug")
    if given not in LEVELS:
        raise BadRequest(f"?level= must be one of {', '.join(LEVELS)}, not {given[:50]!r}")
    return given


def _is_over(finished_at: datetime) -> bool:
    return (datetime.now(UTC) - finished_at).total_seconds() > _ENDED_S


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_get("/logs", all_logs)
    router.add_get("/services/{name}/logs", service_logs)
    router.add_get("/jobs/{correlation_id}/logs", job_logs)
