"""Evaluations: create, list, retrieve, delete. The evaluator computes them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from modelbus.gateway.access.scopes import owner_of, require_own
from modelbus.gateway.application_keys import BLOBS, CATALOG, JOBS
from modelbus.gateway.description.examples import EVALUATION, EVALUATION_ACCEPTED
from modelbus.gateway.http.answers import is_whole, job_answer, job_links, json_answer
from modelbus.gateway.http.cursors import next_cursor, read_cursor
from modelbus.gateway.http.query import Page, Waiting, query_of
from modelbus.gateway.http.requests import command_from, correlation_id_of, json_body, name_in_path, wait_s
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.routing.route import Answer, JsonBody, route
from modelbus.gateway.views.answer_models import EvaluationAccepted, EvaluationList
from modelbus.gateway.views.evaluation_views import filled, find_evaluation, list_unfilled, record_of_job
from modelbus.shared.contracts import EvaluateModel, EvaluatePredictions, EvaluationRecord, Name
from modelbus.shared.contracts.checks.evaluation_checks import check_evaluation
from modelbus.shared.contracts.commands.evaluation import Evaluation
from modelbus.shared.errors import (
    CorrelationIdReused,
    EvaluationExists,
    InvalidCommand,
    JobFinished,
    UnknownDataset,
    UnknownEvaluation,
    UnknownModel,
    evaluation_exists,
)

_TAG = "evaluations"


class EvaluationsQuery(Page):
    """The query of the list."""

    model: Name | None = None
    """Return only evaluations of this model."""
    dataset: Name | None = None
    """Return only evaluations on this dataset."""


@route(
    "POST",
    "/evaluations",
    scope="submit",
    tag=_TAG,
    summary="Create an evaluation",
    answers={
        201: Answer(
            "The evaluation.", EvaluationRecord, example=EVALUATION, headers={"Location": "The URL of the evaluation."}
        ),
        202: Answer(
            "The job of the evaluation, if it has not ended in time.",
            EvaluationAccepted,
            example=EVALUATION_ACCEPTED,
            headers={"Location": "The URL of the evaluation."},
        ),
    },
    query=Waiting,
    body=JsonBody(
        (EvaluateModel, EvaluatePredictions),
        {
            "a model on a dataset": {"evaluation": "first", "model": "prices", "dataset": "shop"},
            "predictions of a dataset": {
                "task": "regression",
                "dataset": "shop",
                "truth": "price",
                "prediction": "guess",
            },
        },
    ),
    errors=(UnknownModel, UnknownDataset, EvaluationExists, CorrelationIdReused),
    makes_job=True,
)
async def create_evaluation(request: web.Request) -> web.Response:
    """Evaluates a model version on a dataset, or predictions in a dataset.

    The body has `model` for a model version, or `truth` and `prediction` for columns of the dataset.
    """
    command = _command(request, await json_body(request))
    correlation_id = correlation_id_of(request)
    evaluation_id = command.evaluation or correlation_id
    known = await find_evaluation(request, evaluation_id)
    if known is not None and known["correlation_id"] != correlation_id:
        raise evaluation_exists(evaluation_id)
    await _check(request, command)
    job = await request.app[DISPATCHER].submit(
        command, correlation_id, owner=owner_of(request), wait_s=wait_s(request, 0)
    )
    if job["status"] in ("queued", "running") and is_whole(job):
        headers = {"Location": f"/evaluations/{evaluation_id}", "Retry-After": "1"}
        accepted = {**(record_of_job(job) or {}), "links": job_links(correlation_id)}
        return json_answer(accepted, status=202, headers=headers)
    return await job_answer(request, job, _created)


def _command(request: web.Request, body: Mapping[str, Any]) -> EvaluateModel | EvaluatePredictions:
    if "model" not in body and "truth" not in body:
        problem = "give model to evaluate a model, or truth and prediction to evaluate columns of the dataset"
        raise InvalidCommand(f"model: {problem}", details=[{"where": "model", "problem": problem}])
    if "model" in body:
        return command_from(request, EvaluateModel, body)
    return command_from(request, EvaluatePredictions, body)


async def _check(request: web.Request, command: Evaluation) -> None:
    signature = None
    if isinstance(command, EvaluateModel):
        signature = (await request.app[CATALOG].version(command.model))["signature"]
    check_evaluation(command, await request.app[CATALOG].dataset(command.dataset), signature)


@route(
    "GET",
    "/evaluations",
    scope="read",
    tag=_TAG,
    summary="List all evaluations",
    answers={
        200: Answer(
            "A page of evaluations.",
            EvaluationList,
            example={"evaluations": [EVALUATION], "next": None},
        )
    },
    query=EvaluationsQuery,
)
async def list_evaluations(request: web.Request) -> web.Response:
    """Lists evaluations without their tables, newest first.

    Evaluations in progress come first, on the first page.
    """
    query = query_of(request, EvaluationsQuery)
    after = read_cursor(query.cursor)
    found = await request.app[CATALOG].evaluations(
        model=query.model, dataset=query.dataset, after=after, limit=query.limit
    )
    unfilled = []
    if after is None:
        unfilled = await list_unfilled(request, model=query.model, dataset=query.dataset)
        # a job that failed because its evaluation exists is no second one
        taken = await request.app[CATALOG].known_evaluations([record["id"] for record in unfilled])
        unfilled = [record for record in unfilled if record["id"] not in taken]
    listed = [*unfilled, *(filled(document) for document in found)]
    return json_answer({"evaluations": listed, "next": next_cursor(found, query.limit)})


@route(
    "GET",
    "/evaluations/{id}",
    scope="read",
    tag=_TAG,
    summary="Retrieve an evaluation",
    answers={200: Answer("The evaluation.", EvaluationRecord, example=EVALUATION)},
    errors=(UnknownEvaluation,),
)
async def read_evaluation(request: web.Request) -> web.Response:
    """Returns the evaluation, with its metrics once its job has succeeded."""
    evaluation_id = name_in_path(request, "id")
    record = await find_evaluation(request, evaluation_id)
    if record is None:
        raise UnknownEvaluation(f"evaluation {evaluation_id!r} does not exist")
    return json_answer(record)


@route(
    "DELETE",
    "/evaluations/{id}",
    scope="submit",
    tag=_TAG,
    summary="Delete an evaluation",
    answers={204: Answer("The evaluation has been deleted.")},
    errors=(UnknownEvaluation,),
)
async def delete_evaluation(request: web.Request) -> web.Response:
    """Deletes the evaluation with its plots, and cancels its job if it is still running."""
    evaluation_id = name_in_path(request, "id")
    await _require_own(request, evaluation_id)
    was_cancelled = await _cancel(request, evaluation_id)
    was_forgotten = await request.app[JOBS].forget_evaluation(evaluation_id)
    was_deleted = await _delete_filled(request, evaluation_id)
    if not (was_cancelled or was_forgotten or was_deleted):
        raise UnknownEvaluation(f"evaluation {evaluation_id!r} does not exist")
    return web.Response(status=204)


async def _require_own(request: web.Request, evaluation_id: str) -> None:
    filled = await request.app[CATALOG].stored_evaluation(evaluation_id)
    for record in (filled, await request.app[JOBS].find_of_evaluation(evaluation_id)):
        if record is not None:
            require_own(request, record, f"evaluation {evaluation_id!r}")


async def _delete_filled(request: web.Request, evaluation_id: str) -> bool:
    document = await request.app[CATALOG].stored_evaluation(evaluation_id)
    if document is None:
        return False
    blobs, blob_ids = request.app[BLOBS], [file["blob_id"] for file in document.get("files", [])]
    # Released first: whatever is interrupted from here on, the sweep finishes.
    await asyncio.gather(*(blobs.release(blob_id) for blob_id in blob_ids))
    was_deleted = await request.app[CATALOG].remove_evaluation(evaluation_id)
    await asyncio.gather(*(blobs.delete(blob_id) for blob_id in blob_ids))
    return was_deleted


async def _cancel(request: web.Request, evaluation_id: str) -> bool:
    """Cancel the job of an evaluation; returns whether there was one."""
    job = await request.app[JOBS].find_of_evaluation(evaluation_id)
    if job is None or job["status"] not in ("queued", "running"):
        return False
    try:
        await request.app[JOBS].request_cancel(job["_id"])
    except JobFinished:
        # It ended between the two looks.
        return False
    return True


def _created(result: dict[str, Any]) -> web.Response:
    record = result["evaluation"]
    return json_answer(record, status=201, headers={"Location": f"/evaluations/{record['id']}"})
