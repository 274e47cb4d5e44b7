"""The table of all routes, collected from the modules that declare them and added to the application in an order of its
own.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from types import ModuleType
from typing import Final

from aiohttp import web
from aiohttp.hdrs import METH_ANY, METH_GET, METH_HEAD

from modelbus.gateway.routing.route import Route, route_of

ROUTES: Final[web.AppKey[tuple[Route, ...]]] = web.AppKey("routes", tuple)
"""All routes of the application, in the order of the documentation."""


def add_routes(app: web.Application, files: Iterable[ModuleType]) -> None:
    """Serve every route declared in some modules; `GET` includes `HEAD`.

    Args:
        app: The application; its ``ROUTES`` are set.
        files: The modules, in the order of the documentation.

    Raises:
        ValueError: Two handlers have the same method and path, or the same name.
    """
    routes = tuple(route for file in files for route in _declared_in(file))
    _require_distinct(routes)
    app[ROUTES] = routes
    for path, on_path in groupby(sorted(routes, key=_precedence), key=attrgetter("path")):
        _serve(app.router, path, list(on_path))


def _serve(router: web.UrlDispatcher, path: str, routes: Sequence[Route]) -> None:
    """Serve all methods of a path and refuse all others.

    Otherwise a fixed word would match the variable of a sibling: `DELETE /datasets/preview` as the name of a dataset,
    with the sibling's methods in `Allow`. In OpenAPI, too, a fixed word takes precedence over a variable.
    """
    allowed: set[str] = set()
    for route in routes:
        if route.method == "GET":
            router.add_get(path, route.handler)
            allowed |= {METH_GET, METH_HEAD}
        else:
            router.add_route(route.method, path, route.handler)
            allowed.add(route.method)

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    router.add_route(METH_ANY, path, refuse)


def _declared_in(file: ModuleType) -> Iterator[Route]:
    for name, value in vars(file).items():
        route = route_of(value)
        # what a file imports from another one is that one's
        if route is not None and (value.__module__, value.__name__) == (file.__name__, name):
            yield route


def _require_distinct(routes: Iterable[Route]) -> None:
    known: dict[str, Route] = {}
    named: dict[str, Route] = {}
    for route in routes:
        other = known.setdefault(str(route), route)
        if other is not route:
            names = [f"{one.handler.__module__}.{one.handler.__name__}" for one in (other, route)]
            raise ValueError(f"{route} is declared twice: by {' and '.join(names)}")
        other = named.setdefault(route.name, route)
        if other is not route:
            raise ValueError(f"{other} and {route} have the same name {route.name}, which generated clients use")


def _precedence(route: Route) -> tuple[list[bool], str]:
    """The sort key: fixed words before variables, at the first part where two paths differ; routes of one path stay
    together.
    """
    return ["{" in part for part in route.path.split("/")], route.path
