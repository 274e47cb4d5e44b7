"""Events of jobs as server-sent events: of one job until its end, or of all jobs from now on."""

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
    """The query of the events."""

    command: Literal[COMMAND_NAMES] | None = None  # type: ignore[valid-type]  # the names are those of the union
    """Return only events of jobs with this command; repeat the parameter for several."""
    status: JobStatus | None = None
    """Return only events of jobs with this status; repeat the parameter for several."""


@route(
    "GET",
    "/events",
    scope="read",
    tag="jobs",
    summary="Stream the events of all jobs",
    answers={200: Answer("The events from now on.", media_types=(MEDIA_TYPE,))},
    query=EventsQuery,
    errors=(TooManyStreams,),
)
async def follow_jobs(request: web.Request) -> web.StreamResponse:
    """Streams server-sent events: `JobChanged` for every job, and `DriftFound`.

    Events are hints and are not repeated: after a disconnect, the jobs have the current state. If a client is too slow,
    an event `missed` has the number of omitted events.
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
    summary="Stream the events of a job",
    answers={
        200: Answer("The events until the end of the job.", media_types=(MEDIA_TYPE,)),
        204: Answer("The job has ended, and `Last-Event-ID` is its last event."),
    },
    errors=(UnknownJob, TooManyStreams),
)
async def follow_job(request: web.Request) -> web.StreamResponse:
    """Streams server-sent events `status` and `progress` until the end of the job.

    Each event has the summary of the job. After a disconnect, send `Last-Event-ID` to continue, as browsers do.
    """
    job = await request.app[JOBS].find_part(correlation_id_in_path(request), LISTED)
    after = last_event_id(request)
    if job["status"] in TERMINAL_STATUSES and after == state_id(job):
        return web.Response(status=204)
    changes = job_changes(request.app[JOBS], request.app[FOLLOWERS], job["_id"], after)
    return await request.app[STREAMS].answer(request, changes)
