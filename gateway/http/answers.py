"""Writing answers: records as JSON, jobs with their links, 202 with where to look."""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web
from aiohttp.helpers import ETAG_ANY

from modelbus.gateway.application_keys import BLOBS
from modelbus.gateway.http.problems import RETRY_AFTER_S, problem, status_of_code
from modelbus.gateway.http.requests import CORRELATION_HEADER
from modelbus.shared.contracts import JobRecord
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES, JobSummary
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.outcomes import STORE_FIELDS


def json_answer(document: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer; not-a-number becomes null, times end in `Z` as those of the contracts do."""
    body = orjson.dumps(document, default=str, option=orjson.OPT_UTC_Z)
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def immutable_answer(request: web.Request, document: Any, etag: str) -> web.Response:
    """A JSON answer with its ETag; 304 to a caller who has it already."""
    headers = {"ETag": f'"{etag}"'}
    if has_already(request, etag):
        return web.Response(status=304, headers=headers)
    return json_answer(document, headers=headers)


def has_already(request: web.Request, etag: str) -> bool:
    """Whether the caller says by ``If-None-Match`` that it has what this ETag is of."""
    return any(known.value in (etag, ETAG_ANY) for known in request.if_none_match or ())


def public(document: Document) -> dict[str, Any]:
    """A record without what is only for the store, or is answered apart."""
    return {name: value for name, value in document.items() if name not in STORE_FIELDS}


def job_links(correlation_id: str) -> dict[str, str]:
    """Where a job can be looked at."""
    return {"self": f"/jobs/{correlation_id}"}


def job_view(job: Document) -> dict[str, Any]:
    """A job as the gateway answers it."""
    known = {name: job[name] for name in JobRecord.model_fields if name in job}
    record = JobRecord.model_validate({**known, "correlation_id": job["_id"]})
    return {**record.model_dump(mode="json"), "links": job_links(job["_id"])}


def job_summary(job: Document) -> dict[str, Any]:
    """A job as lists answer it: without the leaderboard, which would make them long."""
    known = {name: job[name] for name in JobSummary.model_fields if name in job}
    record = JobSummary.model_validate({**known, "correlation_id": job["_id"]})
    view = record.model_dump(mode="json")
    if view["progress"] and view["progress"]["tuning"]:
        view["progress"]["tuning"]["leaderboard"] = []
    return {**view, "links": job_links(job["_id"])}


async def with_whole_result(request: web.Request, job: Document) -> Document:
    """The job with its result, also when that is too large for the record and lies in a blob."""
    result = job["result"]
    if result and "stored_result" in result:
        whole = orjson.loads(await request.app[BLOBS].read(result["stored_result"]))
        return {**job, "result": whole}
    return job


async def job_answer(
    request: web.Request, job: Document, succeeded: Callable[[dict[str, Any]], web.Response]
) -> web.Response:
    """Answer a job by how it stands: its result, its error as a problem, or 202 and where to look.

    Args:
        request: The request.
        job: The job.
        succeeded: Makes the answer from the job's result.
    """
    status, correlation_id = job["status"], job["_id"]
    headers = {CORRELATION_HEADER: correlation_id}
    if status == "succeeded":
        answer = succeeded((await with_whole_result(request, job))["result"])
    elif status in TERMINAL_STATUSES:
        error = job["error"] or {"code": "cancelled", "message": "the job was cancelled", "details": []}
        answer = problem(
            status_of_code(error["code"]), error["code"], error["message"], correlation_id, error.get("details")
        )
    else:
        answer = json_answer(job_view(job), status=202)
        headers |= {"Location": f"/jobs/{correlation_id}", "Retry-After": str(RETRY_AFTER_S)}
    answer.headers.update(headers)
    return answer
