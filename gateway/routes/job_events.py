"""Jobs' events as server-sent events: of one job until its end, or of all from now on."""

from collections.abc import Mapping
from typing import Any, Literal

from aiohttp import web

from modelbus.gateway.application_keys import JOBS
from modelbus.gateway.http.query import Query, query_of
from modelbus.gateway.http.requests import correlation_id_in_path
from modelbus.gateway.jobs.event_stream import MEDIA_TYPE, STREAMS, last_event_id
from modelbus.gateway.jobs.following import FOLLOWERS, heard_events, job_changes, state_id
from modelbus.gateway.routing.route import Answer, route
from modelbus.shared.contracts.commands.registry import COMMAND_NAMES
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES, JobStatus
from modelbus.shared.errors import TooManyStreams, UnknownJob
from modelbus.shared.store.job_queries import LISTED


class EventsQuery(Query):
    """Which events."""

    command: Literal[COMMAND_NAMES] | None = None  # type: ignore[valid-type]  # the names are those of the union
    """Of jobs that do this."""
    status: JobStatus | None = None
    """Of jobs that stand so."""


@route(
    "GET",
    "/events",
    scope="read",
    tag="jobs",
    summary="Follow all jobs",
    answers={200: Answer("Events, from now on.", media_types=(MEDIA_TYPE,))},
    query=EventsQuery,
    errors=(TooManyStreams,),
)
async def follow_jobs(request: web.Request) -> web.StreamResponse:
    """What the services tell each other, as server-sent events: `JobChanged` of every job, `DriftFound`.

    They are hints, told once: who is cut off misses what came meanwhile, and finds it in the jobs. A reader who is too
    slow is told by `missed` how many were left out.
    """
    query = query_of(request, EventsQuery)
    wanted = query.model_dump(exclude_none=True)

    def is_wanted(event: Mapping[str, Any]) -> bool:
        return all(event.get(name) == value for name, value in wanted.items())

    return await request.app[STREAMS].answer(request, heard_events(request.app[FOLLOWERS], is_wanted))


@route(
    "GET",
    "/jobs/{correlation_id}/events",
    scope="read",
    tag="jobs",
    summary="Follow a job",
    answers={
        200: Answer("Events, until the job has ended.", media_types=(MEDIA_TYPE,)),
        204: Answer("It has ended, and the reader knows: there is nothing to come back for."),
    },
    errors=(UnknownJob, TooManyStreams),
)
async def follow_job(request: web.Request) -> web.StreamResponse:
    """Server-sent events `status` and `progress`, the last one tells how it ended.

    Each has the job in short as its data. Whoever is cut off goes on with `Last-Event-ID`, as browsers do.
    """
    job = await request.app[JOBS].find_part(correlation_id_in_path(request), LISTED)
    after = last_event_id(request)
    if job["status"] in TERMINAL_STATUSES and after == state_id(job):
        return web.Response(status=204)
    changes = job_changes(request.app[JOBS], request.app[FOLLOWERS], job["_id"], after)
    return await request.app[STREAMS].answer(request, changes)
