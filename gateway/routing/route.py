"""A route, said once, beside its handler: where it is, who may ask, what it takes, what it answers.

``route_table.py`` serves it, access checks its scope, its query string is checked before the handler is called, and
OpenAPI is made from it. Nothing else says what a route is.
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
"""The scope of a route that needs no key."""

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
"""Why no job is made, and what a job may end with, where the answer waits for its end."""


@dataclass(frozen=True)
class Answer:
    """One answer of a route."""

    description: str
    model: type[BaseModel] | None = None
    """The JSON of the body; None where there is none, or where it is a file."""
    media_types: tuple[str, ...] = ()
    """What the body may be of, beside the JSON of the model."""
    example: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """What they say, by name."""


@dataclass(frozen=True)
class JsonBody:
    """A JSON object that a route takes."""

    models: tuple[type[BaseModel], ...]
    """Whose fields it has, one of them: a command's, less those that the route says."""
    examples: Mapping[str, Any]
    """Bodies, by a name for people."""
    said_by_route: frozenset[str] = frozenset()
    is_required: bool = True


@dataclass(frozen=True)
class FileBody:
    """A file that a route takes: as the body, or as the field `file` of a form with the query's fields beside it."""

    example: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Route:
    """All that is said of a route."""

    method: Method
    """`GET` answers `HEAD` too."""
    path: str
    """With its variables in braces."""
    scope: Scope | None
    """What a key must allow; None if no key is needed."""
    handler: Handler
    """Checks the query string first."""
    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    query: type[Query]
    body: JsonBody | FileBody | None
    errors: Errors
    headers: frozenset[str]
    """Request headers that mean something here."""
    is_documented: bool

    @property
    def name(self) -> str:
        """What it is called in OpenAPI, and by clients that are made from it: as its handler."""
        return self.handler.__name__

    def __str__(self) -> str:
        """Its method and path, as `GET /` lists it."""
        return f"{self.method} {self.path}"

    def all_errors(self) -> Errors:
        """Everything that it may be refused for."""
        of_key: Errors = () if self.scope is OPEN else (Unauthenticated,)
        of_body: Errors = ()
        if isinstance(self.body, JsonBody):
            of_body = (InvalidCommand, LimitExceeded, UnsupportedMediaType)
        elif isinstance(self.body, FileBody):
            of_body = (LimitExceeded, UnsupportedMediaType)
        always: Errors = (BadRequest, *of_key, Forbidden, Unavailable, ModelbusError)
        return tuple(dict.fromkeys((*always, *of_body, *self.errors)))

    def codes_by_status(self) -> dict[int, list[str]]:
        """The codes of those, by HTTP status."""
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
    """Make a handler the route of a method and a path; before it is called, the query string is checked.

    Args:
        method: The HTTP method.
        path: With its variables in braces; ``gateway/description/openapi.py`` describes each variable, by its name.
        scope: What a key must allow; ``OPEN`` if no key is needed.
        tag: The group in which the documentation shows it.
        summary: A few words; the description is the handler's docstring.
        answers: By status.
        query: What the query string may say; ``query_of`` gives it to the handler.
        checks_query: False where the handler itself checks it, as a part of its command; what is given twice and is no
            list is refused all the same.
        body: What it takes.
        errors: What it may be refused for, beside what any route may be.
        makes_job: Whether a job is made: then the caller may say which id it has, and the job's errors are answers.
        is_documented: False for what is no part of the interface, such as the files of a page.

    Raises:
        ValueError: The scope is none, or the handler has no docstring; when the handler's module is imported.
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
    """What is said of a handler's route; None if it has none."""
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
    """Types are checked by mypy, and again here: a slip in a scope must not open a route.

    Raises:
        ValueError: Names the route, and what it lacks.
    """
    if declared.scope is not OPEN and declared.scope not in SCOPES:
        raise ValueError(f"{declared}: scope {declared.scope!r} is none; take OPEN or one of {', '.join(SCOPES)}")
    if not declared.description:
        raise ValueError(f"{declared}: its handler needs a docstring, which the documentation shows")
