"""Models: train, retrain, list, read, alias, download, delete."""

import hashlib
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import ValidationError

from modelbus.gateway.access.scopes import owner_of, require_own
from modelbus.gateway.application_keys import BLOBS, CATALOG, SETTINGS
from modelbus.gateway.description.examples import (
    CANDIDATES,
    CHECKED,
    CHOICE,
    MODEL,
    QUEUED_JOB,
    SEARCH,
    TRAINED,
    TRAINING,
    TUNED_TRAINING,
    USAGE,
    VERSION,
)
from modelbus.gateway.description.operations import Answer, JsonBody, operation
from modelbus.gateway.http.answers import immutable_answer, job_answer, json_answer, public
from modelbus.gateway.http.query import Forcing, NamePage, Waiting, query_of
from modelbus.gateway.http.requests import (
    alias_in_path,
    command_from,
    correlation_id_of,
    json_body,
    name_in_path,
    reference_in_path,
    wait_s,
)
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.routes.estimators import no_such_estimator
from modelbus.gateway.transfer.downloads import send_blob
from modelbus.gateway.views.answer_models import JobView, ModelList, Usage
from modelbus.shared.contracts import CheckTraining, RetrainModel, TrainModel
from modelbus.shared.contracts.checks.command_checks import (
    auto_training_task,
    check_training_columns,
    check_training_task,
)
from modelbus.shared.contracts.checks.model_checks import (
    check_promotion,
    check_retrained_task,
    check_same_target,
    standing_version,
)
from modelbus.shared.contracts.commands.registry import invalid_command
from modelbus.shared.contracts.commands.training import AliasChange, VersionChanges
from modelbus.shared.contracts.commands.tuning import AUTO
from modelbus.shared.contracts.documents.model_documents import ModelDocument, StoredVersion, VersionDocument
from modelbus.shared.contracts.documents.service_documents import EstimatorDocument
from modelbus.shared.contracts.records.candidate_records import CandidatesRecord
from modelbus.shared.contracts.records.model_records import ModelRecord, VersionRecord
from modelbus.shared.contracts.records.results import CheckResult, TrainingResult
from modelbus.shared.errors import (
    BadRequest,
    CorrelationIdReused,
    LimitExceeded,
    NotFound,
    StillInUse,
    UnknownDataset,
    UnknownEstimator,
    UnknownModel,
    UnknownUpload,
)

Change = TypeVar("Change", AliasChange, VersionChanges)

_TAG = "models"
_TAG_LIMIT = 50
_MADE = {
    201: Answer("The new version.", TrainingResult, example=TRAINED, headers={"Location": "Where the version is."}),
    202: Answer(
        "The job is accepted, and will be done whatever happens.",
        JobView,
        example=QUEUED_JOB,
        headers={"Location": "Where the job is."},
    ),
}
_VERSION = Answer("The version.", VersionRecord, example=VERSION, headers={"ETag": "Changes with tags and note."})


@operation(
    _TAG,
    "Train a model",
    _MADE,
    query=Waiting,
    body=JsonBody(
        (TrainModel,), {"smallest": TRAINING, "with options": TUNED_TRAINING, "search": SEARCH, "auto": CHOICE}
    ),
    errors=(UnknownDataset, UnknownEstimator, CorrelationIdReused),
    makes_job=True,
)
async def train(request: web.Request) -> web.Response:
    """`POST /models`: 202 and a job, or 201 with the version when `?wait=` was long enough."""
    command = command_from(request, "TrainModel", await json_body(request))
    assert isinstance(command, TrainModel)  # the route says so
    estimator = None if command.estimator == AUTO else await _find_estimator(request, command.estimator)
    dataset = await request.app[CATALOG].dataset(command.dataset)
    check_training_columns(command, dataset)
    is_auto = command.estimator == AUTO
    task = auto_training_task(command, dataset) if is_auto else estimator["task"] if estimator is not None else None
    if task is not None:
        check_training_task(command, task)
        check_promotion(command.promote_metric, task)
        check_same_target(command, task, await _standing(request, command.model))
    if command.hold_out.dataset is not None:
        await request.app[CATALOG].dataset(command.hold_out.dataset)
    return await _submit(request, command)


