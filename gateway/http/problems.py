"""Errors as problem details (RFC 9457): the only place that maps errors to HTTP statuses."""

import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import structlog
from aiohttp import web
from aiohttp.web_exceptions import HTTPException
from aiohttp.web_protocol import RequestPayloadError

from modelbus.gateway.application_keys import CORRELATION_ID
from modelbus.shared.errors import BadRequest as BadRequest
from modelbus.shared.errors import ModelbusError, error_of, error_types
from modelbus.shared.errors import UnsupportedMediaType as UnsupportedMediaType

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUS: Final = {
    "bad_request": 400,
    "unsupported_media_type": 415,
    "invalid_command": 422,
    "signature_mismatch": 422,
    "estimator_rejected": 422,
    "malformed_table": 422,
    "limit_exceeded": 413,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "artifact_refused": 409,
    "cancelled": 409,
    "timed_out": 504,
    "out_of_memory": 507,
    "backlog_full": 429,
    "unavailable": 503,
}
"""The status by the code of an error or of its nearest ancestor in the tree; 500 for all others."""

_BROKEN_BODY: Final = "the body is incomplete or does not match the headers Content-Length and Transfer-Encoding"

_CODES_OF_STATUS: Final = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "limit_exceeded",
    415: "unsupported_media_type",
}

RETRY_AFTER_S: Final = 2
UNFORESEEN: Final = "an internal error occurred; the gateway's log has the details under the correlation id"


def status_of(error: ModelbusError) -> int:
    """The HTTP status of an error."""
    for kind in type(error).__mro__:
        status = _STATUS.get(getattr(kind, "code", ""))
        if status:
            return status
    return 500


def status_of_code(code: str) -> int:
    """The HTTP status for the code of an error."""
    return status_of(error_of(code, "-"))


def known_codes() -> dict[str, tuple[int, str]]:
    """Every code with its status and default message, for the documentation."""
    return {kind.code: (status_of(kind("-")), (kind.__doc__ or "").strip()) for kind in error_types()}


def problem(
    status: int,
    code: str,
    message: str,
    correlation_id: str | None,
    details: list[dict[str, Any]] | None = None,
    retry_after_s: float | None = None,
) -> web.Response:
    """A response with problem details."""
    document: dict[str, Any] = {
        "type": f"urn:modelbus:error:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": message,
        "code": code,
        "correlation_id": correlation_id,
    }
    if details:
        document["errors"] = details
    headers = {"Content-Type": "application/problem+json"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="modelbus"'
    if status in (429, 503):
        headers["Retry-After"] = str(math.ceil(retry_after_s or RETRY_AFTER_S))
    return web.Response(status=status, body=orjson.dumps(document, default=str), headers=headers)


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into problem details; unexpected exceptions are logged and reported without internals."""
    correlation_id = request.get(CORRELATION_ID)
    try:
        return await handler(request)
    except ModelbusError as error:
        return problem(status_of(error), error.code, error.message, correlation_id, error.details, error.retry_after_s)
    except HTTPException as error:
        return _http_problem(request, error, correlation_id)
    except RequestPayloadError:
        return problem(400, "bad_request", _BROKEN_BODY, correlation_id)
    except Exception as error:
        if isinstance(error, ConnectionError) and _has_left(request):
            log.info("request.abandoned", method=request.method, path=request.path)
            return problem(400, "bad_request", "the client disconnected before the body was complete", correlation_id)
        log.exception("request.failed", method=request.method, path=request.path)
        return problem(500, "internal", UNFORESEEN, correlation_id)


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _http_problem(request: web.Request, error: HTTPException, correlation_id: str | None) -> web.StreamResponse:
    """An error raised by aiohttp, as a problem.

    Raises:
        HTTPException: It is not an error but, for example, a redirect.
    """
    if error.status < 400:
        raise error
    message = {
        404: f"unknown path {request.path}; GET / lists all routes",
        405: f"method {request.method} is not allowed at {request.path}",
        413: "the body exceeds the limit for commands, half of MODELBUS_MESSAGE_LIMIT_BYTES; upload tables "
        "with POST /datasets",
    }.get(error.status, error.reason)
    answer = problem(error.status, _CODES_OF_STATUS.get(error.status, "bad_request"), message, correlation_id)
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer
