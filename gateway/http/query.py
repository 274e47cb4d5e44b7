"""Query strings: their parameters are models, and every other parameter or value is refused with a hint."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo

from modelbus.shared.contracts.base import PATTERN_WORDS
from modelbus.shared.contracts.near_names import hint, near_names
from modelbus.shared.errors import BadRequest, InvalidCommand
from modelbus.shared.moments import DAY_PATTERN, MOMENT_FORMS, MOMENT_PATTERN, TIME_PATTERN, moment_of

_MOMENT: Final = "time or age"
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_SECONDS: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15}")


class Query(BaseModel):
    """The base of all query models."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


QUERY: Final[web.RequestKey[Query]] = web.RequestKey("query", Query)
"""The validated query of the request."""
AnyQuery = TypeVar("AnyQuery", bound=Query)


def is_whole_number(text: str) -> bool:
    """Whether a text is a whole number in plain digits: ``int`` would also accept `` 1_0 `` and Arabic digits."""
    return _WHOLE.fullmatch(text) is not None


def seconds_of(text: str) -> float | None:
    """The seconds in a text, in plain digits; None if there are none: ``float`` would also accept NaN, infinity and
    ``1_0``.
    """
    return float(text) if _SECONDS.fullmatch(text) else None


def _whole_number(value: Any) -> Any:
    if isinstance(value, str) and not is_whole_number(value):
        raise ValueError("not a whole number")
    return value


def _seconds(value: Any) -> Any:
    seconds = seconds_of(value) if isinstance(value, str) else value
    if seconds is None:
        raise ValueError("not a number of seconds")
    return seconds


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return moment_of(value.replace(" ", "+"))  # a plus in a query string is a space
    except InvalidCommand as error:
        raise ValueError(error.message) from error


Whole = Annotated[int, BeforeValidator(_whole_number)]
Seconds = Annotated[float, Field(ge=0), BeforeValidator(_seconds)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": _MOMENT, "pattern": MOMENT_PATTERN}),
]
"""A time in ISO 8601 (UTC without a time zone) or an age."""


_CURSOR_PATTERN: Final = rf"^{DAY_PATTERN}T{TIME_PATTERN}[+]00:00_[A-Za-z0-9._-]{{1,100}}$"
Cursor = Annotated[str, Field(max_length=200, json_schema_extra={"pattern": _CURSOR_PATTERN})]
"""The cursor of a chronological list, in the format of ``cursors.py``."""


class Waiting(Query):
    """The query of routes that can wait for a job."""

    wait: Seconds | None = Field(None, examples=[0, 30])
    """The number of seconds to wait for the end of the job, up to the gateway's limit. Equivalent to `Prefer:
    wait=N`."""


class Page(Query):
    """The query of lists."""

    limit: Whole = Field(50, ge=1, le=200)
    """The maximum number of items to return."""
    cursor: Cursor | None = None
    """The `next` of the previous page."""


class NamePage(Page):
    """The query of lists by name."""

    cursor: str | None = Field(None, max_length=200)
    """The `next` of the previous page."""

    limit: Whole = Field(100, ge=1, le=1000)
    """The maximum number of items to return."""


class Forcing(Query):
    """The query of deletions that can be refused."""

    force: bool = False
    """Delete the resource even if it is in use."""


def read_query(request: web.Request, model: type[AnyQuery]) -> AnyQuery:
    """Validate the query string of a request.

    Raises:
        BadRequest: Names the faulty parameter, its value, and what would be right.
    """
    given = read_given(request, model)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _refused(error, model, given) from error


def read_given(request: web.Request, model: type[Query]) -> dict[str, Any]:
    """The parameters of a request's query string, unvalidated; lists have all their values.

    Raises:
        BadRequest: A parameter is unknown, or is repeated without being a list.
    """
    for name in request.query:
        if name not in model.model_fields:
            raise BadRequest(_unknown(name, model), details=[{"where": f"query.{name[:100]}", "problem": "unknown"}])
    refuse_repeated(request, model)
    lists = {name for name, field in model.model_fields.items() if _is_list(field)}
    return {name: request.query.getall(name) if name in lists else request.query[name] for name in request.query}


def refuse_repeated(request: web.Request, model: type[Query]) -> None:
    """Check that only lists are repeated in the query string.

    Raises:
        BadRequest: Names the parameter.
    """
    for name in request.query:
        count, field = len(request.query.getall(name)), model.model_fields.get(name)
        if count > 1 and not (field and _is_list(field)):
            problem = f"must not be repeated, but is given {count} times"
            where = f"query.{name[:100]}"
            raise BadRequest(f"?{name[:100]}= {problem}", details=[{"where": where, "problem": problem}])


def query_of(request: web.Request, model: type[AnyQuery]) -> AnyQuery:
    """The validated query of the request."""
    query = request[QUERY]
    assert isinstance(query, model)  # the route says so
    return query


def _is_list(field: FieldInfo) -> bool:
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    return any(get_origin(kind) is list for kind in kinds)


def _unknown(name: str, model: type[Query]) -> str:
    instead = hint(name, model.model_fields) or "this route has no query parameters"
    return f"unknown query parameter {name[:100]!r}; {instead}"


def _refused(error: ValidationError, model: type[Query], given: Mapping[str, Any]) -> BadRequest:
    properties = model.model_json_schema()["properties"]
    details = []
    for fault in error.errors(include_url=False, include_context=False):
        name = str(fault["loc"][0])
        problem = _problem(properties[name])
        details.append({"where": f"query.{name}", "problem": problem, "given": str(given.get(name))[:100]})
    first = str(details[0]["where"]).removeprefix("query.")
    options = _kind_of(properties[first]).get("enum", ())
    near = near_names(str(given.get(first)), options)
    suggestion = f"; did you mean {near[0]}?" if near else ""
    message = f"?{first}= {details[0]['problem']}, not {str(given.get(first))[:50]!r}{suggestion}"
    return BadRequest(message, details=details)


def _problem(schema: Mapping[str, Any]) -> str:
    return PATTERN_WORDS.get(_kind_of(schema).get("pattern", ""), f"must be {_expected(schema)}")


def _kind_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a parameter, or of the items of a list, without null."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    kind: Mapping[str, Any] = kinds[0].get("items", kinds[0])
    return kind


def _expected(schema: Mapping[str, Any]) -> str:
    """The valid values of a parameter in words."""
    kind = _kind_of(schema)
    if "enum" in kind:
        return f"one of {', '.join(map(str, kind['enum']))}"
    if "const" in kind:
        return str(kind["const"])
    named: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "integer": lambda kind: f"a whole number{_range(kind)}",
        "number": lambda kind: f"a number{_range(kind)}",
        "boolean": lambda _kind: "true or false",
    }
    if kind.get("format") == _MOMENT:
        return MOMENT_FORMS
    if kind.get("format") == "uuid":
        return "a UUID"
    describe = named.get(str(kind.get("type")))
    return describe(kind) if describe else f"text of at most {kind.get('maxLength', 1000)} characters"


def _range(kind: Mapping[str, Any]) -> str:
    least, most = kind.get("minimum"), kind.get("maximum")
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    return "" if least is None else f" of at least {least:g}"
