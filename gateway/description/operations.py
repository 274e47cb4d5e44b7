"""What a route takes and answers, said once, beside its handler: the query is checked by it, and OpenAPI made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel

from modelbus.gateway.http.problems import Handler, status_of
from modelbus.gateway.http.query import QUERY, Query, read_query
from modelbus.shared.errors import (
    ArtifactRefused,
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

JOB_ERRORS: Final[Errors] = (
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
"""What a job may end with, where the answer waits for its end."""

_ALWAYS: Final[Errors] = (BadRequest, Unauthenticated, Forbidden, Unavailable, ModelbusError)


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


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A route's description."""

    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    query: type[Query]
    checks_query: bool
    body: JsonBody | FileBody | None
    errors: Errors
    headers: frozenset[str]
    """Request headers that mean something here."""

    def all_errors(self) -> Errors:
        """Everything that it may be refused for."""
        of_body: Errors = ()
        if isinstance(self.body, JsonBody):
            of_body = (InvalidCommand, LimitExceeded, UnsupportedMediaType)
        elif isinstance(self.body, FileBody):
            of_body = (LimitExceeded, UnsupportedMediaType)
        return tuple(dict.fromkeys((*_ALWAYS, *of_body, *self.errors)))

    def codes_by_status(self) -> dict[int, list[str]]:
        """The codes of those, by HTTP status."""
        found: dict[int, list[str]] = {}
        for kind in self.all_errors():
            found.setdefault(status_of(kind()), []).append(kind.code)
        return found


_OPERATION: Final = "modelbus_operation"
_JOB_HEADERS: Final = frozenset({"X-Correlation-ID", "Idempotency-Key"})


def operation(
    tag: str,
    summary: str,
    answers: Mapping[int, Answer],
    *,
    query: type[Query] = Query,
    checks_query: bool = True,
    body: JsonBody | FileBody | None = None,
    errors: Errors = (),
    makes_job: bool = False,
) -> Callable[[Handler], Handler]:
    """Describe a route's handler; before it is called, the query string is checked.

    Args:
        tag: The group in which the documentation shows it.
        summary: A few words; the description is the handler's docstring.
        answers: By status.
        query: What the query string may say; ``query_of`` gives it to the handler.
        checks_query: False where the handler itself checks it, as a part of its command.
        body: What it takes.
        errors: What it may be refused for, beside what any route may be.
        makes_job: Whether a job is made: then the caller may say which id it has, and the job's errors are answers.
    """

    def describe(handler: Handler) -> Handler:
        @wraps(handler)
        async def checked(request: web.Request) -> web.StreamResponse:
            if checks_query:
                request[QUERY] = read_query(request, query)
            return await handler(request)

        described = Operation(
            tag=tag,
            summary=summary,
            description=_description(handler),
            answers=answers,
            query=query,
            checks_query=checks_query,
            body=body,
            errors=(*errors, *JOB_ERRORS) if makes_job else errors,
            headers=_JOB_HEADERS if makes_job else frozenset({"X-Correlation-ID"}),
        )
        setattr(checked, _OPERATION, described)
        return checked

    return describe


def operation_of(handler: Any) -> Operation | None:
    """A handler's description; None if it has none."""
    found = getattr(handler, _OPERATION, None)
    return found if isinstance(found, Operation) else None


def _description(handler: Handler) -> str:
    """The handler's docstring without the route that it begins with."""
    text = "\n".join(line.strip() for line in (handler.__doc__ or "").strip().splitlines())
    _, _, rest = text.partition("`: ") if text.startswith("`") else ("", "", text)
    sentence = rest or text
    return sentence[:1].upper() + sentence[1:]
