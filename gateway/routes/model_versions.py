"""Model versions and aliases: retrieve, update, download, delete."""

import orjson
from aiohttp import web

from modelbus.gateway.access.scopes import require_own
from modelbus.gateway.application_keys import BLOBS, CATALOG
from modelbus.gateway.description.examples import CANDIDATES, MODEL, USAGE, VERSION
from modelbus.gateway.http.answers import immutable_answer, json_answer
from modelbus.gateway.http.query import Forcing, query_of
from modelbus.gateway.http.requests import alias_in_path, body_of, name_in_path
from modelbus.gateway.routing.route import Answer, JsonBody, route
from modelbus.gateway.transfer.downloads import FILE_HEADERS, send_blob
from modelbus.gateway.views.answer_models import Usage
from modelbus.gateway.views.model_views import model_view, version_view
from modelbus.shared.contracts.commands.training import AliasChange, VersionChanges
from modelbus.shared.contracts.documents.model_documents import StoredVersion, VersionDocument
from modelbus.shared.contracts.records.candidate_records import CandidatesRecord
from modelbus.shared.contracts.records.model_records import ModelRecord, VersionRecord
from modelbus.shared.errors import BadRequest, LimitExceeded, NotFound, StillInUse, UnknownModel, UnknownUpload
from modelbus.shared.plural import agreeing

_TAG = "models"
_TAG_LIMIT = 50
_VERSION = Answer(
    "The version.", VersionRecord, example=VERSION, headers={"ETag": "Changes with the tags and the note."}
)


@route(
    "GET",
    "/models/{name}/versions/{version}",
    scope="read",
    tag=_TAG,
    summary="Retrieve a version",
    answers={200: _VERSION, 304: Answer("The client has the current version.")},
    errors=(UnknownModel,),
)
async def read_version(request: web.Request) -> web.Response:
    """Returns the version with its lineage. Only tags and note can change."""
    record, etag = version_view(await _version(request))
    return immutable_answer(request, record, etag)


@route(
    "PATCH",
    "/models/{name}/versions/{version}",
    scope="submit",
    tag=_TAG,
    summary="Update a version",
    answers={200: _VERSION},
    body=JsonBody(
        (VersionChanges,), {"tags and note": {"tags": {"team": "risk", "old": None}, "note": "tag and note"}}
    ),
    errors=(UnknownModel,),
)
async def change_version(request: web.Request) -> web.Response:
    """Updates the tags and the note. A null tag is removed; tags that are not named are kept."""
    document = await _version(request)
    changes = await body_of(request, VersionChanges)
    removed = {name for name, value in changes.tags.items() if value is None}
    kept = {name: value for name, value in changes.tags.items() if value is not None}
    if len((document.get("tags", {}).keys() - removed) | kept.keys()) > _TAG_LIMIT:
        raise LimitExceeded(f"a version can have at most {_TAG_LIMIT} tags")
    changed = await request.app[CATALOG].change_version(
        document["_id"], set_tags=kept, removed=removed, note=changes.note
    )
    record, etag = version_view(changed)
    return json_answer(record, headers={"ETag": f'"{etag}"'})


@route(
    "DELETE",
    "/models/{name}/versions/{version}",
    scope="submit",
    tag=_TAG,
    summary="Delete a version",
    answers={204: Answer("The version has been deleted.")},
    query=Forcing,
    errors=(UnknownModel, StillInUse),
)
async def delete_version(request: web.Request) -> web.Response:
    """Deletes the version with its artifact. Refused if an alias points at it, unless `?force=true`."""
    document = await _version(request)
    require_own(request, document, f"version {document['_id']!r}")
    model = await request.app[CATALOG].model(document["model"])
    aliases = sorted(alias for alias, number in model["aliases"].items() if number == document["version"])
    if aliases and not query_of(request, Forcing).force:
        raise StillInUse(
            f"version {document['version']} has the {agreeing(len(aliases), 'alias', 'aliases')} {', '.join(aliases)}; "
            f"move {agreeing(len(aliases), 'it', 'them')}, or use ?force=true"
        )
    await request.app[CATALOG].unlist_version(document["model"], document["version"])
    await remove_version(request, document)
    return web.Response(status=204)


