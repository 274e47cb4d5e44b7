"""API keys: make, list, revoke; for admins."""

from typing import Any

from aiohttp import web
from pydantic import ValidationError

from modelbus.gateway.application_keys import API_KEYS
from modelbus.gateway.description.examples import API_KEY, MADE_API_KEY
from modelbus.gateway.description.operations import Answer, JsonBody, operation
from modelbus.gateway.http.answers import json_answer
from modelbus.gateway.http.requests import json_body, name_in_path
from modelbus.gateway.views.answer_models import ApiKeyList, MadeApiKey
from modelbus.shared.api_keys import api_key_hash, new_api_key
from modelbus.shared.contracts.commands.registry import invalid_command
from modelbus.shared.contracts.documents.service_documents import ToldApiKey
from modelbus.shared.contracts.records.api_keys import DAY_S, ApiKeyRecord, NewApiKey
from modelbus.shared.errors import Conflict, NotFound

_TAG = "keys"


@operation(
    _TAG,
    "Make an API key",
    {201: Answer("The key; its text is told only here.", MadeApiKey, example=MADE_API_KEY)},
    body=JsonBody((NewApiKey,), {"for a pipeline": {"name": "ci", "scopes": ["submit"], "expires_days": 90}}),
    errors=(Conflict,),
)
async def create(request: web.Request) -> web.Response:
    """`POST /keys`: 201 with the key, whose text is told only here."""
    asked = _asked(await json_body(request))
    text = new_api_key()
    made = await request.app[API_KEYS].create(
        asked.name,
        api_key_hash(text),
        owner=asked.owner or asked.name,
        scopes=asked.scopes,
        expires_s=None if asked.expires_days is None else asked.expires_days * DAY_S,
    )
    return json_answer({"key": text, **_view(made)}, status=201, headers={"Cache-Control": "no-store"})


@operation(_TAG, "List API keys", {200: Answer("All keys.", ApiKeyList, example={"keys": [API_KEY]})})
async def list_keys(request: web.Request) -> web.Response:
    """`GET /keys`: all of them, without their texts, which nobody knows."""
    return json_answer({"keys": [_view(key) for key in await request.app[API_KEYS].list_all()]})


@operation(_TAG, "Revoke an API key", {200: Answer("The key.", ApiKeyRecord, example=API_KEY)}, errors=(NotFound,))
async def revoke(request: web.Request) -> web.Response:
    """`DELETE /keys/{name}`: it works no more, at the latest after `MODELBUS_KEY_CACHE_S`."""
    return json_answer(_view(await request.app[API_KEYS].revoke(name_in_path(request, "name"))))


def _asked(body: dict[str, Any]) -> NewApiKey:
    try:
        return NewApiKey.model_validate(body)
    except ValidationError as error:
        raise invalid_command(error) from error


def _view(key: ToldApiKey) -> dict[str, Any]:
    return ApiKeyRecord.model_validate(key).model_dump(mode="json")


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_post("/keys", create)
    router.add_get("/keys", list_keys)
    router.add_delete("/keys/{name}", revoke)
