"""Breaking answers off: what fails after its beginning has left is never ended as if it were whole.

A second answer, a problem say, would become part of the first one's body. Where the connection is reset instead, every
HTTP client knows that its file or its stream is not whole.
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
"""The answer whose headers have left."""
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""What is unsent is dropped, and the other side told by a reset (RST)."""


class BrokenOff(Exception):
    """An answer failed in its midst, for the reason that is its cause; no handler can mend that by another answer."""


async def note_beginning(request: web.Request, response: web.StreamResponse) -> None:
    """Remember that an answer begins to leave.

    Raises:
        BrokenOff: Another one has begun already.
    """
    if request.setdefault(_BEGUN, response) is not response:
        raise BrokenOff("a second answer to one request")


@web.middleware
async def breaking_off_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reset the connection of an answer that fails once it has begun; let every earlier failure become a problem."""
    try:
        answer = await handler(request)
        if _BEGUN in request and request[_BEGUN] is not answer:
            raise BrokenOff("a second answer to one request")
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
