"""Previews: how a file would be read, from its beginning, without creating a dataset."""

from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from modelbus.gateway.application_keys import BLOBS, SETTINGS
from modelbus.gateway.description.examples import PREVIEW, QUEUED_JOB, SHOP_CSV
from modelbus.gateway.http.answers import job_answer
from modelbus.gateway.http.query import Waiting
from modelbus.gateway.http.requests import command_from, wait_s
from modelbus.gateway.routing.route import Answer, FileBody, route
from modelbus.gateway.transfer.parse_fields import PARSE_FIELDS, ParseQuery, parse_body
from modelbus.gateway.transfer.upload_jobs import UploadTerms, submit_upload
from modelbus.gateway.transfer.uploads import ReceivedUpload
from modelbus.gateway.views.answer_models import JobView
from modelbus.shared.contracts import PreviewDataset
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.contracts.records.results import PreviewResult
from modelbus.shared.errors import CorrelationIdReused, UnknownUpload

_FIELDS = PARSE_FIELDS - {"target"}


class PreviewQuery(ParseQuery, Waiting):
    """The query of a preview; a form may have the same parameters as fields."""

    row_limit: Annotated[int, Field(ge=1, le=100)] | None = Field(None, json_schema_extra={"default": 20})
    """The number of rows to return."""


@route(
    "POST",
    "/datasets/preview",
    scope="submit",
    tag="datasets",
    summary="Preview a file",
    answers={
        200: Answer("The preview.", PreviewResult, example=PREVIEW),
        202: Answer(
            "The job that reads the file, if it has not ended in time.",
            JobView,
            example={**QUEUED_JOB, "command": "PreviewDataset"},
        ),
    },
    query=PreviewQuery,
    checks_query=False,
    body=FileBody(SHOP_CSV),
    errors=(CorrelationIdReused, UnknownUpload),
    makes_job=True,
)
async def preview_dataset(request: web.Request) -> web.Response:
    """Returns the first rows, the detected column types and the parse options. No dataset is created."""
    settings = request.app[SETTINGS]
    wait = wait_s(request, settings.upload_wait_s)
    uploaded = await submit_upload(request, _TERMS, wait_s=wait, head_bytes=settings.preview_bytes)
    if uploaded.stored is not None and uploaded.job["status"] in TERMINAL_STATUSES - {"succeeded"}:
        # what succeeds has removed it
        await request.app[BLOBS].delete(uploaded.stored)
    return await job_answer(request, uploaded.job)


def _command(request: web.Request, received: ReceivedUpload) -> PreviewDataset:
    body = parse_body(received.fields)
    return command_from(request, PreviewDataset, body, source=received.source, is_truncated=received.is_truncated)


_TERMS: Final = UploadTerms(PreviewDataset, _FIELDS, _command)
