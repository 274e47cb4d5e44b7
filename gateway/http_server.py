"""The HTTP server: what aiohttp answers by itself, before any middleware sees the request, is a problem too.

aiohttp answers a request that it cannot read with a line of text, and logs it with a traceback as an error. Both
happen in its protocol class, of which there is one for each connection; so that class is extended here.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import structlog
from aiohttp import hdrs, web
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import (
    BadHttpMethod,
    BadStatusLine,
    HttpProcessingError,
    InvalidURLError,
    LineTooLong,
    TransferEncodingError,
)
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from modelbus.gateway.access.origins import say_security_headers
from modelbus.gateway.application_keys import CORRELATION_ID
from modelbus.gateway.http.problems import UNFORESEEN, problem
from modelbus.gateway.http.requests import CORRELATION_HEADER
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.observing.metrics import HTTP_REQUESTS

log = structlog.get_logger()

RequestHandling = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Refusal = tuple[int, str, str]
"""Status, code and sentence."""

_HEADER_LIMIT: Final = 8190
"""Bytes of one header, name and value."""
_URL_LIMIT: Final = 8192
"""Bytes of a request's first line. Not the limit of a header: aiohttp says no more of a line that is too long than the
limit that it broke."""
_HEADERS_LIMIT: Final = 128

_VERSIONS: Final = (HttpVersion10, HttpVersion11)
_SPOKEN: Final = "the gateway speaks HTTP/1.1 and HTTP/1.0"
_REQUEST_LINE: Final = "a request begins with a line such as `GET /datasets HTTP/1.1`"
_CHUNKS: Final = "the body's chunks cannot be read; each is its size in hex, a line end, its bytes, a line end"
_SENTENCES: Final[tuple[tuple[str, int, str], ...]] = (
    (r"HTTPS traffic", 400, "this is TLS, and the gateway speaks plain HTTP here; ask it by http://"),
    (r"Too many (headers|trailers)", 431, f"the request has more than {_HEADERS_LIMIT} headers; send fewer"),
    (r"Missing 'Host'", 400, "the header Host is missing, which HTTP/1.1 demands"),
    (r"[Cc]hunk", 400, _CHUNKS),
    (
        r"(?i)content-length.*transfer-encoding|transfer-encoding.*content-length",
        400,
        "Content-Length and Transfer-Encoding cannot stand in one request; send one of them",
    ),
    (r"(?i)content-length", 400, "Content-Length must be one whole number: how many bytes the body has"),
    (r"(?i)transfer-encoding", 400, "Transfer-Encoding may be chunked, and nothing else"),
    (r"(?i)CRLF|CR after|line ending", 400, "each line of a request's head ends with CR LF"),
    (r"(?i)version|HTTP/", 400, f"the first line of the request cannot be read; {_REQUEST_LINE}, and {_SPOKEN}"),
    (r"(?i)method", 400, f"the request begins with no method that there is; {_REQUEST_LINE}"),
    (r"(?i)url", 400, "the URL of the request cannot be read; percent-encode what is not ASCII, as UTF-8"),
    (r"(?i)header", 400, "a header cannot be read; each is a line `Name: value` without control characters"),
)
"""Status and sentence, by what aiohttp or its parser says; the first that fits."""
_TWICE: Final = re.compile(r"Duplicate '?([\w-]{1,100})")


class GatewayRunner(web.AppRunner):
    """Runs the gateway's application on a server whose own answers are problems."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        """Args:
        app: The application.
        options: As ``web.AppRunner`` has them.
        """
        limits = {"max_line_size": _URL_LIMIT, "max_field_size": _HEADER_LIMIT, "max_headers": _HEADERS_LIMIT}
        # Bodies are never decompressed: what is compressed is refused by the route that would read it.
        super().__init__(app, **{**limits, "auto_decompress": False, "access_log": None, **options})

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(_checked(made.request_handler), request_factory=made.request_factory, **self._kwargs)


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


def _checked(handle: RequestHandling) -> RequestHandling:
    """Refuse what the parser lets through and the gateway does not speak, before the application looks at it."""

    async def handle_checked(request: web.BaseRequest) -> web.StreamResponse:
        refusal = _not_spoken(request)
        return await handle(request) if refusal is None else _told(request, *refusal)

    return handle_checked


def _not_spoken(request: web.BaseRequest) -> Refusal | None:
    if request.version not in _VERSIONS:
        version = f"HTTP/{request.version.major}.{request.version.minor}"
        return 400, "bad_request", f"{version} is not spoken here; {_SPOKEN}"
    if request.method == hdrs.METH_CONNECT:
        return (
            400,
            "bad_request",
            "CONNECT is for proxies, and the gateway is none; ask for a path, by GET / for example",
        )
    expected = request.headers.get(hdrs.EXPECT, "")
    if expected and expected.lower() != "100-continue":
        sentence = f"Expect {expected[:100]!r} is not known here; send `Expect: 100-continue`, or leave it out"
        return 417, "bad_request", sentence
    return None


class _Connection(RequestHandler):
    """One connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's own words, which the exception has too
    ) -> web.StreamResponse:
        """Answer what no handler could: a request that cannot be read, or a fault outside of all handlers."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        if isinstance(exc, HttpProcessingError):
            return _told(request, *_refusal(exc))
        log.error("request.failed", method=request.method, path=request.path, exc_info=exc)
        return _told(request, status, "internal", UNFORESEEN)

    def data_received(self, data: bytes) -> None:
        """Take bytes; where they cannot be read, whoever waits for the rest of a body is told so.

        Otherwise a body that goes wrong behind its headers would be waited for until its sender gives up.
        """
        super().data_received(data)
        if self._messages and not isinstance(self._messages[-1][0], RawRequestMessage):
            for body in self._unfinished_bodies():
                body.set_exception(RequestPayloadError("the rest of the body cannot be read"))

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what went wrong on the connection; a body that could not be read was told to its sender already."""
        if not isinstance(kw.get("exc_info"), (RequestPayloadError, ConnectionError)):
            log.error("connection.failed", reason=str(args[0]) if args else "", exc_info=kw.get("exc_info"))

    def _unfinished_bodies(self) -> Iterator[StreamReader]:
        bodies = [body for _, body in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        return (body for body in bodies if not body.is_eof())


def _told(request: web.BaseRequest, status: int, code: str, sentence: str) -> web.StreamResponse:
    """A problem with what middlewares and signals put on all other answers; its connection ends with it."""
    correlation_id = request.get(CORRELATION_ID) or new_correlation_id()
    if status < 500:
        facts = {"remote": request.remote, "status": status, "reason": sentence}
        log.info("request.unreadable", correlation_id=correlation_id, **facts)
    answer = problem(status, code, sentence, correlation_id)
    answer.headers[CORRELATION_HEADER] = correlation_id
    say_security_headers(answer)
    answer.force_close()
    HTTP_REQUESTS.labels("other", "unknown", status).inc()
    return answer


def _refusal(error: HttpProcessingError) -> Refusal:
    """Status, code and sentence for what the parser found."""
    if isinstance(error, LineTooLong):
        if error.args[1] == _URL_LIMIT:
            return 414, "bad_request", f"the URL has more than {_URL_LIMIT} bytes; send long values in the body"
        return 431, "bad_request", f"a header has more than {_HEADER_LIMIT} bytes; shorten it"
    if twice := _TWICE.search(error.message):
        return 400, "bad_request", f"the header {twice[1]} is given twice; send it once"
    found = next(((status, words) for pattern, status, words in _SENTENCES if re.search(pattern, _said(error))), None)
    status, words = found or (400, f"the request is no HTTP/1.1 that can be read; {_REQUEST_LINE}")
    return status, "bad_request", words


def _said(error: HttpProcessingError) -> str:
    """What the parser says of a request, less what quotes it: that may hold any word."""
    if isinstance(error, InvalidURLError):
        return "URL"
    if isinstance(error, TransferEncodingError):
        return "chunk"
    lines = error.message.strip().splitlines()
    said = "".join(lines[:2] if isinstance(error, BadStatusLine) else lines[:1]).partition(" b'")[0]
    is_method = isinstance(error, BadHttpMethod)
    return f"{said} version" if isinstance(error, BadStatusLine) and not is_method else said
