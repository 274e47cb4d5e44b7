"""Routes: each is declared once, whole, and found whatever the order in which they are declared."""

import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import modelbus.gateway.routes
from modelbus.gateway.app import create_app
from modelbus.gateway.http.problems import Handler
from modelbus.gateway.routing.route import OPEN, Answer, Method, route, route_of
from modelbus.gateway.routing.route_table import ROUTES, add_routes
from modelbus.shared.settings import Settings

APP = create_app(Settings())


def declared(method: Method, path: str, name: str = "handler", scope: Any = OPEN) -> Handler:
    """A route that answers its handler's name."""

    async def handler(_request: web.Request) -> web.Response:
        """Its name."""
        return web.Response(text=name)

    handler.__name__ = name
    return route(method, path, scope=scope, tag="x", summary="x", answers={200: Answer("Its name.")})(handler)


def file_of(*handlers: Handler) -> ModuleType:
    """A module in which handlers stand."""
    file = ModuleType("a_file")
    for handler in handlers:
        handler.__module__ = file.__name__
        setattr(file, handler.__name__, handler)
    return file


def served(*files: ModuleType) -> web.Application:
    app = web.Application()
    add_routes(app, files)
    return app


def test_a_route_without_a_scope_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="scope"):
        route("GET", "/x", tag="x", summary="x", answers={})  # type: ignore[call-arg]


@pytest.mark.parametrize("scope", ["", "reed", "Admin"])
def test_a_scope_that_is_none_is_refused_with_its_route(scope: str) -> None:
    with pytest.raises(ValueError, match=rf"GET /x: unknown scope '{scope}'; use OPEN or one of metrics, read, "):
        declared("GET", "/x", scope=scope)


def test_a_handler_without_a_docstring_is_refused_with_its_route() -> None:
    async def bare(_request: web.Request) -> web.Response:
        return web.Response()

    declare: Callable[[Handler], Handler] = route("PUT", "/x", scope="read", tag="x", summary="x", answers={})
    with pytest.raises(ValueError, match="PUT /x: the handler requires a docstring"):
        declare(bare)


def test_a_route_that_is_declared_twice_is_refused_with_both_its_handlers() -> None:
    file = file_of(declared("GET", "/x", "first"), declared("GET", "/x", "second"))
    with pytest.raises(ValueError, match=r"GET /x is declared twice: by a_file\.first and a_file\.second"):
        served(file)


def test_what_a_file_imports_is_not_declared_by_it() -> None:
    imported = declared("GET", "/x", "imported")
    owner, other = file_of(imported), ModuleType("another_file")
    other.__dict__["imported"] = imported
    assert [str(one) for one in served(owner, other)[ROUTES]] == ["GET /x"]


@pytest.mark.parametrize("is_variable_first", [True, False])
async def test_a_fixed_word_goes_before_a_variable_in_whatever_order_they_are_declared(is_variable_first: bool) -> None:
    files = [
        file_of(declared("GET", "/models/{name}", "one"), declared("GET", "/{kind}/{name}/x", "any")),
        file_of(declared("GET", "/models/best", "best"), declared("GET", "/models/{name}/x", "part")),
    ]
    app = served(*(files if is_variable_first else files[::-1]))
    async with TestClient(TestServer(app)) as client:
        texts = [
            await (await client.get(f"/{path}")).text() for path in ("models/best", "models/a", "models/a/x", "b/a/x")
        ]
    assert texts == ["best", "one", "part", "any"]


async def test_methods_of_one_path_are_told_together_and_get_answers_head() -> None:
    app = served(file_of(declared("GET", "/x", "look"), declared("GET", "/y", "other"), declared("PUT", "/x", "set")))
    async with TestClient(TestServer(app)) as client:
        head, refused = await client.head("/x"), await client.post("/x")
    assert head.status == 200
    assert (refused.status, refused.headers["Allow"]) == (405, "GET,HEAD,PUT")


def test_every_file_of_routes_is_served() -> None:
    files = {
        f"{modelbus.gateway.routes.__name__}.{one.name}"
        for one in pkgutil.iter_modules(modelbus.gateway.routes.__path__)
    }
    assert {one.handler.__module__ for one in APP[ROUTES]} == files


def test_the_application_serves_what_is_declared_and_nothing_else() -> None:
    served = [(one.method, route_of(one.handler), one.resource) for one in APP.router.routes()]
    assert {route for method, route, _ in served if method != "*"} == set(APP[ROUTES])
    # what else is served refuses all other methods, once on each path
    refusing = [resource for method, route, resource in served if method == "*" and route is None]
    assert len(refusing) == len({route.path for route in APP[ROUTES]}) == len({resource for *_, resource in served})
