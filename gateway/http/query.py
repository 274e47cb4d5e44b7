"""The query string: what may be said in it is a model; what is said otherwise is refused with what would be right."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo

from modelbus.shared.contracts.base import PATTERN_WORDS
from modelbus.shared.errors import BadRequest, InvalidCommand
from modelbus.shared.moments import DAY_PATTERN, MOMENT_FORMS, MOMENT_PATTERN, TIME_PATTERN, moment_of

_MOMENT: Final = "time or age"
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_SECONDS: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15}")


class Query(BaseModel):
    """Base of what a query string may say."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


QUERY: Final[web.RequestKey[Query]] = web.RequestKey("query", Query)
"""The request's checked query."""
AnyQuery = TypeVar("AnyQuery", bound=Query)


def is_whole_number(text: str) -> bool:
    """Whether a text is a whole number as requests write them: ``int`` would take `` 1_0 `` and Arabic digits too."""
    return _WHOLE.fullmatch(text) is not None


def seconds_of(text: str) -> float | None:
    """The seconds that a text says, in plain digits; None if it says none: ``float`` would take NaN, infinity and
    ``1_0`` too.
    """
    return float(text) if _SECONDS.fullmatch(text) else None


def _whole_number(value: Any) -> Any:
    if isinstance(value, str) and not is_whole_number(value):
        raise ValueError("no whole number")
    return value


def _seconds(value: Any) -> Any:
    seconds = seconds_of(value) if isinstance(value, str) else value
    if seconds is None:
        raise ValueError("no number of seconds")
    return seconds


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return moment_of(value.replace(" ", "+"))  # a plus in a query string is a blank
    except InvalidCommand as error:
        raise ValueError(error.message) from error


Whole = Annotated[int, BeforeValidator(_whole_number)]
Seconds = Annotated[float, Field(ge=0), BeforeValidator(_seconds)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": _MOMENT, "pattern": MOMENT_PATTERN}),
]
"""A time in ISO 8601, in UTC where it does not say, or how long ago it was."""


_CURSOR_PATTERN: Final = rf"^{DAY_PATTERN}T{TIME_PATTERN}[+]00:00_[A-Za-z0-9._-]{{1,100}}$"
Cursor = Annotated[str, Field(max_length=200, json_schema_extra={"pattern": _CURSOR_PATTERN})]
"""Of a list in order of time, as ``cursors.py`` writes and reads it."""


class Waiting(Query):
    """Of routes whose answer may wait."""

    wait: Seconds | None = Field(None, examples=[0, 30])
    """Seconds to wait for the job's end; cut to what the gateway's settings allow. `Prefer: wait=N` says the same."""


class Page(Query):
    """Of lists."""

    limit: Whole = Field(50, ge=1, le=200)
    """How many at most."""
    cursor: Cursor | None = None
    """The `next` of the answer before."""


class NamePage(Page):
    """Of lists by name."""

    cursor: str | None = Field(None, max_length=200)
    """The `next` of the answer before."""

    limit: Whole = Field(100, ge=1, le=1000)
    """How many at most."""


class Forcing(Query):
    """Of deletions that may be refused."""

    force: bool = False
    """Delete also what others stand on."""


def read_query(request: web.Request, model: type[AnyQuery]) -> AnyQuery:
    """Check a request's query string.

    Raises:
        BadRequest: Names the parameter at fault, what was given, and what would be right.
    """
    given = read_given(request, model)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _refused(error, model, given) from error


def read_given(request: web.Request, model: type[Query]) -> dict[str, Any]:
    """What a request's query string says, by name, its values unchecked; of lists, all values.

    Raises:
        BadRequest: A parameter is unknown, or given twice though it is no list.
    """
    for name in request.query:
        if name not in model.model_fields:
            raise BadRequest(_unknown(name, model), details=[{"where": f"query.{name[:100]}", "problem": "unknown"}])
    refuse_repeated(request, model)
    lists = {name for name, field in model.model_fields.items() if _is_list(field)}
    return {name: request.query.getall(name) if name in lists else request.query[name] for name in request.query}


def refuse_repeated(request: web.Request, model: type[Query]) -> None:
    """Refuse a query string that says a parameter twice which is no list.

    Raises:
        BadRequest: Names the parameter.
    """
    for name in request.query:
        count, field = len(request.query.getall(name)), model.model_fields.get(name)
        if count > 1 and not (field and _is_list(field)):
            problem = f"is given {count} times; once is enough"
            where = f"query.{name[:100]}"
            raise BadRequest(f"?{name[:100]}= {problem}", details=[{"where": where, "problem": problem}])


def query_of(request: web.Request, model: type[AnyQuery]) -> AnyQuery:
    """The request's checked query."""
    query = request[QUERY]
    assert isinstance(query, model)  # the route says so
    return query


def _is_list(field: FieldInfo) -> bool:
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    return any(get_origin(kind) is list for kind in kinds)


def _unknown(name: str, model: type[Query]) -> str:
    known = list(model.model_fields)
    close = get_close_matches(name, known, n=1)
    if close:
        hint = f"did you mean {close[0]}?"
    else:
        hint = f"known are {', '.join(known)}" if known else "nothing can be asked for here"
    return f"unknown query parameter {name[:100]!r}; {hint}"


def _refused(error: ValidationError, model: type[Query], given: Mapping[str, Any]) -> BadRequest:
    properties = model.model_json_schema()["properties"]
    details = []
    for fault in error.errors(include_url=False, include_context=False):
        name = str(fault["loc"][0])
        problem = _problem(properties[name])
        details.append({"where": f"query.{name}", "problem": problem, "given": str(given.get(name))[:100]})
    first = str(details[0]["where"]).removeprefix("query.")
    options = _kind_of(properties[first]).get("enum", ())
    close = get_close_matches(str(given.get(first)), options, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    message = f"?{first}= {details[0]['problem']}, not {str(given.get(first))[:50]!r}{hint}"
    return BadRequest(message, details=details)


def _problem(schema: Mapping[str, Any]) -> str:
    return PATTERN_WORDS.get(_kind_of(schema).get("pattern", ""), f"must be {_expected(schema)}")


def _kind_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a parameter, or each item of one that is a list, may be beside null."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    kind: Mapping[str, Any] = kinds[0].get("items", kinds[0])
    return kind


def _expected(schema: Mapping[str, Any]) -> str:
    """In words, what a parameter may be."""
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
    return describe(kind) if describe else f"text of {kind.get('maxLength', 1000)} characters at most"


def _range(kind: Mapping[str, Any]) -> str:
    least, most = kind.get("minimum"), kind.get("maximum")
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    return "" if least is None else f" from {least:g} on"
