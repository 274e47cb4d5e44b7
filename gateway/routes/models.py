"""Models: list, retrieve, delete."""

from aiohttp import web

from modelbus.gateway.access.scopes import require_own
from modelbus.gateway.application_keys import CATALOG
from modelbus.gateway.description.examples import MODEL
from modelbus.gateway.http.answers import json_answer
from modelbus.gateway.http.query import NamePage, query_of
from modelbus.gateway.http.requests import name_in_path
from modelbus.gateway.routes.model_versions import remove_version
from modelbus.gateway.routing.route import Answer, route
from modelbus.gateway.views.answer_models import ModelList
from modelbus.gateway.views.model_views import model_view
from modelbus.shared.contracts.records.model_records import ModelRecord
from modelbus.shared.errors import UnknownModel

_TAG = "models"


@route(
    "GET",
    "/models",
    scope="read",
    tag=_TAG,
    summary="List all models",
    answers={200: Answer("A page of models.", ModelList, example={"models": [MODEL], "next": None})},
    query=NamePage,
)
async def list_models(request: web.Request) -> web.Response:
    """Lists models by name, with their versions and aliases."""
    query = query_of(request, NamePage)
    found = await request.app[CATALOG].models(after=query.cursor, limit=query.limit)
    following = found[-1]["_id"] if len(found) == query.limit else None
    return json_answer({"models": [model_view(model) for model in found], "next": following})


@route(
    "GET",
    "/models/{name}",
    scope="read",
    tag=_TAG,
    summary="Retrieve a model",
    answers={200: Answer("The model.", ModelRecord, example=MODEL)},
    errors=(UnknownModel,),
)
async def read_model(request: web.Request) -> web.Response:
    """Returns the versions and aliases of the model."""
    return json_answer(model_view(await request.app[CATALOG].model(name_in_path(request, "name"))))


@route(
    "DELETE",
    "/models/{name}",
    scope="submit",
    tag=_TAG,
    summary="Delete a model",
    answers={204: Answer("The model has been deleted.")},
    errors=(UnknownModel,),
)
async def delete_model(request: web.Request) -> web.Response:
    """Deletes the model with all its versions and artifacts."""
    name = name_in_path(request, "name")
    require_own(request, await request.app[CATALOG].model(name), f"model {name!r}")
    for version in await request.app[CATALOG].versions_of(name):
        require_own(request, version, f"version {version['_id']!r}")
    # Unlisted first: from then on nothing finds a version. Interrupted here, the same request finishes it.
    await request.app[CATALOG].unlist_all(name)
    for version in await request.app[CATALOG].versions_of(name):
        await remove_version(request, version)
    await request.app[CATALOG].remove_model(name)
    return web.Response(status=204)
