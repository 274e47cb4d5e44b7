"""Datasets: upload, list, read, delete."""

from collections.abc import Mapping

from aiohttp import web

from gateway.access import owner_of, require_own
from gateway.answers import job_answer, json_answer, public
from gateway.keys import BLOBS, DISPATCHER, SETTINGS, SHELF
from gateway.parse_fields import PARSE_FIELDS, Fields, check_fields, parse_body
from gateway.readings import remove_readings
from gateway.requests import command_from, correlation_id_of, name_in_path, wait_s
from gateway.uploads import (
    ReceivedUpload,
    dataset_name,
    is_form,
    is_repeated,
    query_fields,
    receive_upload,
    removed_unless_accepted,
)
from shared.contracts import ProfileDataset
from shared.contracts.records import DatasetRecord
from shared.errors import DatasetExists, ModelbusError, StillInUse, StoreUnavailable
from shared.store.connection import Document

_FIELDS = (PARSE_FIELDS - {"row_limit"}) | {"name"}


async def upload(request: web.Request) -> web.Response:
    """`POST /datasets?name=`: store a file and have it profiled; 201 with its schema, or 202 and a job."""
    correlation_id = correlation_id_of(request)
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    if await is_repeated(request, correlation_id, "ProfileDataset", request.query.get("name")):
        job = await request.app[DISPATCHER].wait(correlation_id, wait)
    else:
        if not is_form(request):
            # all that is said of the file is known already: a fault in it is told before the file is sent
            _command(request, query_fields(request), {"kind": "upload", "upload_id": correlation_id})
        job = await _profile(request, await receive_upload(request, correlation_id, _FIELDS), wait)
    return await job_answer(request, job, _created)


async def list_datasets(request: web.Request) -> web.Response:
    """`GET /datasets`: all datasets, without their columns."""
    found = await request.app[SHELF].list_all("datasets")
    return json_answer({"datasets": [{k: v for k, v in public(one).items() if k != "columns"} for one in found]})


async def read_dataset(request: web.Request) -> web.Response:
    """`GET /datasets/{name}`: schema and profile."""
    return json_answer(_view(await _dataset(request)))


async def delete(request: web.Request) -> web.Response:
    """`DELETE /datasets/{name}`: refused while a model version was made from it, unless `?force=true`.

    With it go the pages and exports that were read of it, also those that are being read.
    """
    document = await _dataset(request)
    name = document["_id"]
    require_own(request, document, f"dataset {name!r}")
    versions = await request.app[SHELF].count("versions", {"dataset": name})
    if versions and request.query.get("force") != "true":
        raise StillInUse(f"{versions} model version(s) were trained on dataset {name!r}; ?force=true deletes it anyway")
    # Released first: whatever is interrupted from here on, the sweep finishes.
    await request.app[BLOBS].release(document["blob_id"])
    await request.app[SHELF].delete("datasets", name)
    await remove_readings(request.app, name)
    await request.app[BLOBS].delete(document["blob_id"])
    return web.Response(status=204)


async def _profile(request: web.Request, received: ReceivedUpload, wait: float) -> Document:
    """Have a received file profiled."""
    correlation_id = correlation_id_of(request)
    try:
        async with removed_unless_accepted(request, received):
            command = _command(request, received.fields, received.source)
            if await request.app[SHELF].find("datasets", command.dataset):
                raise DatasetExists(
                    f"a dataset named {command.dataset!r} exists; datasets are immutable: take another name"
                )
            return await request.app[DISPATCHER].submit(command, correlation_id, owner=owner_of(request), wait_s=wait)
    except StoreUnavailable:
        raise
    except ModelbusError:
        # The same upload came twice at once: the first one is it.
        if await is_repeated(request, correlation_id, "ProfileDataset", received.fields.get("name", [None])[0]):
            return await request.app[DISPATCHER].wait(correlation_id, wait)
        raise


def _command(request: web.Request, fields: Fields, source: Mapping[str, str | None]) -> ProfileDataset:
    check_fields(fields, _FIELDS | {"file_name"})
    command = command_from(
        request, "ProfileDataset", parse_body(fields), dataset=dataset_name(fields), source=dict(source)
    )
    assert isinstance(command, ProfileDataset)  # the route says so
    return command


async def _dataset(request: web.Request) -> Document:
    return await request.app[SHELF].dataset(name_in_path(request, "name"))


def _view(document: Document) -> dict[str, object]:
    return DatasetRecord.model_validate(public(document)).model_dump(mode="json")


def _created(result: dict[str, Document]) -> web.Response:
    dataset = result["dataset"]
    return json_answer(dataset, status=201, headers={"Location": f"/datasets/{dataset['name']}"})


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_post("/datasets", upload)
    router.add_get("/datasets", list_datasets)
    router.add_get("/datasets/{name}", read_dataset)
    router.add_delete("/datasets/{name}", delete)
