"""The gateway's own documentation: OpenAPI, AsyncAPI, and a page to read and try them, without any other host.

All of it is open: it has no secrets beyond the address of the broker, and a browser that opens it sends no key.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Final

import orjson
from aiohttp import web

from modelbus.gateway.access.scopes import demands_keys
from modelbus.gateway.application_keys import SETTINGS
from modelbus.gateway.description.asyncapi import asyncapi_document
from modelbus.gateway.description.openapi import openapi_document
from modelbus.gateway.routing.route import OPEN, Answer, Route, route
from modelbus.gateway.routing.route_table import ROUTES

_TAG = "services"
_MEDIA_TYPES: Final = {"html": "text/html", "js": "text/javascript", "css": "text/css", "png": "image/png"}
_OWN: Final = ("docs.js",)
_BUNDLED: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_DAY_S: Final = 86400


@route(
    "GET",
    "/openapi.json",
    scope=OPEN,
    tag=_TAG,
    summary="Retrieve the OpenAPI document",
    answers={200: Answer("An OpenAPI 3.1 document.", media_types=("application/json",))},
)
async def read_openapi(request: web.Request) -> web.Response:
    """The description of all routes, generated from the models that validate the requests."""
    requires_keys = demands_keys(request.app[SETTINGS])
    return await _described(lambda: _openapi(request.app[ROUTES], requires_keys=requires_keys))


@route(
    "GET",
    "/asyncapi.json",
    scope=OPEN,
    tag=_TAG,
    summary="Retrieve the AsyncAPI document",
    answers={200: Answer("An AsyncAPI 3.0 document.", media_types=("application/json",))},
)
async def read_asyncapi(request: web.Request) -> web.Response:
    """The description of the queues, which accept the same commands as the routes.

    `servers` names the broker of this gateway, without credentials.
    """
    bus_url = request.app[SETTINGS].bus_url.get_secret_value()
    return await _described(lambda: _asyncapi(bus_url))


@route(
    "GET",
    "/docs",
    scope=OPEN,
    tag=_TAG,
    summary="Show the API reference",
    answers={200: Answer("The page.", media_types=("text/html",))},
)
async def read_documentation(_request: web.Request) -> web.Response:
    """An interactive page with every route. It loads nothing from other hosts."""
    return _file("docs.html", {})


@route(
    "GET",
    "/docs/{file}",
    scope=OPEN,
    tag=_TAG,
    summary="Retrieve a file of the API reference",
    answers={200: Answer("The file.", media_types=tuple(_MEDIA_TYPES.values()))},
    is_documented=False,
)
async def read_documentation_file(request: web.Request) -> web.Response:
    """A script, a style sheet or an image of the page."""
    name = request.match_info["file"]
    if name not in _OWN + _BUNDLED:
        raise web.HTTPNotFound
    return _file(name, {"Cache-Control": f"max-age={_DAY_S}"})


def _file(name: str, headers: dict[str, str]) -> web.Response:
    media_type = _MEDIA_TYPES[name.rsplit(".", 1)[-1]]
    charset = None if media_type == "image/png" else "utf-8"
    return web.Response(body=_content(name), content_type=media_type, charset=charset, headers={**_HEADERS, **headers})


@lru_cache
def _content(name: str) -> bytes:
    folder = files("swagger_ui") / "static" if name in _BUNDLED else files("modelbus.gateway") / "pages"
    return (folder / name).read_bytes()


async def _described(make: Callable[[], bytes]) -> web.Response:
    """A description, generated on first use and outside of the event loop, since it takes a fifth of a second."""
    body = await asyncio.get_running_loop().run_in_executor(None, make)
    return web.Response(body=body, content_type="application/json")


@lru_cache(maxsize=1)
def _openapi(routes: tuple[Route, ...], *, requires_keys: bool) -> bytes:
    return orjson.dumps(openapi_document(routes, requires_keys=requires_keys))


@lru_cache(maxsize=1)
def _asyncapi(bus_url: str) -> bytes:
    return orjson.dumps(asyncapi_document(bus_url))
