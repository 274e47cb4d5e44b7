"""Aborting responses: a response that fails after it has begun must not look complete.

A second response, such as a problem, would become part of the first body. Resetting the connection tells every HTTP
client that its file or stream is incomplete.
"""

import socket
import struct
from typing import Final

import structlog
from aiohttp import web

from modelbus.gateway.http.problems import Handler
from modelbus.shared.errors import ModelbusError

log = structlog.get_logger()

_BEGUN: Final[web.RequestKey[web.StreamResponse]] = web.RequestKey("begun", web.StreamResponse)
"""The response whose headers have been sent."""
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""A socket option that drops unsent data and resets the connection (RST)."""


class BrokenOff(Exception):
    """A response failed after it had begun, for the reason given as the cause; no other response can follow."""


async def note_beginning(request: web.Request, response: web.StreamResponse) -> None:
    """Record that a response has begun.

    Raises:
        BrokenOff: Another response has already begun.
    """
    if request.setdefault(_BEGUN, response) is not response:
        raise BrokenOff("a second response to one request")


@web.middleware
async def breaking_off_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reset the connection of a response that fails after it has begun; earlier failures become problems."""
    try:
        answer = await handler(request)
        if _BEGUN in request and request[_BEGUN] is not answer:
            raise BrokenOff("a second response to one request")
        return answer
    except Exception as error:
        if _BEGUN not in request:
            raise
        begun: web.StreamResponse = request[_BEGUN]
        _tell(request, error)
        _reset(request)
        return begun


def _tell(request: web.Request, error: Exception) -> None:
    facts = {"method": request.method, "path": request.path}
    cause = error.__cause__ if isinstance(error, BrokenOff) else error
    if isinstance(cause, ConnectionError):
        log.debug("answer.abandoned", **facts)  # its reader is gone
    elif isinstance(cause, ModelbusError):
        log.warning("answer.aborted", code=cause.code, error=cause.message, **facts)
    else:
        log.error("answer.aborted", exc_info=error, **facts)


def _reset(request: web.Request) -> None:
    if request.transport is None:
        return
    # Else the connection would be closed in order: the end of a whole answer in HTTP/1.0, which proxies speak.
    request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    request.transport.abort()