@route(
    "GET",
    "/models/{name}/versions/{version}/artifact",
    scope="read",
    tag=_TAG,
    summary="Download a version's artifact",
    answers={
        200: Answer("The file.", media_types=("application/octet-stream",), headers=FILE_HEADERS),
        304: Answer("The client has the current version."),
    },
    errors=(UnknownModel, UnknownUpload),
)
async def download_artifact(request: web.Request) -> web.StreamResponse:
    """Downloads the model as a skops file."""
    document = await _version(request)
    file_name = f"{document['model']}-{document['version']}.skops"
    return await send_blob(
        request, document["blob_id"], file_name, "application/octet-stream", document["artifact_sha256"]
    )


@route(
    "GET",
    "/models/{name}/versions/{version}/usage",
    scope="read",
    tag=_TAG,
    summary="Retrieve a version's usage",
    answers={200: Answer("The usage.", Usage, example=USAGE)},
    errors=(UnknownModel,),
)
async def read_usage(request: web.Request) -> web.Response:
    """Returns the number of requests and predicted rows, and the adjustments to the rows."""
    document = await _version(request)
    usage = await request.app[CATALOG].usage(document)
    return json_answer({"model": document["model"], "version": document["version"], **usage})


@route(
    "GET",
    "/models/{name}/versions/{version}/candidates",
    scope="read",
    tag=_TAG,
    summary="List a version's candidates",
    answers={200: Answer("The candidates, best first.", CandidatesRecord, example=CANDIDATES)},
    errors=(NotFound, UnknownModel),
)
async def read_candidates(request: web.Request) -> web.Response:
    """Lists all candidates of the search, or of the choice of an estimator, best first."""
    document = await _version(request)
    tuning = document.get("tuning")
    if tuning is None:
        what = f"version {document['version']} of {document['model']!r}"
        raise NotFound(f"{what} has no candidates, because it was trained without a search")
    candidates = document.get("candidates")
    record = CandidatesRecord(
        model=document["model"],
        version=document["version"],
        scoring=tuning["scoring"],
        candidates=candidates or [],
    ).model_dump(mode="json")
    if candidates is None:
        # A large table is passed on as it was stored: to parse it would hold up all other requests.
        record["candidates"] = orjson.Fragment(await request.app[BLOBS].read(document["candidates_blob_id"]))
    return json_answer(record)


@route(
    "PUT",
    "/models/{name}/aliases/{alias}",
    scope="submit",
    tag=_TAG,
    summary="Set an alias",
    answers={200: Answer("The model.", ModelRecord, example=MODEL)},
    body=JsonBody((AliasChange,), {"version 1": {"version": 1}}),
    errors=(UnknownModel,),
)
async def set_alias(request: web.Request) -> web.Response:
    """Creates or moves an alias. Predictions by the alias use the new version from then on."""
    name, alias = name_in_path(request, "name"), alias_in_path(request)
    change = await body_of(request, AliasChange)
    await request.app[CATALOG].set_alias(name, alias, change.version)
    return json_answer(model_view(await request.app[CATALOG].model(name)))


@route(
    "DELETE",
    "/models/{name}/aliases/{alias}",
    scope="submit",
    tag=_TAG,
    summary="Delete an alias",
    answers={204: Answer("The alias has been deleted.")},
    errors=(UnknownModel,),
)
async def remove_alias(request: web.Request) -> web.Response:
    """Deletes the alias but not the version."""
    name, alias = name_in_path(request, "name"), alias_in_path(request)
    await request.app[CATALOG].model(name)
    if not await request.app[CATALOG].remove_alias(name, alias):
        raise UnknownModel(f"model {name!r} has no alias {alias!r}")
    return web.Response(status=204)


async def remove_version(request: web.Request, document: StoredVersion) -> None:
    """Delete a version's record, usage and files."""
    # Released first: whatever is interrupted from here on, the sweep finishes.
    others = [document.get("candidates_blob_id"), document.get("rows_blob_id")]
    blob_ids = [document["blob_id"], *filter(None, others)]
    for blob_id in blob_ids:
        await request.app[BLOBS].release(blob_id)
    await request.app[CATALOG].remove_version(document)
    for blob_id in blob_ids:
        await request.app[BLOBS].delete(blob_id)


async def _version(request: web.Request) -> VersionDocument:
    number = request.match_info["version"]
    if not number.isdecimal():
        raise BadRequest(f"the version must be a number, not {number[:50]!r}")
    return await request.app[CATALOG].version(f"{name_in_path(request, 'name')}@{number}")
