"""A job's events: how it stands and each change until its end, as server-sent events."""

from aiohttp import web

from gateway.event_stream import MEDIA_TYPE, STREAMS, last_event_id
from gateway.following import FOLLOWERS, job_changes, state_id
from gateway.keys import JOBS
from gateway.operations import Answer, operation
from gateway.problems import TooManyStreams
from gateway.requests import correlation_id_in_path
from shared.contracts.records import TERMINAL_STATUSES
from shared.errors import UnknownJob


@operation(
    "jobs",
    "Follow a job",
    {
        200: Answer("Events, until the job has ended.", media_types=(MEDIA_TYPE,)),
        204: Answer("It has ended, and the reader knows: there is nothing to come back for."),
    },
    errors=(UnknownJob, TooManyStreams),
)
async def follow(request: web.Request) -> web.StreamResponse:
    """`GET /jobs/{correlation_id}/events`: server-sent events `status` and `progress`, the last one tells how it ended.

    Each has the job in short as its data. Whoever is cut off goes on with `Last-Event-ID`, as browsers do.
    """
    job = await request.app[JOBS].find(correlation_id_in_path(request))
    after = last_event_id(request)
    if job["status"] in TERMINAL_STATUSES and after == state_id(job):
        return web.Response(status=204)
    changes = job_changes(request.app[JOBS], request.app[FOLLOWERS], job, after)
    return await request.app[STREAMS].answer(request, changes)


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_get("/jobs/{correlation_id}/events", follow)