@operation(
    _TAG,
    "Check a training without fitting",
    {
        200: Answer("What the training would take.", CheckResult, example=CHECKED),
        202: Answer("It is being checked.", JobView, example={**QUEUED_JOB, "command": "CheckTraining"}),
    },
    query=Waiting,
    body=JsonBody((CheckTraining,), {"smallest": TRAINING}),
    errors=(UnknownDataset, UnknownEstimator, CorrelationIdReused),
    makes_job=True,
)
async def check(request: web.Request) -> web.Response:
    """`POST /models/validate`: 200 with what the training in the body would take, or what it would be refused for."""
    command = command_from(request, "CheckTraining", await json_body(request))
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    job = await request.app[DISPATCHER].submit(
        command, correlation_id_of(request), owner=owner_of(request), wait_s=wait
    )
    return await job_answer(request, job, json_answer)


@operation(
    _TAG,
    "Retrain a model",
    _MADE,
    query=Waiting,
    body=JsonBody(
        (RetrainModel,),
        {"the same again": {}, "on newer rows": {"dataset": "shop", "promote": "if_better"}},
        said_by_route=frozenset({"model"}),
        is_required=False,
    ),
    errors=(UnknownModel, UnknownDataset, UnknownEstimator, CorrelationIdReused),
    makes_job=True,
)
async def retrain(request: web.Request) -> web.Response:
    """`POST /models/{reference}/retrain`: the same again, with what the body changes."""
    body = await json_body(request) if request.can_read_body else {}
    command = command_from(request, "RetrainModel", body, model=reference_in_path(request))
    assert isinstance(command, RetrainModel)  # the route says so
    earlier = await request.app[CATALOG].version(command.model)
    check_promotion(command.promote_metric, earlier["signature"]["task"])
    if command.dataset is not None:
        check_retrained_task(command, earlier, await request.app[CATALOG].dataset(command.dataset))
    return await _submit(request, command)


@operation(
    _TAG,
    "List models",
    {200: Answer("A page of models.", ModelList, example={"models": [MODEL], "next": None})},
    query=NamePage,
)
async def list_models(request: web.Request) -> web.Response:
    """`GET /models`: by name, with versions and aliases; `next` is the cursor of the following page."""
    query = query_of(request, NamePage)
    found = await request.app[CATALOG].models(after=query.cursor, limit=query.limit)
    following = found[-1]["_id"] if len(found) == query.limit else None
    return json_answer({"models": [_view(model) for model in found], "next": following})


@operation(_TAG, "Read a model", {200: Answer("The model.", ModelRecord, example=MODEL)}, errors=(UnknownModel,))
async def read_model(request: web.Request) -> web.Response:
    """`GET /models/{name}`: its versions and aliases."""
    return json_answer(_view(await request.app[CATALOG].model(name_in_path(request, "name"))))


@operation(_TAG, "Read a version", {200: _VERSION, 304: Answer("The caller has it already.")}, errors=(UnknownModel,))
async def read_version(request: web.Request) -> web.Response:
    """`GET /models/{name}/versions/{version}`: the version with its whole lineage; only tags and note ever change."""
    record, etag = _version_view(await _version(request))
    return immutable_answer(request, record, etag)


@operation(
    _TAG,
    "Change a version's tags and note",
    {200: _VERSION},
    body=JsonBody((VersionChanges,), {"tags and note": {"tags": {"team": "risk", "old": None}, "note": "for spring"}}),
    errors=(UnknownModel,),
)
async def change_version(request: web.Request) -> web.Response:
    """`PATCH /models/{name}/versions/{version}`: tags that are null go, those that are not named stay."""
    document = await _version(request)
    changes = _valid(VersionChanges, await json_body(request))
    removed = {name for name, value in changes.tags.items() if value is None}
    kept = {name: value for name, value in changes.tags.items() if value is not None}
    if len((document.get("tags", {}).keys() - removed) | kept.keys()) > _TAG_LIMIT:
        raise LimitExceeded(f"a version has {_TAG_LIMIT} tags at most")
    changed = await request.app[CATALOG].change_version(
        document["_id"], set_tags=kept, removed=removed, note=changes.note
    )
    record, etag = _version_view(changed)
    return json_answer(record, headers={"ETag": f'"{etag}"'})


