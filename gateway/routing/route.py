"""The declaration of a route, next to its handler: its path, scope, body and responses.

``route_table.py`` serves it, access control checks its scope, its query is validated before the handler runs, and
OpenAPI is generated from it. A route is declared nowhere else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel

from modelbus.gateway.http.problems import Handler, status_of
from modelbus.gateway.http.query import QUERY, Query, read_query, refuse_repeated
from modelbus.shared.api_keys import SCOPES, Scope
from modelbus.shared.errors import (
    ArtifactRefused,
    BacklogFull,
    BadRequest,
    EstimatorRejected,
    Forbidden,
    InvalidCommand,
    JobCancelled,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    LimitExceeded,
    MalformedTable,
    ModelbusError,
    SignatureMismatch,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)

Errors = tuple[type[ModelbusError], ...]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

OPEN: Final = None
"""The scope of a route that requires no key."""

JOB_ERRORS: Final[Errors] = (
    BacklogFull,
    InvalidCommand,
    SignatureMismatch,
    EstimatorRejected,
    MalformedTable,
    LimitExceeded,
    ArtifactRefused,
    JobCancelled,
    JobTimedOut,
    JobOutOfMemory,
    JobCrashed,
)
"""The errors of requests that create a job, including those of the job itself if the response waits for it."""


@dataclass(frozen=True)
class Answer:
    """A response of a route."""

    description: str
    model: type[BaseModel] | None = None
    """The model of the JSON body; None without a body or for a file."""
    media_types: tuple[str, ...] = ()
    """The media types of the body other than JSON."""
    example: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """The descriptions of headers, by name."""


@dataclass(frozen=True)
class JsonBody:
    """A JSON body of a route."""

    models: tuple[type[BaseModel], ...]
    """The models, of which one applies: commands without the fields given by the route."""
    examples: Mapping[str, Any]
    """Example bodies by title."""
    said_by_route: frozenset[str] = frozenset()
    is_required: bool = True


@dataclass(frozen=True)
class FileBody:
    """A file for a route: as the body, or as the field `file` of a form with the query's parameters as further
    fields.
    """

    example: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Route:
    """The declaration of a route."""

    method: Method
    """`GET` includes `HEAD`."""
    path: str
    """The path with its variables in braces."""
    scope: Scope | None
    """The required scope; None if no key is required."""
    handler: Handler
    """The handler, which validates the query first."""
    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    query: type[Query]
    body: JsonBody | FileBody | None
    errors: Errors
    headers: frozenset[str]
    """The request headers that the route uses."""
    is_documented: bool

    @property
    def name(self) -> str:
        """The operation's name in OpenAPI and generated clients: the name of the handler."""
        return self.handler.__name__

    def __str__(self) -> str:
        """The method and path, as listed by `GET /`."""
        return f"{self.method} {self.path}"

    def all_errors(self) -> Errors:
        """All errors of the route."""
        of_key: Errors = () if self.scope is OPEN else (Unauthenticated,)
        of_body: Errors = ()
        if isinstance(self.body, JsonBody):
            of_body = (InvalidCommand, LimitExceeded, UnsupportedMediaType)
        elif isinstance(self.body, FileBody):
            of_body = (LimitExceeded, UnsupportedMediaType)
        always: Errors = (BadRequest, *of_key, Forbidden, Unavailable, ModelbusError)
        return tuple(dict.fromkeys((*always, *of_body, *self.errors)))

    def codes_by_status(self) -> dict[int, list[str]]:
        """The codes of all errors by HTTP status."""
        found: dict[int, list[str]] = {}
        for kind in self.all_errors():
            found.setdefault(status_of(kind()), []).append(kind.code)
        return found


_ROUTE: Final = "modelbus_route"
_JOB_HEADERS: Final = frozenset({"X-Correlation-ID", "Idempotency-Key"})


def route(
    method: Method,
    path: str,
    *,
    scope: Scope | None,
    tag: str,
    summary: str,
    answers: Mapping[int, Answer],
    query: type[Query] = Query,
    checks_query: bool = True,
    body: JsonBody | FileBody | None = None,
    errors: Errors = (),
    makes_job: bool = False,
    is_documented: bool = True,
) -> Callable[[Handler], Handler]:
    """Declare a handler as the route of a method and a path. The query is validated before the handler runs.

    Args:
        method: The HTTP method.
        path: The path with its variables in braces; ``gateway/description/openapi.py`` describes each variable by name.
        scope: The required scope; ``OPEN`` if no key is required.
        tag: The group in the documentation.
        summary: The title in a few words; the handler's docstring is the description.
        answers: The responses by status.
        query: The model of the query, which the handler gets by ``query_of``.
        checks_query: False if the handler validates the query as part of its command; only lists may be repeated in any
            case.
        body: The body of the request.
        errors: The errors in addition to those of every route.
        makes_job: Whether the route creates a job: then the client may choose its id, and the job's errors are
            responses.
        is_documented: False for routes outside the interface, such as the files of a page.

    Raises:
        ValueError: The scope is unknown, or the handler has no docstring; raised when the handler's module is imported.
    """

    def declare(handler: Handler) -> Handler:
        served = _with_checked_query(handler, query, checks_values=checks_query)
        declared = Route(
            method=method,
            path=path,
            scope=scope,
            handler=served,
            tag=tag,
            summary=summary,
            description="\n".join(line.strip() for line in (handler.__doc__ or "").strip().splitlines()),
            answers=answers,
            query=query,
            body=body,
            errors=(*errors, *JOB_ERRORS) if makes_job else errors,
            headers=_JOB_HEADERS if makes_job else frozenset({"X-Correlation-ID"}),
            is_documented=is_documented,
        )
        _require_whole(declared)
        setattr(served, _ROUTE, declared)
        return served

    return declare


def route_of(handler: Any) -> Route | None:
    """The declaration of a handler's route, or None."""
    found = getattr(handler, _ROUTE, None)
    return found if isinstance(found, Route) else None


def _with_checked_query(handler: Handler, query: type[Query], *, checks_values: bool) -> Handler:
    @wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        if checks_values:
            request[QUERY] = read_query(request, query)
        else:
            refuse_repeated(request, query)
        return await handler(request)

    return checked


def _require_whole(declared: Route) -> None:
    """Check a declaration at run time as well as by mypy, since a mistake in a scope must not open a route.

    Raises:
        ValueError: Names the route and the mistake.
    """
    if declared.scope is not OPEN and declared.scope not in SCOPES:
        raise ValueError(f"{declared}: unknown scope {declared.scope!r}; use OPEN or one of {', '.join(SCOPES)}")
    if not declared.description:
        raise ValueError(f"{declared}: the handler requires a docstring, which is its description")
