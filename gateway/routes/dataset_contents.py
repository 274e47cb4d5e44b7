"""The contents of a dataset: pages of its rows, and downloads.

A reading whose id is derived from the request belongs to the dataset's owner: all clients share the same job.
"""

from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from modelbus.gateway.access.scopes import owner_of
from modelbus.gateway.application_keys import CATALOG, JOBS, READINGS, SETTINGS
from modelbus.gateway.description.examples import QUEUED_JOB, ROWS
from modelbus.gateway.http.answers import job_answer
from modelbus.gateway.http.query import Waiting, read_given
from modelbus.gateway.http.requests import (
    adopt_correlation_id,
    command_from,
    correlation_id_of,
    has_own_correlation_id,
    name_in_path,
    wait_s,
)
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.jobs.reading_jobs import reading_id
from modelbus.gateway.routing.route import Answer, route
from modelbus.gateway.transfer.downloads import FILE_HEADERS, FILE_TYPES, MEDIA_TYPES, send_blob
from modelbus.gateway.views.answer_models import JobView
from modelbus.shared.contracts import ExportDataset, ReadRows
from modelbus.shared.contracts.base import ColumnName
from modelbus.shared.contracts.checks.command_checks import check_columns
from modelbus.shared.contracts.records.results import RowsResult
from modelbus.shared.errors import CorrelationIdReused, InvalidCommand, UnknownDataset, UnknownUpload
from modelbus.shared.store.job_queries import READING_JOB

_TAG = "datasets"


class RowsQuery(Waiting):
    """The query of a page of rows."""

    offset: int = Field(0, ge=0, le=2**53)
    """The number of rows to skip."""
    limit: int = Field(50, ge=1, le=1000)
    """The maximum number of rows to return."""
    columns: list[ColumnName] | None = Field(None, min_length=1)
    """A column to return; repeat the parameter for several columns, in their order. Default: all columns."""


class ContentQuery(Waiting):
    """The query of a download."""

    format: Literal["parquet", "csv", "jsonl"] = "parquet"
    """The format of the file."""
    formulas: Literal["escaped", "kept"] = "escaped"
    """How CSV treats text that a spreadsheet would execute: `escaped` with a leading apostrophe, or `kept`."""


@route(
    "GET",
    "/datasets/{name}/rows",
    scope="read",
    tag=_TAG,
    summary="List a dataset's rows",
    answers={
        200: Answer("A page of rows.", RowsResult, example=ROWS),
        202: Answer(
            "The job that reads the rows, if it has not ended in time.",
            JobView,
            example={**QUEUED_JOB, "command": "ReadRows"},
        ),
    },
    query=RowsQuery,
    checks_query=False,
    errors=(UnknownDataset, CorrelationIdReused),
    makes_job=True,
)
async def read_rows(request: web.Request) -> web.Response:
    """Returns a page of rows, in their original order."""
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    command = command_from(request, ReadRows, _page(request), dataset=name_in_path(request, "name"))
    dataset = await request.app[CATALOG].dataset(command.dataset)
    check_columns(command, dataset)
    dispatcher = request.app[DISPATCHER]
    if has_own_correlation_id(request):
        job = await dispatcher.submit(command, correlation_id_of(request), owner=owner_of(request), wait_s=wait)
    else:
        adopt_correlation_id(request, reading_id(dataset, command))
        job = await dispatcher.obtain(command, correlation_id_of(request), owner=dataset["owner"], wait_s=wait)
    return await job_answer(request, job)


@route(
    "GET",
    "/datasets/{name}/content",
    scope="read",
    tag=_TAG,
    summary="Download a dataset",
    answers={
        200: Answer("The file.", media_types=FILE_TYPES, headers=FILE_HEADERS),
        202: Answer(
            "The job that writes the file, if it has not ended in time.",
            JobView,
            example={**QUEUED_JOB, "command": "ExportDataset"},
        ),
        304: Answer("The client has the current version."),
    },
    query=ContentQuery,
    checks_query=False,
    errors=(UnknownDataset, UnknownUpload),
    makes_job=True,
)
async def download_dataset(request: web.Request) -> web.StreamResponse:
    """Downloads the dataset as Parquet, CSV or JSON lines. CSV and JSON lines are written by a job on the first
    request.
    """
    name = name_in_path(request, "name")
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    chosen = request.query.get("format", "parquet")
    if chosen not in MEDIA_TYPES:
        problem = f"must be one of {', '.join(MEDIA_TYPES)}, not {chosen[:50]!r}"
        raise InvalidCommand(
            f"format: {problem}", details=[{"where": "format", "problem": problem, "expected": list(MEDIA_TYPES)}]
        )
    if chosen != "parquet":
        return await _download_export(request, _export(request, name), wait)
    read_given(request, ContentQuery)  # no command is made, whose contract would refuse what is not known
    document = await request.app[CATALOG].dataset(name)
    sha256 = document.get("file_sha256", document["sha256"])
    return await send_blob(request, document["blob_id"], f"{name}.parquet", MEDIA_TYPES["parquet"], sha256)


async def _download_export(request: web.Request, command: ExportDataset, wait: float) -> web.StreamResponse:
    dataset = await request.app[CATALOG].dataset(command.dataset)
    # Also when the request has an id of its own: an export is made once, whoever asks.
    adopt_correlation_id(request, reading_id(dataset, command))
    try:
        return await _send_export(request, command, dataset["owner"], wait)
    except UnknownUpload:
        # Its file was removed without it: both are made anew.
        await request.app[READINGS].remove([await request.app[JOBS].find_part(correlation_id_of(request), READING_JOB)])
        return await _send_export(request, command, dataset["owner"], wait)


async def _send_export(request: web.Request, command: ExportDataset, owner: str, wait: float) -> web.StreamResponse:
    """The file of the export; 202 or a problem while it does not exist.

    Raises:
        UnknownUpload: The job has succeeded, but its file no longer exists.
    """
    job = await request.app[DISPATCHER].obtain(command, correlation_id_of(request), owner=owner, wait_s=wait)
    if job["status"] != "succeeded":
        return await job_answer(request, job)
    result = job.get("result") or {}
    return await send_blob(
        request,
        result["blobs"][command.format],
        f"{command.dataset}.{command.format}",
        MEDIA_TYPES[command.format],
        result["sha256"],
    )


def _page(request: web.Request) -> dict[str, Any]:
    """The parameters of the query as text, which the contract validates."""
    given: dict[str, Any] = {name: value for name, value in request.query.items() if name != "wait"}
    return given | ({"columns": request.query.getall("columns")} if "columns" in given else {})


def _export(request: web.Request, dataset: str) -> ExportDataset:
    given = {name: value for name, value in request.query.items() if name != "wait"}
    command = command_from(request, ExportDataset, given, dataset=dataset)
    # Nothing is escaped in JSON: both are one file.
    return command if command.format == "csv" else command.model_copy(update={"formulas": "escaped"})
