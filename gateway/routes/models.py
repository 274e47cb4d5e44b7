"""Models: train, retrain, list, read, alias, download, delete."""

import hashlib
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from gateway.answers import job_answer, json_answer, public
from gateway.downloads import send_blob
from gateway.keys import BLOBS, DISPATCHER, SETTINGS, SHELF
from gateway.problems import BadRequest
from gateway.requests import (
    alias_in_path,
    command_from,
    correlation_id_of,
    json_body,
    name_in_path,
    reference_in_path,
    wait_s,
)
from gateway.routes.estimators import no_such_estimator
from shared.contracts import RetrainModel, TrainModel
from shared.contracts.checks import auto_training_task, check_training_columns, check_training_task
from shared.contracts.commands import invalid_command
from shared.contracts.records import CandidatesRecord, ModelRecord, VersionRecord
from shared.contracts.training import VersionChanges
from shared.contracts.tuning import AUTO
from shared.errors import LimitExceeded, NotFound, StillInUse, UnknownModel
from shared.store.connection import Document

_TAG_LIMIT = 50


async def train(request: web.Request) -> web.Response:
    """`POST /models`: 202 and a job, or 201 with the version when `?wait=` was long enough."""
    command = command_from(request, "TrainModel", await json_body(request))
    assert isinstance(command, TrainModel)  # the route says so
    estimator = None if command.estimator == AUTO else await _find_estimator(request, command.estimator)
    dataset = await request.app[SHELF].dataset(command.dataset)
    check_training_columns(command, dataset)
    if command.estimator == AUTO:
        check_training_task(command, auto_training_task(command, dataset))
    if estimator is not None:
        check_training_task(command, estimator["task"])
    if command.hold_out.dataset is not None:
        await request.app[SHELF].dataset(command.hold_out.dataset)
    return await _submit(request, command)


async def check(request: web.Request) -> web.Response:
    """`POST /models/validate`: 200 with what the training in the body would take, or what it would be refused for."""
    command = command_from(request, "CheckTraining", await json_body(request))
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    job = await request.app[DISPATCHER].submit(command, correlation_id_of(request), wait_s=wait)
    return await job_answer(request, job, json_answer)


async def retrain(request: web.Request) -> web.Response:
    """`POST /models/{reference}/retrain`: the same again, with what the body changes."""
    body = await json_body(request) if request.can_read_body else {}
    command = command_from(request, "RetrainModel", body, model=reference_in_path(request))
    assert isinstance(command, RetrainModel)  # the route says so
    await request.app[SHELF].version(command.model)
    if command.dataset is not None:
        await request.app[SHELF].dataset(command.dataset)
    return await _submit(request, command)


async def list_models(request: web.Request) -> web.Response:
    """`GET /models`: names, versions and aliases."""
    return json_answer({"models": [_view(model) for model in await request.app[SHELF].list_all("models")]})


async def read_model(request: web.Request) -> web.Response:
    """`GET /models/{name}`."""
    return json_answer(_view(await request.app[SHELF].model(name_in_path(request, "name"))))


async def read_version(request: web.Request) -> web.Response:
    """`GET /models/{name}/versions/{version}`: the version with its whole lineage; only tags and note ever change."""
    return _version_answer(await _version(request))


async def change_version(request: web.Request) -> web.Response:
    """`PATCH /models/{name}/versions/{version}` with `{"tags": {"team": "risk", "old": null}, "note": "..."}`."""
    document = await _version(request)
    changes = _valid_changes(await json_body(request))
    removed = {name for name, value in changes.tags.items() if value is None}
    kept = {name: value for name, value in changes.tags.items() if value is not None}
    if len((document.get("tags", {}).keys() - removed) | kept.keys()) > _TAG_LIMIT:
        raise LimitExceeded(f"a version has {_TAG_LIMIT} tags at most")
    changed = await request.app[SHELF].change_version(
        document["_id"], set_tags=kept, removed=removed, note=changes.note
    )
    return _version_answer(changed)


async def read_usage(request: web.Request) -> web.Response:
    """`GET /models/{name}/versions/{version}/usage`: rows it predicted, and what had to be done to them."""
    document = await _version(request)
    usage = await request.app[SHELF].usage(document)
    return json_answer({"model": document["model"], "version": document["version"], **usage})


async def read_candidates(request: web.Request) -> web.Response:
    """`GET /models/{name}/versions/{version}/candidates`: all that were tried for it, the best first."""
    document = await _version(request)
    if document.get("tuning") is None:
        what = f"version {document['version']} of {document['model']!r}"
        raise NotFound(f"{what} was trained as its command said: nothing was searched for")
    candidates = document.get("candidates")
    if candidates is None:
        candidates = orjson.loads(await request.app[BLOBS].read(document["candidates_blob_id"]))
    record = CandidatesRecord(
        model=document["model"],
        version=document["version"],
        scoring=document["tuning"]["scoring"],
        candidates=candidates,
    )
    return json_answer(record.model_dump(mode="json"))


def _version_answer(document: Document) -> web.Response:
    record = VersionRecord.model_validate(public(document)).model_dump(mode="json")
    body = orjson.dumps([record["artifact_sha256"], record["tags"], record["note"]], option=orjson.OPT_SORT_KEYS)
    return json_answer(record, headers={"ETag": f'"{hashlib.sha256(body).hexdigest()}"'})


