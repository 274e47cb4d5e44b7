"""API keys for administrators: create, list, revoke."""

from typing import Any

from aiohttp import web

from modelbus.gateway.application_keys import API_KEYS
from modelbus.gateway.description.examples import API_KEY, MADE_API_KEY
from modelbus.gateway.http.answers import json_answer
from modelbus.gateway.http.requests import body_of, name_in_path
from modelbus.gateway.routing.route import Answer, JsonBody, route
from modelbus.gateway.views.answer_models import ApiKeyList, MadeApiKey
from modelbus.shared.api_keys import api_key_hash, new_api_key
from modelbus.shared.contracts.documents.service_documents import ToldApiKey
from modelbus.shared.contracts.records.api_key_records import DAY_S, ApiKeyRecord, NewApiKey
from modelbus.shared.errors import Conflict, NotFound

_TAG = "keys"


@route(
    "POST",
    "/keys",
    scope="admin",
    tag=_TAG,
    summary="Create an API key",
    answers={201: Answer("The new key with its secret.", MadeApiKey, example=MADE_API_KEY)},
    body=JsonBody((NewApiKey,), {"a key for a pipeline": {"name": "ci", "scopes": ["submit"], "expires_days": 90}}),
    errors=(Conflict,),
)
async def create_key(request: web.Request) -> web.Response:
    """Returns the secret of the key, which cannot be retrieved later."""
    asked = await body_of(request, NewApiKey)
    text = new_api_key()
    made = await request.app[API_KEYS].create(
        asked.name,
        api_key_hash(text),
        owner=asked.owner or asked.name,
        scopes=asked.scopes,
        expires_s=None if asked.expires_days is None else asked.expires_days * DAY_S,
    )
    return json_answer({"key": text, **_view(made)}, status=201, headers={"Cache-Control": "no-store"})


@route(
    "GET",
    "/keys",
    scope="admin",
    tag=_TAG,
    summary="List all API keys",
    answers={200: Answer("All keys, including revoked and expired ones.", ApiKeyList, example={"keys": [API_KEY]})},
)
async def list_keys(request: web.Request) -> web.Response:
    """Lists all keys without their secrets, which are not stored."""
    return json_answer({"keys": [_view(key) for key in await request.app[API_KEYS].list_all()]})


@route(
    "DELETE",
    "/keys/{name}",
    scope="admin",
    tag=_TAG,
    summary="Revoke an API key",
    answers={200: Answer("The revoked key.", ApiKeyRecord, example=API_KEY)},
    errors=(NotFound,),
)
async def revoke_key(request: web.Request) -> web.Response:
    """Revokes the key. Gateways may accept it for up to `MODELBUS_KEY_CACHE_S` seconds longer."""
    return json_answer(_view(await request.app[API_KEYS].revoke(name_in_path(request, "name"))))


def _view(key: ToldApiKey) -> dict[str, Any]:
    return ApiKeyRecord.model_validate(key).model_dump(mode="json")