@operation(_TAG, "Read how a version was used", {200: Answer("Its use.", Usage, example=USAGE)}, errors=(UnknownModel,))
async def read_usage(request: web.Request) -> web.Response:
    """`GET /models/{name}/versions/{version}/usage`: rows it predicted, and what had to be done to them."""
    document = await _version(request)
    usage = await request.app[CATALOG].usage(document)
    return json_answer({"model": document["model"], "version": document["version"], **usage})


@operation(
    _TAG,
    "Read the candidates that a version was chosen from",
    {200: Answer("All that were tried, the best first.", CandidatesRecord, example=CANDIDATES)},
    errors=(NotFound, UnknownModel),
)
async def read_candidates(request: web.Request) -> web.Response:
    """`GET /models/{name}/versions/{version}/candidates`: all that were tried for it, the best first."""
    document = await _version(request)
    tuning = document.get("tuning")
    if tuning is None:
        what = f"version {document['version']} of {document['model']!r}"
        raise NotFound(f"{what} was trained as its command said: nothing was searched for")
    candidates = document.get("candidates")
    if candidates is None:
        candidates = orjson.loads(await request.app[BLOBS].read(document["candidates_blob_id"]))
    record = CandidatesRecord(
        model=document["model"],
        version=document["version"],
        scoring=tuning["scoring"],
        candidates=candidates,
    )
    return json_answer(record.model_dump(mode="json"))


def _version_view(document: VersionDocument) -> tuple[dict[str, Any], str]:
    """A version as it is answered, and its ETag."""
    record = VersionRecord.model_validate(public(document)).model_dump(mode="json")
    body = orjson.dumps([record["artifact_sha256"], record["tags"], record["note"]], option=orjson.OPT_SORT_KEYS)
    return record, hashlib.sha256(body).hexdigest()


def _valid(model: type[Change], body: dict[str, Any]) -> Change:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise invalid_command(error) from error


@operation(
    _TAG,
    "Point an alias at a version",
    {200: Answer("The model.", ModelRecord, example=MODEL)},
    body=JsonBody((AliasChange,), {"version 1": {"version": 1}}),
    errors=(UnknownModel,),
)
async def set_alias(request: web.Request) -> web.Response:
    """`PUT /models/{name}/aliases/{alias}`: the alias is made, or moved; predictions follow it from then on."""
    name, alias = name_in_path(request, "name"), alias_in_path(request)
    change = _valid(AliasChange, await json_body(request))
    await request.app[CATALOG].set_alias(name, alias, change.version)
    return json_answer(_view(await request.app[CATALOG].model(name)))


@operation(_TAG, "Remove an alias", {204: Answer("It is gone.")}, errors=(UnknownModel,))
async def remove_alias(request: web.Request) -> web.Response:
    """`DELETE /models/{name}/aliases/{alias}`: the version stays."""
    name, alias = name_in_path(request, "name"), alias_in_path(request)
    await request.app[CATALOG].model(name)
    if not await request.app[CATALOG].remove_alias(name, alias):
        raise UnknownModel(f"model {name!r} has no alias {alias!r}")
    return web.Response(status=204)


@operation(
    _TAG,
    "Download a version's artifact",
    {
        200: Answer(
            "The file.", media_types=("application/octet-stream",), headers={"ETag": "The SHA-256 of the file."}
        ),
        304: Answer("The caller has it already."),
    },
    errors=(UnknownModel, UnknownUpload),
)
async def download_artifact(request: web.Request) -> web.StreamResponse:
    """`GET /models/{name}/versions/{version}/artifact`: the skops file; docs/training.md says how to load it safely."""
    document = await _version(request)
    file_name = f"{document['model']}-{document['version']}.skops"
    return await send_blob(
        request, document["blob_id"], file_name, "application/octet-stream", document["artifact_sha256"]
    )


