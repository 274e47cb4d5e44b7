"""Evaluations: created by id, filled by the evaluator, read, listed, deleted."""

from typing import Any

from aiohttp import web
from pydantic import ValidationError

from gateway.access import owner_of, require_own
from gateway.answer_models import EvaluationAccepted, EvaluationList
from gateway.answers import job_answer, job_links, json_answer, public
from gateway.examples import EVALUATION, EVALUATION_ACCEPTED
from gateway.keys import DISPATCHER, JOBS, SHELF
from gateway.operations import Answer, JsonBody, operation
from gateway.query import Waiting
from gateway.requests import command_from, correlation_id_of, json_body, name_in_path, wait_s
from shared.contracts import EvaluateModel, EvaluationRecord
from shared.errors import (
    CorrelationIdReused,
    EvaluationExists,
    JobFinished,
    UnknownDataset,
    UnknownEvaluation,
    UnknownModel,
)
from shared.store.connection import Document

_TAG = "evaluations"
_UNFILLED = {
    "command": "EvaluateModel",
    "status": {"$in": ["queued", "running", "failed", "dead"]},
    "is_forgotten": {"$ne": True},
}


@operation(
    _TAG,
    "Create an evaluation",
    {
        201: Answer("The evaluation.", EvaluationRecord, example=EVALUATION, headers={"Location": "Where it is."}),
        202: Answer(
            "The evaluator fills it.",
            EvaluationAccepted,
            example=EVALUATION_ACCEPTED,
            headers={"Location": "Where it will be."},
        ),
    },
    query=Waiting,
    body=JsonBody(
        EvaluateModel, {"a model on a dataset": {"evaluation": "first", "model": "prices", "dataset": "shop"}}
    ),
    errors=(UnknownModel, UnknownDataset, EvaluationExists, CorrelationIdReused),
    makes_job=True,
)
async def create(request: web.Request) -> web.Response:
    """`POST /evaluations`: 202 with the record's id and its job, or 201 with the metrics when `?wait=` was enough."""
    command = command_from(request, "EvaluateModel", await json_body(request))
    assert isinstance(command, EvaluateModel)  # the route says so
    correlation_id = correlation_id_of(request)
    evaluation_id = command.evaluation or correlation_id
    known = await _find(request, evaluation_id)
    if known is not None and known["correlation_id"] != correlation_id:
        raise EvaluationExists(f"an evaluation {evaluation_id!r} exists; delete it or take another id")
    await request.app[SHELF].version(command.model)
    await request.app[SHELF].dataset(command.dataset)
    job = await request.app[DISPATCHER].submit(
        command, correlation_id, owner=owner_of(request), wait_s=wait_s(request, 0)
    )
    if job["status"] in ("queued", "running"):
        headers = {"Location": f"/evaluations/{evaluation_id}", "Retry-After": "1"}
        return json_answer({**(_of_job(job) or {}), "links": job_links(correlation_id)}, status=202, headers=headers)
    return await job_answer(request, job, _created)


@operation(
    _TAG,
    "List evaluations",
    {200: Answer("All evaluations.", EvaluationList, example={"evaluations": [EVALUATION]})},
)
async def list_evaluations(request: web.Request) -> web.Response:
    """`GET /evaluations`: those that are filled and those that are not yet."""
    filled = [_filled(one) for one in await request.app[SHELF].list_all("evaluations")]
    jobs = await request.app[JOBS].page(_UNFILLED, after=None, limit=200)
    unfilled = {record["id"]: record for job in reversed(jobs) if (record := _of_job(job))}
    # A job that failed because its evaluation exists is no second one.
    for one in filled:
        unfilled.pop(one["id"], None)
    return json_answer({"evaluations": [*reversed(unfilled.values()), *filled]})


@operation(
    _TAG,
    "Read an evaluation",
    {200: Answer("The evaluation.", EvaluationRecord, example=EVALUATION)},
    errors=(UnknownEvaluation,),
)
async def read(request: web.Request) -> web.Response:
    """`GET /evaluations/{id}`: with metrics once its job succeeded."""
    evaluation_id = name_in_path(request, "id")
    record = await _find(request, evaluation_id)
    if record is None:
        raise UnknownEvaluation(f"there is no evaluation {evaluation_id!r}")
    return json_answer(record)


@operation(_TAG, "Delete an evaluation", {204: Answer("It is gone.")}, errors=(UnknownEvaluation,))
async def delete(request: web.Request) -> web.Response:
    """`DELETE /evaluations/{id}`: the record goes; a job that still computes it is cancelled."""
    evaluation_id = name_in_path(request, "id")
    await _require_own(request, evaluation_id)
    was_cancelled = await _cancel(request, evaluation_id)
    was_forgotten = await request.app[JOBS].forget_evaluation(evaluation_id)
    was_deleted = await request.app[SHELF].delete("evaluations", evaluation_id)
    if not (was_cancelled or was_forgotten or was_deleted):
        raise UnknownEvaluation(f"there is no evaluation {evaluation_id!r}")
    return web.Response(status=204)


async def _require_own(request: web.Request, evaluation_id: str) -> None:
    filled = await request.app[SHELF].find("evaluations", evaluation_id)
    for record in (filled, await request.app[JOBS].find_of_evaluation(evaluation_id)):
        if record is not None:
            require_own(request, record, f"evaluation {evaluation_id!r}")


async def _cancel(request: web.Request, evaluation_id: str) -> bool:
    """Cancel the job that computes an evaluation; whether there was one to cancel."""
    job = await request.app[JOBS].find_of_evaluation(evaluation_id)
    if job is None or job["status"] not in ("queued", "running"):
        return False
    try:
        await request.app[JOBS].request_cancel(job["_id"])
    except JobFinished:
        # It ended between the two looks.
        return False
    return True


async def _find(request: web.Request, evaluation_id: str) -> dict[str, Any] | None:
    """The record: its own document once it is filled; before that, what its job says."""
    document = await request.app[SHELF].find("evaluations", evaluation_id)
    if document is not None:
        return _filled(document)
    job = await request.app[JOBS].find_of_evaluation(evaluation_id)
    if job is None or job["status"] in ("succeeded", "cancelled"):
        return None
    return _of_job(job)


def _of_job(job: Document) -> dict[str, Any] | None:
    """What a job says of its evaluation; None for a refused command from the queue, kept as it came, that does not."""
    spec = job["spec"]
    try:
        record = EvaluationRecord(
            id=spec.get("evaluation") or job["_id"],
            status=job["status"],
            owner=job["owner"],
            correlation_id=job["_id"],
            model=spec.get("model"),
            dataset=spec.get("dataset"),
            error=job["error"],
            created_at=job["created_at"],
        )
    except ValidationError:
        return None
    return record.model_dump(mode="json")


def _filled(document: Document) -> dict[str, Any]:
    return EvaluationRecord.model_validate(public(document)).model_dump(mode="json")


def _created(result: dict[str, Any]) -> web.Response:
    record = result["evaluation"]
    return json_answer(record, status=201, headers={"Location": f"/evaluations/{record['id']}"})


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_post("/evaluations", create)
    router.add_get("/evaluations", list_evaluations)
    router.add_get("/evaluations/{id}", read)
    router.add_delete("/evaluations/{id}", delete)
