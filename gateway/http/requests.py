"""Reading requests: correlation id, wait, paging, JSON bodies, commands."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from modelbus.gateway.application_keys import CORRELATION_ID, SETTINGS
from modelbus.gateway.http.problems import BadRequest, Handler, UnsupportedMediaType
from modelbus.gateway.http.query import seconds_of
from modelbus.shared.contracts import Name, new_correlation_id, parse_command
from modelbus.shared.contracts.base import AliasName, CommandBase, ModelReference
from modelbus.shared.contracts.commands.registry import invalid_command
from modelbus.shared.contracts.json_bodies import read_json, require_json
from modelbus.shared.contracts.sentences import type_name
from modelbus.shared.errors import ModelbusError

AnyBody = TypeVar("AnyBody", bound=BaseModel)
AnyCommand = TypeVar("AnyCommand", bound=CommandBase)

CORRELATION_HEADER: Final = "X-Correlation-ID"
_KEY_LIMIT: Final = 255
_PREFERENCE: Final[web.RequestKey[str]] = web.RequestKey("preference", str)
"""The applied preference of the header `Prefer`."""
_REFUSAL: Final[web.RequestKey[ModelbusError]] = web.RequestKey("refusal", ModelbusError)
"""The reason for refusing the request's id or headers."""
_JSON_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_HEARD_HEADERS: Final = (CORRELATION_HEADER, "Idempotency-Key", "Authorization", "Content-Type", "Prefer")
"""The headers whose text is stored or returned."""
_NAMED: Final = {"correlation_id": "a correlation id"}

_NAME: TypeAdapter[str] = TypeAdapter(Name)
_ALIAS: TypeAdapter[str] = TypeAdapter(AliasName)
_REFERENCE: TypeAdapter[str] = TypeAdapter(ModelReference)


@web.middleware
async def correlation_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every request a correlation id: the client's, one derived from its Idempotency-Key, or a new one.

    The id is bound to every log line of the request and returned in ``X-Correlation-ID``.
    """
    correlation_id, refusal = _correlation_id(request)
    request[CORRELATION_ID] = correlation_id
    if refusal is not None:
        request[_REFUSAL] = refusal
    with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
        return await handler(request)


@web.middleware
async def head_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request with an invalid id or invalid headers, where it is logged and counted like any other.

    Raises:
        BadRequest: Names the fault.
    """
    if _REFUSAL in request:
        raise request[_REFUSAL]
    return await handler(request)


async def complete_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the id and the applied preference to every response before its headers are sent, including streams."""
    if CORRELATION_ID in request:
        response.headers.setdefault(CORRELATION_HEADER, request[CORRELATION_ID])
    if _PREFERENCE in request:
        response.headers["Preference-Applied"] = request[_PREFERENCE]


def _correlation_id(request: web.Request) -> tuple[str, ModelbusError | None]:
    refusal = _unreadable(request)
    if refusal is not None:
        return new_correlation_id(), refusal
    given, key = request.headers.get(CORRELATION_HEADER), request.headers.get("Idempotency-Key")
    if given is not None:
        try:
            return str(UUID(given)), None
        except ValueError:
            return new_correlation_id(), BadRequest(f"{CORRELATION_HEADER} must be a UUID, not {given[:100]!r}")
    if key is not None:
        if not 1 <= len(key) <= _KEY_LIMIT:
            return new_correlation_id(), BadRequest(f"Idempotency-Key must be 1 to {_KEY_LIMIT} characters long")
        # The same key on the same resource is the same job, without a table of keys.
        return str(uuid5(NAMESPACE_URL, f"{request.method} {request.path} {key}")), None
    return new_correlation_id(), None


def _unreadable(request: web.Request) -> ModelbusError | None:
    """The reason for refusing a request's headers: their text is stored and returned as UTF-8."""
    if not _is_text(request.raw_path):
        return BadRequest("the URL is not valid UTF-8; percent-encode non-ASCII characters as UTF-8")
    for name in _HEARD_HEADERS:
        if not all(map(_is_text, request.headers.getall(name, []))):
            return BadRequest(f"the header {name} is not valid UTF-8")
    for name in (CORRELATION_HEADER, "Idempotency-Key"):
        if len(request.headers.getall(name, [])) > 1:
            return BadRequest(f"the header {name} is repeated; send it once")
    return None


def _is_text(given: str) -> bool:
    # the parser keeps invalid UTF-8 as lone surrogates
    return given.isascii() or not any("\ud800" <= one <= "\udfff" for one in given)


def correlation_id_of(request: web.Request) -> str:
    """The request's correlation id."""
    return request[CORRELATION_ID]


def has_own_correlation_id(request: web.Request) -> bool:
    """Whether the client identified its request by a correlation id or an Idempotency-Key."""
    return CORRELATION_HEADER in request.headers or "Idempotency-Key" in request.headers


def adopt_correlation_id(request: web.Request, correlation_id: str) -> None:
    """Use the id of an existing job for the request, in its response and log lines."""
    request[CORRELATION_ID] = correlation_id
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id)


