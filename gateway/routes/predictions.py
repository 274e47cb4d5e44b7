"""Predictions: of rows, returned at once, and of datasets, by a job and a download."""

from typing import Any, Literal

from aiohttp import web
from pydantic import RootModel

from modelbus.gateway.access.scopes import owner_of
from modelbus.gateway.application_keys import CATALOG, JOBS, SETTINGS
from modelbus.gateway.description.bodies import ColumnsBody, TableBody
from modelbus.gateway.description.examples import PREDICTION, QUEUED_JOB
from modelbus.gateway.http.answers import job_answer, json_answer
from modelbus.gateway.http.query import Query, Waiting, query_of
from modelbus.gateway.http.requests import (
    command_from,
    correlation_id_in_path,
    correlation_id_of,
    json_body,
    reference_in_path,
    wait_s,
)
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.routing.route import Answer, JsonBody, route
from modelbus.gateway.transfer.downloads import FILE_HEADERS, FILE_TYPES, MEDIA_TYPES, send_blob
from modelbus.gateway.views.answer_models import DatasetPredictionView, JobView, PredictionView
from modelbus.shared.contracts import Predict, PredictDataset
from modelbus.shared.contracts.checks.command_checks import check_kept_columns, check_kept_in_rows, check_row_count
from modelbus.shared.contracts.documents.job_documents import EndedJob
from modelbus.shared.errors import (
    Conflict,
    CorrelationIdReused,
    InvalidCommand,
    NotFound,
    UnknownDataset,
    UnknownJob,
    UnknownModel,
    UnknownUpload,
)
from modelbus.shared.store.job_queries import STORING

_TAG = "predictions"


class TableQuery(Query):
    """The query of a download."""

    format: Literal["csv", "parquet", "jsonl"] = "csv"
    """The format of the file."""


class PredictionAnswer(RootModel[PredictionView | DatasetPredictionView]):
    """The predictions of rows, or links to the predictions of a dataset."""


@route(
    "POST",
    "/models/{reference}/predict",
    scope="submit",
    tag=_TAG,
    summary="Predict",
    answers={
        200: Answer("The predictions.", PredictionAnswer, example=PREDICTION),
        202: Answer("The job, if it has not ended in time.", JobView, example={**QUEUED_JOB, "command": "Predict"}),
    },
    query=Waiting,
    body=JsonBody(
        (Predict, TableBody, ColumnsBody, PredictDataset),
        {
            "rows": {"rows": [{"size": 2.0, "color": "red"}]},
            "columns and data": {"columns": ["size", "color"], "data": [[2.0, "red"], [3.1, None]]},
            "a dataset": {"dataset": "shop"},
        },
        said_by_route=frozenset({"model"}),
    ),
    errors=(UnknownModel, UnknownDataset, CorrelationIdReused),
    makes_job=True,
)
async def predict(request: web.Request) -> web.Response:
    """Predicts rows in the body, or a dataset.

    Rows have one of three forms: `rows`, `columns` with `data`, or `data` alone. The `report` counts adjusted values,
    such as unseen categories.
    """
    body = await json_body(request)
    has_rows = "rows" in body or "data" in body
    if has_rows == ("dataset" in body):
        problem = "the body must have either rows (`rows`, or `columns` and `data`) or `dataset`"
        raise InvalidCommand(problem, details=[{"where": "dataset" if has_rows else "rows", "problem": problem}])
    if "dataset" in body:
        return await _predict_dataset(request, body)
    settings = request.app[SETTINGS]
    command = command_from(request, Predict, body, model=reference_in_path(request))
    check_row_count(command, settings.predict_rows_limit)
    check_kept_in_rows(command)
    wait = wait_s(request, settings.predict_wait_s)
    correlation_id = correlation_id_of(request)
    dispatcher, owner = request.app[DISPATCHER], owner_of(request)
    if wait > 0:
        job = await dispatcher.predict(command, correlation_id, owner=owner, wait_s=wait)
    else:
        job = await dispatcher.submit(command, correlation_id, owner=owner)
    return await job_answer(request, job, beside={"correlation_id": job["_id"]})


@route(
    "GET",
    "/predictions/{correlation_id}/content",
    scope="read",
    tag=_TAG,
    summary="Download a dataset's predictions",
    answers={
        200: Answer("The file.", media_types=FILE_TYPES, headers=FILE_HEADERS),
        304: Answer("The client has the current version."),
    },
    query=TableQuery,
    errors=(UnknownJob, UnknownUpload, NotFound, Conflict),
)
async def download_predictions(request: web.Request) -> web.StreamResponse:
    """Downloads the table of a dataset's predictions."""
    correlation_id = correlation_id_in_path(request)
    chosen = query_of(request, TableQuery).format
    job = await request.app[JOBS].find_part(correlation_id, STORING)
    if job["command"] != "PredictDataset":
        raise NotFound(f"job {correlation_id} is a {job['command']} job; only PredictDataset jobs have a table")
    if job["status"] != "succeeded":
        raise Conflict(f"job {correlation_id} is {job['status']}; the table exists only after it has succeeded")
    blob_id = (job.get("result") or {})["blobs"].get(chosen)
    if blob_id is None:
        raise NotFound(
            f"job {correlation_id} has no {chosen}, because it ran on an earlier release; predict the dataset again"
        )
    return await send_blob(request, blob_id, f"predictions-{correlation_id}.{chosen}", MEDIA_TYPES[chosen])


async def _predict_dataset(request: web.Request, body: dict[str, Any]) -> web.Response:
    command = command_from(request, PredictDataset, body, model=reference_in_path(request))
    await request.app[CATALOG].version(command.model)
    check_kept_columns(command, await request.app[CATALOG].dataset(command.dataset))
    job = await request.app[DISPATCHER].submit(
        command, correlation_id_of(request), owner=owner_of(request), wait_s=wait_s(request, 0)
    )
    return await job_answer(
        request, job, lambda result: json_answer({"correlation_id": job["_id"], **_view(job, result)})
    )


def _view(job: EndedJob, result: dict[str, Any]) -> dict[str, Any]:
    links = {name: f"/predictions/{job['_id']}/content?format={name}" for name in MEDIA_TYPES}
    return {**{name: value for name, value in result.items() if name != "blobs"}, "links": links}