@operation(_TAG, "Delete a version", {204: Answer("It is gone.")}, query=Forcing, errors=(UnknownModel, StillInUse))
async def delete_version(request: web.Request) -> web.Response:
    """`DELETE /models/{name}/versions/{version}`: refused while an alias points there, unless `?force=true`."""
    document = await _version(request)
    require_own(request, document, f"version {document['_id']!r}")
    model = await request.app[CATALOG].model(document["model"])
    aliases = sorted(alias for alias, number in model["aliases"].items() if number == document["version"])
    if aliases and not query_of(request, Forcing).force:
        raise StillInUse(
            f"alias {', '.join(aliases)} points at version {document['version']}; move it, or use ?force=true"
        )
    await request.app[CATALOG].unlist_version(document["model"], document["version"])
    await _delete_version(request, document)
    return web.Response(status=204)


@operation(_TAG, "Delete a model", {204: Answer("It is gone.")}, errors=(UnknownModel,))
async def delete_model(request: web.Request) -> web.Response:
    """`DELETE /models/{name}`: the model with all its versions and artifacts."""
    name = name_in_path(request, "name")
    require_own(request, await request.app[CATALOG].model(name), f"model {name!r}")
    for version in await request.app[CATALOG].versions_of(name):
        require_own(request, version, f"version {version['_id']!r}")
    # Unlisted first: from then on nothing finds a version. Interrupted here, the same request finishes it.
    await request.app[CATALOG].unlist_all(name)
    for version in await request.app[CATALOG].versions_of(name):
        await _delete_version(request, version)
    await request.app[CATALOG].remove_model(name)
    return web.Response(status=204)


async def _submit(request: web.Request, command: TrainModel | RetrainModel) -> web.Response:
    job = await request.app[DISPATCHER].submit(
        command, correlation_id_of(request), owner=owner_of(request), wait_s=wait_s(request, 0)
    )
    return await job_answer(request, job, _trained)


def _trained(result: dict[str, Any]) -> web.Response:
    version = result["version"]
    location = f"/models/{version['model']}/versions/{version['version']}"
    return json_answer(result, status=201, headers={"Location": location})


async def _find_estimator(request: web.Request, name: str) -> EstimatorDocument | None:
    """The catalogue's entry; None as long as no trainer has declared a catalogue."""
    found = await request.app[CATALOG].estimator(name)
    if found is None and await request.app[CATALOG].has_estimators():
        raise await no_such_estimator(request, name)
    return found


async def _standing(request: web.Request, name: str) -> VersionDocument | None:
    """The version that says what a model predicts; None if there is none."""
    model = await request.app[CATALOG].find_model(name)
    number = standing_version(model) if model is not None else None
    return None if number is None else await request.app[CATALOG].find_version(name, number)


async def _version(request: web.Request) -> VersionDocument:
    number = request.match_info["version"]
    if not number.isdecimal():
        raise BadRequest(f"a version is a number, not {number[:50]!r}")
    return await request.app[CATALOG].version(f"{name_in_path(request, 'name')}@{number}")


def _view(model: ModelDocument) -> dict[str, Any]:
    return ModelRecord.model_validate({**public(model), "name": model["_id"]}).model_dump(mode="json")


async def _delete_version(request: web.Request, document: StoredVersion) -> None:
    # Released first: whatever is interrupted from here on, the sweep finishes.
    others = [document.get("candidates_blob_id"), document.get("rows_blob_id")]
    blob_ids = [document["blob_id"], *filter(None, others)]
    for blob_id in blob_ids:
        await request.app[BLOBS].release(blob_id)
    await request.app[CATALOG].remove_version(document)
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
