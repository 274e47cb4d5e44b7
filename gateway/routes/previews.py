"""Previews: how a file would be read, from its beginning; nothing is made of it."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from modelbus.gateway.access.scopes import owner_of
from modelbus.gateway.application_keys import BLOBS, SETTINGS
from modelbus.gateway.description.examples import PREVIEW, QUEUED_JOB, SHOP_CSV
from modelbus.gateway.http.answers import job_answer, json_answer
from modelbus.gateway.http.query import Waiting
from modelbus.gateway.http.requests import command_from, correlation_id_of, wait_s
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.routing.route import Answer, FileBody, route
from modelbus.gateway.transfer.parse_fields import PARSE_FIELDS, ParseQuery, parse_body
from modelbus.gateway.transfer.uploads import is_repeated, receive_upload, removed_unless_accepted
from modelbus.gateway.views.answer_models import JobView
from modelbus.shared.contracts import PreviewDataset
from modelbus.shared.contracts.documents.job_documents import EndedJob
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.contracts.records.results import PreviewResult
from modelbus.shared.errors import CorrelationIdReused, UnknownUpload

_FIELDS = PARSE_FIELDS - {"target"}


class PreviewQuery(ParseQuery, Waiting):
    """What is said of a file; in a form, the same as fields."""

    row_limit: Annotated[int, Field(ge=1, le=100)] | None = None
    """How many rows to show; default: 20."""


@route(
    "POST",
    "/datasets/preview",
    scope="submit",
    tag="datasets",
    summary="Preview a file",
    answers={
        200: Answer("How it would be read.", PreviewResult, example=PREVIEW),
        202: Answer("It is being read.", JobView, example={**QUEUED_JOB, "command": "PreviewDataset"}),
    },
    query=PreviewQuery,
    checks_query=False,
    body=FileBody(SHOP_CSV),
    errors=(CorrelationIdReused, UnknownUpload),
    makes_job=True,
)
async def preview_dataset(request: web.Request) -> web.Response:
    """200 with the first rows, the columns' types and how the text was taken."""
    correlation_id = correlation_id_of(request)
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    if await is_repeated(request, correlation_id, "PreviewDataset"):
        job = await request.app[DISPATCHER].wait(correlation_id, wait)
    else:
        job = await _submit(request, correlation_id, wait)
    return await job_answer(request, job, json_answer)


async def _submit(request: web.Request, correlation_id: str, wait: float) -> EndedJob:
    head_bytes = request.app[SETTINGS].preview_bytes
    received = await receive_upload(request, correlation_id, _FIELDS, head_bytes=head_bytes)
    async with removed_unless_accepted(request, received):
        body = parse_body(received.fields)
        command = command_from(request, PreviewDataset, body, source=received.source, is_cut=received.is_cut)
        job = await request.app[DISPATCHER].submit(command, correlation_id, owner=owner_of(request), wait_s=wait)
    if job["status"] in TERMINAL_STATUSES - {"succeeded"}:
        # what succeeds has removed it
        await request.app[BLOBS].delete(received.upload_id)
    return job
