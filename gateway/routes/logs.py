"""Log lines of a service, of a job or of all: the latest as JSON, or a live stream of server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import Field

from modelbus.gateway.application_keys import CATALOG, JOBS, LOG_LINES
from modelbus.gateway.description.examples import LOG_LINE
from modelbus.gateway.http.answers import json_answer
from modelbus.gateway.http.cursors import cursor_text, read_cursor
from modelbus.gateway.http.query import Cursor, Moment, Query, Whole, query_of
from modelbus.gateway.http.requests import correlation_id_in_path, name_in_path
from modelbus.gateway.jobs.event_stream import MEDIA_TYPE, STREAMS, StreamEvent, is_stream_wanted, last_event_id
from modelbus.gateway.jobs.log_places import place_of, place_text
from modelbus.gateway.routing.route import Answer, route
from modelbus.gateway.views.answer_models import LogList
from modelbus.shared.contracts import CorrelationId, Name
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.errors import NotFound, TooManyStreams, UnknownJob
from modelbus.shared.store.job_queries import NAMED, TIMED
from modelbus.shared.store.logs.log_reading import Line, LogLines, LogQuery, Place

_PAUSE_S: Final = 0.5
"""The seconds between two queries for new lines."""
_ENDED_S: Final = 5.0
"""The seconds to wait for a job's lines that arrive after its end."""

HasEnded = Callable[[], Awaitable[bool]]

_TAG: Final = "logs"
_LINES: Final = {
    200: Answer(
        "The latest lines, oldest first; or a stream with an event `log` for each line.",
        LogList,
        media_types=(MEDIA_TYPE,),
        example={"lines": [LOG_LINE], "next": None},
    )
}


class JobLogsQuery(Query):
    """The query of a job's lines."""

    level: Literal["debug", "info", "warning", "error", "critical"] = "debug"
    """Return only lines of this level and above."""
    since: Moment | None = Field(None, examples=["2026-01-31T12:00:00Z", "10m"])
    """Return only lines since this time, or within this age."""
    limit: Whole = Field(200, ge=0, le=1000)
    """The maximum number of lines; for a stream, the number of lines before its start."""
    cursor: Cursor | None = None
    """The `next` of the previous page, for the lines before it."""
    follow: bool | None = None
    """Continue with new lines as server-sent events. Equivalent to `Accept: text/event-stream`."""


class LogsQuery(JobLogsQuery):
    """The query of a service's lines."""

    correlation_id: CorrelationId | None = None
    """Return only lines of this job."""


class AllLogsQuery(LogsQuery):
    """The query of the lines of all services."""

    service: list[Name] = []
    """Return only lines of this service; repeat the parameter for several. Default: all services."""


@route(
    "GET",
    "/logs",
    scope="read",
    tag=_TAG,
    summary="List log lines",
    answers=_LINES,
    query=AllLogsQuery,
    errors=(NotFound, TooManyStreams),
)
async def read_logs(request: web.Request) -> web.StreamResponse:
    """Lists the log lines of all services in chronological order."""
    query = query_of(request, AllLogsQuery)
    services = tuple(query.service)
    for name in services:
        await _check_service(request, name)
    return await _answer(request, query, services, query.correlation_id)


@route(
    "GET",
    "/services/{name}/logs",
    scope="read",
    tag=_TAG,
    summary="List a service's log lines",
    answers=_LINES,
    query=LogsQuery,
    errors=(NotFound, TooManyStreams),
)
async def read_service_logs(request: web.Request) -> web.StreamResponse:
    """Lists the log lines of all instances of a service."""
    name, query = name_in_path(request, "name"), query_of(request, LogsQuery)
    await _check_service(request, name)
    return await _answer(request, query, (name,), query.correlation_id)


@route(
    "GET",
    "/jobs/{correlation_id}/logs",
    scope="read",
    tag=_TAG,
    summary="List a job's log lines",
    answers=_LINES,
    query=JobLogsQuery,
    errors=(UnknownJob, TooManyStreams),
)
async def read_job_logs(request: web.Request) -> web.StreamResponse:
    """Lists the log lines of all services about a job. A stream ends with the job."""
    correlation_id = correlation_id_in_path(request)
    await request.app[JOBS].find_part(correlation_id, NAMED)

    async def has_ended() -> bool:
        job = await request.app[JOBS].find_part(correlation_id, TIMED)
        finished_at = job.get("finished_at")
        return job["status"] in TERMINAL_STATUSES and finished_at is not None and _is_over(finished_at)

    return await _answer(request, query_of(request, JobLogsQuery), (), correlation_id, has_ended)


async def _answer(
    request: web.Request,
    asked: JobLogsQuery,
    services: tuple[str, ...],
    correlation_id: str | None,
    has_ended: HasEnded | None = None,
) -> web.StreamResponse:
    query, limit = LogQuery(services, correlation_id, asked.level, asked.since), asked.limit
    lines = request.app[LOG_LINES]
    if is_stream_wanted(request):
        given = last_event_id(request)
        events = _followed(lines, query, limit, place_of(given) if given else None, has_ended)
        return await request.app[STREAMS].answer(request, events)
    found = await lines.last(query, limit, before=read_cursor(asked.cursor))
    following = cursor_text(found[0].at, found[0].id) if limit and len(found) == limit else None
    return json_answer({"lines": [_view(line) for line in found], "next": following})


async def _followed(
    lines: LogLines, query: LogQuery, limit: int, place: Place | None, has_ended: HasEnded | None
) -> AsyncGenerator[StreamEvent, None]:
    """The existing lines, then the new ones; for a job, an event ``end`` once it has ended and its lines have
    arrived.
    """
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
    known = {"gateway", *(one["service"] for one in await request.app[CATALOG].services())}
    if name not in known:
        raise NotFound(f"unknown service {name[:100]!r}; expected one of {_listed(known)}")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _is_over(finished_at: datetime) -> bool:
    return (datetime.now(UTC) - finished_at).total_seconds() > _ENDED_S
