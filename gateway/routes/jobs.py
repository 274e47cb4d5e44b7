"""Jobs: list, retrieve and wait, cancel, replay."""

from typing import Literal

from aiohttp import web
from pydantic import Field

from modelbus.gateway.access.scopes import require_own_job
from modelbus.gateway.application_keys import CATALOG, JOBS
from modelbus.gateway.description.examples import JOB, JOB_SUMMARY, QUEUED_JOB
from modelbus.gateway.http.answers import job_summary, job_view, json_answer, whole_job_view
from modelbus.gateway.http.cursors import next_cursor, read_cursor
from modelbus.gateway.http.problems import RETRY_AFTER_S
from modelbus.gateway.http.query import Moment, Page, Waiting, query_of
from modelbus.gateway.http.requests import correlation_id_in_path, wait_s
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.jobs.queueing import place_in_queue
from modelbus.gateway.routing.route import Answer, route
from modelbus.gateway.views.answer_models import JobList, JobView
from modelbus.shared.contracts import Name
from modelbus.shared.contracts.commands.registry import COMMAND_NAMES
from modelbus.shared.contracts.records.job_records import JobStatus
from modelbus.shared.errors import JobFinished, UnknownJob
from modelbus.shared.store.connection import Document

_TAG = "jobs"


class JobsQuery(Page):
    """The query of the list."""

    status: JobStatus | None = None
    """Return only jobs with this status."""
    command: Literal[COMMAND_NAMES] | None = None  # type: ignore[valid-type]  # the names are those of the union
    """Return only jobs with this command."""
    model: Name | None = None
    """Return only jobs that train or use this model."""
    dataset: Name | None = None
    """Return only jobs that create or use this dataset."""
    since: Moment | None = Field(None, examples=["2026-01-31T12:00:00Z"])
    """Return only jobs accepted at or after this time, or within this age."""
    until: Moment | None = Field(None, examples=["2026-02-28T12:00:00Z"])
    """Return only jobs accepted before this time, or older than this age."""


@route(
    "GET",
    "/jobs",
    scope="read",
    tag=_TAG,
    summary="List all jobs",
    answers={200: Answer("A page of jobs.", JobList, example={"jobs": [JOB_SUMMARY], "next": None})},
    query=JobsQuery,
)
async def list_jobs(request: web.Request) -> web.Response:
    """Lists jobs, newest first."""
    query = query_of(request, JobsQuery)
    found = await request.app[JOBS].page(_filter(query), after=read_cursor(query.cursor), limit=query.limit)
    jobs = [job_summary(job) for job in found]
    return json_answer({"jobs": jobs, "next": next_cursor(found, query.limit)})


@route(
    "GET",
    "/jobs/{correlation_id}",
    scope="read",
    tag=_TAG,
    summary="Retrieve a job",
    answers={200: Answer("The job in its current state.", JobView, example=JOB)},
    query=Waiting,
    errors=(UnknownJob,),
)
async def read_job(request: web.Request) -> web.Response:
    """Returns the job with its result or error. With `?wait=N` it waits for the end of the job.

    A queued job has its position in the queue and its estimated start.
    """
    job = await request.app[DISPATCHER].read(correlation_id_in_path(request), wait_s(request, 0))
    headers = {"Retry-After": str(RETRY_AFTER_S)} if job["status"] in ("queued", "running") else None
    place = await place_in_queue(request.app[JOBS], request.app[CATALOG], job)
    return json_answer({**await whole_job_view(request, job), **place}, headers=headers)


@route(
    "DELETE",
    "/jobs/{correlation_id}",
    scope="submit",
    tag=_TAG,
    summary="Cancel a job",
    answers={
        200: Answer("The cancelled job.", JobView, example={**QUEUED_JOB, "status": "cancelled"}),
        202: Answer(
            "The running job, which its worker ends within a heartbeat.",
            JobView,
            example={**QUEUED_JOB, "status": "running"},
        ),
    },
    errors=(UnknownJob, JobFinished),
)
async def cancel_job(request: web.Request) -> web.Response:
    """Cancels a queued job at once, and a running job within a heartbeat."""
    correlation_id = correlation_id_in_path(request)
    await require_own_job(request, correlation_id)
    job = await request.app[JOBS].request_cancel(correlation_id)
    return json_answer(job_view(job), status=200 if job["status"] == "cancelled" else 202)


@route(
    "POST",
    "/jobs/{correlation_id}/replay",
    scope="submit",
    tag=_TAG,
    summary="Replay a job",
    answers={202: Answer("The queued job.", JobView, example=QUEUED_JOB)},
    errors=(UnknownJob, JobFinished),
)
async def replay_job(request: web.Request) -> web.Response:
    """Queues a failed, dead or cancelled job again."""
    correlation_id = correlation_id_in_path(request)
    await require_own_job(request, correlation_id)
    job = await request.app[DISPATCHER].replay(correlation_id)
    return json_answer(job_view(job), status=202, headers={"Location": f"/jobs/{job['_id']}"})


def _filter(query: JobsQuery) -> Document:
    found: Document = {name: value for name in ("status", "command") if (value := getattr(query, name)) is not None}
    if query.dataset is not None:
        found["spec.dataset"] = query.dataset
    if query.model is not None:
        # by its name alone, or with an alias or a version behind it
        found["spec.model"] = {"$regex": f"^{query.model.replace('.', '[.]')}(@|$)"}
    times = {"$gte": query.since, "$lt": query.until}
    if bounds := {operator: time for operator, time in times.items() if time is not None}:
        found["created_at"] = bounds
    return found
