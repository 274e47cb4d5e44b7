"""Jobs: list, read and wait, cancel, replay."""

from datetime import datetime
from typing import Any, get_args

from aiohttp import web

from gateway.answers import job_view, json_answer, with_whole_result
from gateway.keys import DISPATCHER, JOBS
from gateway.problems import RETRY_AFTER_S, BadRequest
from gateway.requests import correlation_id_in_path, wait_s, whole_number
from shared.contracts.commands import COMMAND_NAMES
from shared.contracts.records import JobStatus
from shared.store.connection import Document


async def list_jobs(request: web.Request) -> web.Response:
    """`GET /jobs?status=&command=&limit=&cursor=`: newest first; `next` is the cursor of the following page."""
    query: dict[str, Any] = {}
    for name, allowed in (("status", get_args(JobStatus)), ("command", COMMAND_NAMES)):
        given = request.query.get(name)
        if given is None:
            continue
        if given not in allowed:
            raise BadRequest(f"?{name}= must be one of {', '.join(allowed)}, not {given[:50]!r}")
        query[name] = given
    limit = whole_number(request, "limit", 50, least=1, most=200)
    found = await request.app[JOBS].page(query, after=_cursor(request), limit=limit)
    jobs = [_summary(job) for job in found]
    following = f"{found[-1]['created_at'].isoformat()}_{found[-1]['_id']}" if len(found) == limit else None
    return json_answer({"jobs": jobs, "next": following})


async def read_job(request: web.Request) -> web.Response:
    """`GET /jobs/{correlation_id}?wait=`: the job, its result or its error; waits for its end if asked to."""
    job = await request.app[DISPATCHER].wait(correlation_id_in_path(request), wait_s(request, 0))
    headers = {"Retry-After": str(RETRY_AFTER_S)} if job["status"] in ("queued", "running") else None
    return json_answer(job_view(await with_whole_result(request, job)), headers=headers)


async def cancel(request: web.Request) -> web.Response:
    """`DELETE /jobs/{correlation_id}`: 200 when it is cancelled, 202 when its worker will end it within a heartbeat."""
    job = await request.app[JOBS].request_cancel(correlation_id_in_path(request))
    return json_answer(job_view(job), status=200 if job["status"] == "cancelled" else 202)


async def replay(request: web.Request) -> web.Response:
    """`POST /jobs/{correlation_id}/replay`: queue a failed, dead or cancelled job once more."""
    job = await request.app[DISPATCHER].replay(correlation_id_in_path(request))
    return json_answer(job_view(job), status=202, headers={"Location": f"/jobs/{job['_id']}"})


def _summary(job: Document) -> dict[str, Any]:
    view = job_view({**job, "result": None, "history": [], "spec": {}})
    if view["progress"] and view["progress"]["tuning"]:
        view["progress"]["tuning"]["leaderboard"] = []
    return {name: value for name, value in view.items() if name not in ("result", "history", "spec")}


def _cursor(request: web.Request) -> dict[str, Any] | None:
    given = request.query.get("cursor")
    if given is None:
        return None
    at, _, correlation_id = given.partition("_")
    try:
        return {"created_at": datetime.fromisoformat(at.replace(" ", "+")), "_id": correlation_id}
    except ValueError:
        raise BadRequest("?cursor= must be the `next` of an earlier answer") from None


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_get("/jobs", list_jobs)
    router.add_get("/jobs/{correlation_id}", read_job)
    router.add_delete("/jobs/{correlation_id}", cancel)
    router.add_post("/jobs/{correlation_id}/replay", replay)
