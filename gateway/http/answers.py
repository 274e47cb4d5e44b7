"""Responses: records as JSON, jobs with their links, 202 with a location."""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import orjson
from aiohttp import web
from aiohttp.helpers import ETAG_ANY

from modelbus.gateway.application_keys import BLOBS
from modelbus.gateway.http.problems import RETRY_AFTER_S, problem, status_of_code
from modelbus.gateway.http.requests import CORRELATION_HEADER
from modelbus.shared.contracts import JobRecord
from modelbus.shared.contracts.documents.job_documents import EndedJob, JobDocument, ListedJob
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES, JobSummary
from modelbus.shared.store.jobs.outcomes import STORE_FIELDS


def json_answer(document: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON response; NaN becomes null, and times end in `Z`."""
    body = orjson.dumps(document, default=str, option=orjson.OPT_UTC_Z)
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def immutable_answer(request: web.Request, document: Any, etag: str) -> web.Response:
    """A JSON response with its ETag; 304 if the client has the current version."""
    headers = {"ETag": f'"{etag}"'}
    if has_already(request, etag):
        return web.Response(status=304, headers=headers)
    return json_answer(document, headers=headers)


def has_already(request: web.Request, etag: str) -> bool:
    """Whether ``If-None-Match`` matches an ETag."""
    return any(known.value in (etag, ETAG_ANY) for known in request.if_none_match or ())


def public(document: Mapping[str, Any]) -> dict[str, Any]:
    """A record without the fields that are internal or returned separately."""
    return {name: value for name, value in document.items() if name not in STORE_FIELDS}


def job_links(correlation_id: str) -> dict[str, str]:
    """The links of a job."""
    return {"self": f"/jobs/{correlation_id}"}


def job_view(job: JobDocument) -> dict[str, Any]:
    """A job as the gateway returns it."""
    known = {name: value for name, value in job.items() if name in JobRecord.model_fields} | _named(job["spec"])
    record = JobRecord.model_validate({**known, "correlation_id": job["_id"]})
    return {**record.model_dump(mode="json"), "links": job_links(job["_id"])}


def job_summary(job: ListedJob) -> dict[str, Any]:
    """A job as lists return it."""
    known = {name: value for name, value in job.items() if name in JobSummary.model_fields} | _named(job.get("spec"))
    record = JobSummary.model_validate({**known, "correlation_id": job["_id"]})
    return {**record.model_dump(mode="json"), "links": job_links(job["_id"])}


def _named(spec: object) -> dict[str, str]:
    """The model and the dataset that a specification names."""
    given = spec if isinstance(spec, dict) else {}
    return {name: given[name] for name in ("model", "dataset") if isinstance(given.get(name), str)}


async def stored_result(request: web.Request, job: EndedJob) -> bytes | None:
    """The JSON of a large result that is stored in a blob; None if the job's record has the result.

    It is passed on unchanged: parsing and serialising some megabytes would block all other requests, even in a thread.

    Raises:
        UnknownUpload: The result was removed.
    """
    result = job.get("result")
    if not result or "stored_result" not in result:
        return None
    return await request.app[BLOBS].read(result["stored_result"])


async def whole_job_view(request: web.Request, job: JobDocument) -> dict[str, Any]:
    """A job with its complete result, for ``json_answer``."""
    text = await stored_result(request, job)
    if text is None:
        return job_view(job)
    return {**job_view({**job, "result": None}), "result": orjson.Fragment(text)}


async def _result_answer(request: web.Request, job: EndedJob, beside: Mapping[str, Any]) -> web.Response:
    """The complete result of a job, with additional fields before it."""
    text = await stored_result(request, job)
    if text is None:
        return json_answer({**beside, **(job.get("result") or {})})
    if beside:
        # An object that goes on with what the other one has in its braces.
        text = b"%b,%b" % (orjson.dumps(beside)[:-1], text[1:])
    return web.Response(body=text, content_type="application/json")


def is_whole(job: EndedJob) -> TypeGuard[JobDocument]:
    """Whether a job was read completely; after waiting, only its outcome may be known."""
    return "spec" in job


async def job_answer(
    request: web.Request,
    job: EndedJob,
    succeeded: Callable[[dict[str, Any]], web.Response] | None = None,
    *,
    beside: Mapping[str, Any] | None = None,
) -> web.Response:
    """The response for a job by its status: its result, its error as a problem, or 202 with a location.

    Args:
        request: The request.
        job: The job.
        succeeded: Makes the response for a job that creates a record and has a small result; default: the result.
        beside: Fields in addition to the result.
    """
    status, correlation_id = job["status"], job["_id"]
    headers = {CORRELATION_HEADER: correlation_id}
    if status == "succeeded":
        if succeeded is None:
            answer = await _result_answer(request, job, beside or {})
        else:
            answer = succeeded(job.get("result") or {})
    elif status in TERMINAL_STATUSES:
        error = job.get("error") or {"code": "cancelled", "message": "the job was cancelled", "details": []}
        answer = problem(
            status_of_code(error["code"]), error["code"], error["message"], correlation_id, error.get("details")
        )
    else:
        assert is_whole(job)  # only of the end of a job is less read
        answer = json_answer(job_view(job), status=202)
        headers |= {"Location": f"/jobs/{correlation_id}", "Retry-After": str(RETRY_AFTER_S)}
    answer.headers.update(headers)
    return answer
