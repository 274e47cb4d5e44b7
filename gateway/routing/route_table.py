"""The table of all routes: collected from the files that declare them, and put into the application in an order that
does not depend on theirs.
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
"""All that the application serves, in the order in which they are documented."""


def add_routes(app: web.Application, files: Iterable[ModuleType]) -> None:
    """Serve every route that is declared in some modules; a `GET` answers `HEAD` too.

    Args:
        app: The application; its ``ROUTES`` are set.
        files: The modules, in the order in which their routes are documented.

    Raises:
        ValueError: Two handlers have the same method and path, or the same name.
    """
    routes = tuple(route for file in files for route in _declared_in(file))
    _require_distinct(routes)
    app[ROUTES] = routes
    for path, on_path in groupby(sorted(routes, key=_precedence), key=attrgetter("path")):
        _serve(app.router, path, list(on_path))


def _serve(router: web.UrlDispatcher, path: str, routes: Sequence[Route]) -> None:
    """Serve all that one path answers; other methods are refused here.

    Else a fixed word would be tried again as the variable of a sibling: `DELETE /datasets/preview` as a dataset's name,
    and `Allow` would name the sibling's methods. OpenAPI has it so too: a fixed word goes before a variable.
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
            raise ValueError(f"{other} and {route} are both called {route.name}, which clients made of OpenAPI go by")


def _precedence(route: Route) -> tuple[list[bool], str]:
    """A fixed word goes before a variable, at the first part of the path where two differ; a path stays together."""
    return ["{" in part for part in route.path.split("/")], route.path
