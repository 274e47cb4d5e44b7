"""Datasets: upload, list, read, delete."""

from aiohttp import web

from gateway.answers import job_answer, json_answer, public
from gateway.keys import BLOBS, DISPATCHER, JOBS, SETTINGS, SHELF
from gateway.readings import remove_readings
from gateway.requests import command_from, correlation_id_of, has_own_correlation_id, name_in_path, wait_s
from gateway.uploads import ReceivedUpload, receive_upload
from shared.contracts.records import DatasetRecord
from shared.errors import (
    CorrelationIdReused,
    DatasetExists,
    ModelbusError,
    StillInUse,
    StoreUnavailable,
    UnknownJob,
)
from shared.store.connection import Document


async def upload(request: web.Request) -> web.Response:
    """`POST /datasets?name=`: store a file and have it profiled; 201 with its schema, or 202 and a job."""
    correlation_id = correlation_id_of(request)
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    if await _is_known(request, correlation_id, request.query.get("name")):
        job = await request.app[DISPATCHER].wait(correlation_id, wait)
    else:
        job = await _profile(request, await receive_upload(request, correlation_id), wait)
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
    """Have a received file profiled; when it is not accepted, its bytes go."""
    correlation_id = correlation_id_of(request)
    try:
        if await request.app[SHELF].find("datasets", received.name):
            raise DatasetExists(f"a dataset named {received.name!r} exists; datasets are immutable: take another name")
        source = {
            "kind": "upload",
            "upload_id": received.upload_id,
            "file_name": received.file_name,
            "media_type": received.media_type,
        }
        body = {"format": request.query["format"]} if "format" in request.query else {}
        command = command_from(request, "ProfileDataset", body, dataset=received.name, source=source)
        return await request.app[DISPATCHER].submit(command, correlation_id, wait_s=wait)
    except StoreUnavailable:
        # The job may have been recorded all the same: the sweep knows whether the bytes are wanted.
        raise
    except ModelbusError:
        await request.app[BLOBS].delete(received.upload_id)
        # The same upload came twice at once: the first one is it.
        if await _is_known(request, correlation_id, received.name):
            return await request.app[DISPATCHER].wait(correlation_id, wait)
        raise


async def _is_known(request: web.Request, correlation_id: str, name: str | None) -> bool:
    """Whether the upload is repeated: then its file need not be read again.

    Raises:
        CorrelationIdReused: The id belongs to a job of another kind, or to an upload under another name.
    """
    if not has_own_correlation_id(request):
        return False
    try:
        job = await request.app[JOBS].find(correlation_id)
    except UnknownJob:
        return False
    if job["command"] != "ProfileDataset" or name not in (None, job["spec"].get("dataset")):
        raise CorrelationIdReused(f"correlation id {correlation_id} belongs to another {job['command']} job")
    return True


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
