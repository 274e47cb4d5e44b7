"""Datasets: upload, list, retrieve, delete."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from modelbus.gateway.access.scopes import require_own
from modelbus.gateway.application_keys import BLOBS, CATALOG, JOBS, SETTINGS
from modelbus.gateway.description.examples import DATASET, DATASET_SUMMARY, QUEUED_JOB, SHOP_CSV
from modelbus.gateway.http.answers import immutable_answer, job_answer, json_answer, public
from modelbus.gateway.http.query import Forcing, NamePage, Waiting, query_of
from modelbus.gateway.http.requests import command_from, correlation_id_of, name_in_path, wait_s
from modelbus.gateway.jobs.ending import deleted_reason, details_of, end_jobs, uses_of
from modelbus.gateway.jobs.reading_jobs import remove_readings
from modelbus.gateway.routing.route import Answer, FileBody, route
from modelbus.gateway.transfer.parse_fields import PARSE_FIELDS, Fields, ParseQuery, check_fields, parse_body
from modelbus.gateway.transfer.upload_jobs import UploadTerms, submit_upload
from modelbus.gateway.transfer.uploads import dataset_name, is_form, query_fields
from modelbus.gateway.views.answer_models import DatasetList, JobView
from modelbus.shared.contracts import ProfileDataset
from modelbus.shared.contracts.base import ColumnName
from modelbus.shared.contracts.commands.datasets import NewDatasetName
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.job_documents import KnownJob
from modelbus.shared.contracts.records.dataset_records import DatasetRecord
from modelbus.shared.errors import (
    CorrelationIdReused,
    DatasetExists,
    StillInUse,
    UnknownDataset,
    UnknownUpload,
    dataset_exists,
)

_TAG = "datasets"
_FIELDS = (PARSE_FIELDS - {"row_limit"}) | {"name"}


class UploadQuery(ParseQuery, Waiting):
    """The query of an upload; a form may have the same parameters as fields."""

    name: NewDatasetName
    """The name of the dataset: up to 100 letters, digits, `.`, `_` or `-`. In a form it can be a field instead."""
    target: ColumnName | None = None
    """The column to be predicted later. Alerts then cover its classes and columns that leak it."""


@route(
    "POST",
    "/datasets",
    scope="submit",
    tag=_TAG,
    summary="Upload a dataset",
    answers={
        201: Answer(
            "The dataset with its schema and profile.",
            DatasetRecord,
            example=DATASET,
            headers={"Location": "The URL of the dataset."},
        ),
        202: Answer(
            "The job that profiles the file, if it has not ended in time.",
            JobView,
            example={**QUEUED_JOB, "command": "ProfileDataset"},
        ),
    },
    query=UploadQuery,
    checks_query=False,
    body=FileBody(SHOP_CSV),
    errors=(DatasetExists, CorrelationIdReused, UnknownUpload),
    makes_job=True,
)
async def upload_dataset(request: web.Request) -> web.Response:
    """Creates a dataset from a file. The column types are detected, and alerts report problems for training."""
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    if not is_form(request):
        # all that is said of the file is known already: a fault in it is told before the file is sent
        _command(request, query_fields(request), {"kind": "upload", "upload_id": correlation_id_of(request)})
    uploaded = await submit_upload(request, _TERMS, wait_s=wait)
    return await job_answer(request, uploaded.job, _created)


@route(
    "GET",
    "/datasets",
    scope="read",
    tag=_TAG,
    summary="List all datasets",
    answers={200: Answer("A page of datasets.", DatasetList, example={"datasets": [DATASET_SUMMARY], "next": None})},
    query=NamePage,
)
async def list_datasets(request: web.Request) -> web.Response:
    """Lists datasets by name, without their columns."""
    query = query_of(request, NamePage)
    found = await request.app[CATALOG].datasets(after=query.cursor, limit=query.limit)
    following = found[-1]["_id"] if len(found) == query.limit else None
    return json_answer({"datasets": [public(one) for one in found], "next": following})


@route(
    "GET",
    "/datasets/{name}",
    scope="read",
    tag=_TAG,
    summary="Retrieve a dataset",
    answers={
        200: Answer(
            "The dataset.",
            DatasetRecord,
            example=DATASET,
            headers={"ETag": "A constant, since datasets are immutable."},
        ),
        304: Answer("The client has the current version."),
    },
    errors=(UnknownDataset,),
)
async def read_dataset(request: web.Request) -> web.Response:
    """Returns the schema, the profile and the alerts of the dataset."""
    document = await _dataset(request)
    record = DatasetRecord.model_validate(public(document)).model_dump(mode="json")
    return immutable_answer(request, record, document["correlation_id"])


@route(
    "DELETE",
    "/datasets/{name}",
    scope="submit",
    tag=_TAG,
    summary="Delete a dataset",
    answers={204: Answer("The dataset has been deleted.")},
    query=Forcing,
    errors=(UnknownDataset, StillInUse),
)
async def delete_dataset(request: web.Request) -> web.Response:
    """Deletes the dataset with its pages and exports. Refused if a model version was trained on it or a job uses it.

    With `?force=true` the dataset is deleted anyway, and queued and running jobs that use it are cancelled.
    """
    document = await _dataset(request)
    name = document["_id"]
    require_own(request, document, f"dataset {name!r}")
    jobs = await request.app[JOBS].find_using(document)
    if not query_of(request, Forcing).force:
        await _require_unused(request, name, jobs)
    for job in jobs:
        require_own(request, job, f"job {job['_id']}, which uses dataset {name!r},")
    await end_jobs(request.app, jobs, deleted_reason(name))
    # Released first: the sweep completes an interrupted deletion.
    await request.app[BLOBS].release(document["blob_id"])
    await request.app[CATALOG].remove_dataset(name)
    # Jobs accepted in the meantime.
    await end_jobs(request.app, await request.app[JOBS].find_using(document), deleted_reason(name))
    await remove_readings(request.app, name)
    await request.app[BLOBS].delete(document["blob_id"])
    return web.Response(status=204)


async def _require_unused(request: web.Request, name: str, jobs: Sequence[KnownJob]) -> None:
    versions = await request.app[CATALOG].count_versions_from(name)
    if not versions and not jobs:
        return
    ended = " and cancel the jobs" if jobs else ""
    raise StillInUse(
        f"{uses_of(name, versions, jobs)}; use ?force=true to delete it anyway{ended}", details=details_of(jobs)
    )


async def _require_free_name(request: web.Request, command: ProfileDataset) -> None:
    if await request.app[CATALOG].has_dataset(command.dataset):
        raise dataset_exists(command.dataset)


def _command(request: web.Request, fields: Fields, source: Mapping[str, str | None]) -> ProfileDataset:
    check_fields(fields, _FIELDS | {"file_name"})
    return command_from(request, ProfileDataset, parse_body(fields), dataset=dataset_name(fields), source=dict(source))


async def _dataset(request: web.Request) -> DatasetDocument:
    return await request.app[CATALOG].dataset(name_in_path(request, "name"))


def _created(result: dict[str, Any]) -> web.Response:
    dataset = result["dataset"]
    return json_answer(dataset, status=201, headers={"Location": f"/datasets/{dataset['name']}"})


_TERMS: Final = UploadTerms(
    ProfileDataset,
    _FIELDS,
    lambda request, received: _command(request, received.fields, received.source),
    _require_free_name,
)