def name_in_path(request: web.Request, part: str) -> str:
    """A name from the path.

    Raises:
        BadRequest: The name is invalid.
    """
    return valid_name(request.match_info[part], part)


def valid_name(given: str, what: str) -> str:
    """Validate a name, which was given as ``what``.

    Raises:
        BadRequest: The name is invalid.
    """
    return _valid(_NAME, given, what)


def alias_in_path(request: web.Request) -> str:
    """An alias from the path.

    Raises:
        BadRequest: The alias is invalid.
    """
    return _valid(_ALIAS, request.match_info["alias"], "alias")


def reference_in_path(request: web.Request) -> str:
    """A model reference from the path: ``name``, ``name@alias`` or ``name@3``.

    Raises:
        BadRequest: The reference is invalid.
    """
    return _valid(_REFERENCE, request.match_info["reference"], "model")


def correlation_id_in_path(request: web.Request) -> str:
    """A correlation id from the path.

    Raises:
        BadRequest: The id is not a UUID.
    """
    return uuid_in_path(request, "correlation_id")


def uuid_in_path(request: web.Request, part: str) -> str:
    """A UUID from the path.

    Raises:
        BadRequest: It is none.
    """
    return _uuid(request.match_info[part], part)


def wait_s(request: web.Request, default: float) -> float:
    """The requested wait: ``?wait=N``, ``Prefer: wait=N`` or ``Prefer: respond-async`` (RFC 7240).

    Args:
        request: The request.
        default: The wait in seconds without a request for it.

    Returns:
        The wait in seconds, up to the limit of the settings.

    Raises:
        BadRequest: The wait is not a number of seconds.
    """
    limit = request.app[SETTINGS].wait_limit_s
    given, preference = request.query.get("wait"), None
    if given is None:
        given, preference = _preferred_wait(request)
    if given is None:
        return min(default, limit)
    seconds = seconds_of(given)
    if seconds is None:
        raise BadRequest(
            f"wait must be a number of seconds of at least 0, not {given[:50]!r}; the maximum is {limit:g} "
            "(MODELBUS_WAIT_LIMIT_S)"
        )
    if preference is not None:
        request[_PREFERENCE] = preference
    return min(seconds, limit)


def _preferred_wait(request: web.Request) -> tuple[str | None, str | None]:
    """The wait in `Prefer`, and the preference to report as applied; `wait` takes precedence over `respond-async`."""
    found: dict[str, str] = {}
    for preference in ",".join(request.headers.getall("Prefer", [])).split(","):
        name, _, value = preference.strip().partition("=")
        found.setdefault(name.strip().lower(), value.strip('" '))
    if "wait" in found:
        return found["wait"], f"wait={found['wait']}"
    return ("0", "respond-async") if "respond-async" in found else (None, None)


def refuse_compressed(request: web.Request) -> None:
    """Refuse a compressed body.

    Raises:
        UnsupportedMediaType: The body is compressed.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedMediaType(f"Content-Encoding {encoding[:50]!r} is not supported; send the body uncompressed")


async def json_body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        UnsupportedMediaType: The body is not declared as JSON, or is compressed.
        BadRequest: The body is not a JSON object; the message says where it breaks.
    """
    refuse_compressed(request)
    require_json(request.headers.get("Content-Type"))
    raw = await request.read()
    if not raw:
        raise BadRequest("the body must be a JSON object, but is empty")
    document = read_json(raw)
    if not isinstance(document, dict):
        raise BadRequest(f"the body must be a JSON object, not {type_name(document)}")
    return document


async def body_of(request: web.Request, model: type[AnyBody]) -> AnyBody:
    """The request's JSON object as a model that is not a command.

    Raises:
        InvalidCommand: With one detail for each faulty field.
    """
    try:
        return model.model_validate(await json_body(request))
    except ValidationError as error:
        raise invalid_command(error, model) from error


def command_from(request: web.Request, kind: type[AnyCommand], body: Mapping[str, Any], **given: Any) -> AnyCommand:
    """The command of a request: its body with the fields from the route.

    Args:
        request: The request.
        kind: The command's class.
        body: The fields given by the client.
        given: The fields given by the route.

    Raises:
        InvalidCommand: With one detail for each faulty field.
        BadRequest: The body repeats a field of the route.
    """
    fixed = {"command": kind.__name__, "correlation_id": correlation_id_of(request), **given}
    repeated = sorted(fixed.keys() & body.keys())
    if repeated:
        raise BadRequest(f"the body must not have {' or '.join(repeated)}, which the route or a header gives")
    command = parse_command({**body, **fixed})
    assert isinstance(command, kind)  # by the field `command`
    return command


def _uuid(given: str, part: str) -> str:
    try:
        return str(UUID(given))
    except ValueError:
        raise BadRequest(f"{_NAMED.get(part, 'an id')} is a UUID, not {given[:100]!r}") from None


def _valid(adapter: TypeAdapter[str], given: str, part: str) -> str:
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise BadRequest(f"{part} {given[:100]!r}: {invalid_command(error).details[0]['problem']}") from error
