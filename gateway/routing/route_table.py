"""The table of all routes: collected from the files that declare them, and put into the application in an order that
does not depend on theirs.
"""

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Final

from aiohttp import web

from modelbus.gateway.routing.route import Route, route_of

ROUTES: Final[web.AppKey[tuple[Route, ...]]] = web.AppKey("routes", tuple)
"""All that the application serves, in the order in which they are documented."""


def add_routes(app: web.Application, files: Iterable[ModuleType]) -> None:
    """Serve every route that is declared in some modules; a `GET` answers `HEAD` too.

    Args:
        app: The application; its ``ROUTES`` are set.
        files: The modules, in the order in which their routes are documented.

    Raises:
        ValueError: Two handlers have the same method and path.
    """
    routes = tuple(route for file in files for route in _declared_in(file))
    _require_distinct(routes)
    app[ROUTES] = routes
    for route in sorted(routes, key=_precedence):
        if route.method == "GET":
            app.router.add_get(route.path, route.handler)
        else:
            app.router.add_route(route.method, route.path, route.handler)


def _declared_in(file: ModuleType) -> Iterator[Route]:
    for name, value in vars(file).items():
        route = route_of(value)
        # what a file imports from another one is that one's
        if route is not None and (value.__module__, value.__name__) == (file.__name__, name):
            yield route


def _require_distinct(routes: Iterable[Route]) -> None:
    known: dict[str, Route] = {}
    for route in routes:
        other = known.setdefault(str(route), route)
        if other is not route:
            names = [f"{one.handler.__module__}.{one.handler.__name__}" for one in (other, route)]
            raise ValueError(f"{route} is declared twice: by {' and '.join(names)}")


def _precedence(route: Route) -> tuple[list[bool], str]:
    """A fixed word goes before a variable, at the first part of the path where two differ; a path stays together."""
    return ["{" in part for part in route.path.split("/")], route.path