def _valid_changes(body: dict[str, Any]) -> VersionChanges:
    try:
        return VersionChanges.model_validate(body)
    except ValidationError as error:
        raise invalid_command(error) from error


async def set_alias(request: web.Request) -> web.Response:
    """`PUT /models/{name}/aliases/{alias}` with `{"version": 3}`."""
    name, alias = name_in_path(request, "name"), alias_in_path(request)
    version = (await json_body(request)).get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BadRequest('the body must be {"version": N} with the number of a version')
    await request.app[SHELF].set_alias(name, alias, version)
    return json_answer(_view(await request.app[SHELF].model(name)))


async def remove_alias(request: web.Request) -> web.Response:
    """`DELETE /models/{name}/aliases/{alias}`."""
    name, alias = name_in_path(request, "name"), alias_in_path(request)
    await request.app[SHELF].model(name)
    if not await request.app[SHELF].remove_alias(name, alias):
        raise UnknownModel(f"model {name!r} has no alias {alias!r}")
    return web.Response(status=204)


async def download_artifact(request: web.Request) -> web.StreamResponse:
    """`GET /models/{name}/versions/{version}/artifact`: the skops file."""
    document = await _version(request)
    file_name = f"{document['model']}-{document['version']}.skops"
    return await send_blob(
        request, document["blob_id"], file_name, "application/octet-stream", document["artifact_sha256"]
    )


async def delete_version(request: web.Request) -> web.Response:
    """`DELETE /models/{name}/versions/{version}`: refused while an alias points there, unless `?force=true`."""
    document = await _version(request)
    model = await request.app[SHELF].model(document["model"])
    aliases = sorted(alias for alias, number in model["aliases"].items() if number == document["version"])
    if aliases and request.query.get("force") != "true":
        raise StillInUse(
            f"alias {', '.join(aliases)} points at version {document['version']}; move it, or use ?force=true"
        )
    await request.app[SHELF].unlist_version(document["model"], document["version"])
    await _delete_version(request, document)
    return web.Response(status=204)


async def delete_model(request: web.Request) -> web.Response:
    """`DELETE /models/{name}`: the model with all its versions and artifacts."""
    name = name_in_path(request, "name")
    await request.app[SHELF].model(name)
    # Unlisted first: from then on nothing finds a version. Interrupted here, the same request finishes it.
    await request.app[SHELF].unlist_all(name)
    for version in await request.app[SHELF].list_all("versions", {"model": name}):
        await _delete_version(request, version)
    await request.app[SHELF].delete("models", name)
    return web.Response(status=204)


async def _submit(request: web.Request, command: TrainModel | RetrainModel) -> web.Response:
    job = await request.app[DISPATCHER].submit(command, correlation_id_of(request), wait_s=wait_s(request, 0))
    return await job_answer(request, job, _trained)


def _trained(result: dict[str, Any]) -> web.Response:
    version = result["version"]
    location = f"/models/{version['model']}/versions/{version['version']}"
    return json_answer(result, status=201, headers={"Location": location})


async def _find_estimator(request: web.Request, name: str) -> Document | None:
    """The catalogue's entry; None as long as no trainer has declared a catalogue."""
    found = await request.app[SHELF].find("estimators", name)
    if found is None and await request.app[SHELF].count("estimators", {}):
        raise await no_such_estimator(request, name)
    return found


async def _version(request: web.Request) -> Document:
    number = request.match_info["version"]
    if not number.isdecimal():
        raise BadRequest(f"a version is a number, not {number[:50]!r}")
    return await request.app[SHELF].version(f"{name_in_path(request, 'name')}@{number}")


def _view(model: Document) -> dict[str, Any]:
    return ModelRecord.model_validate({**public(model), "name": model["_id"]}).model_dump(mode="json")


async def _delete_version(request: web.Request, document: Document) -> None:
    # Released first: whatever is interrupted from here on, the sweep finishes.
    blob_ids = [document["blob_id"], *filter(None, [document.get("candidates_blob_id")])]
    for blob_id in blob_ids:
        await request.app[BLOBS].release(blob_id)
    await request.app[SHELF].delete("versions", document["_id"])
    await request.app[SHELF].delete("usage", document["correlation_id"])
    for blob_id in blob_ids:
        await request.app[BLOBS].delete(blob_id)


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_post("/models", train)
    router.add_post("/models/validate", check)
    router.add_get("/models", list_models)
    router.add_post("/models/{reference}/retrain", retrain)
    router.add_get("/models/{name}", read_model)
    router.add_delete("/models/{name}", delete_model)
    router.add_get("/models/{name}/versions/{version}", read_version)
    router.add_patch("/models/{name}/versions/{version}", change_version)
    router.add_delete("/models/{name}/versions/{version}", delete_version)
    router.add_get("/models/{name}/versions/{version}/artifact", download_artifact)
    router.add_get("/models/{name}/versions/{version}/usage", read_usage)
    router.add_get("/models/{name}/versions/{version}/candidates", read_candidates)
    router.add_put("/models/{name}/aliases/{alias}", set_alias)
    router.add_delete("/models/{name}/aliases/{alias}", remove_alias)
