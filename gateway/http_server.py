"""The HTTP server, which also turns aiohttp's own responses, sent before any middleware runs, into problems.

aiohttp answers a malformed request with a line of text and logs it as an error with a traceback. Both happen in its
protocol class, with one instance for each connection, so that class is extended here.
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
"""Status, code and message."""

_HEADER_LIMIT: Final = 8190
"""The maximum size of a header, name and value, in bytes."""
_URL_LIMIT: Final = 8192
"""The maximum size of the request line in bytes. It differs from the limit of a header, since aiohttp's error for a
long line only names the limit."""
_HEADERS_LIMIT: Final = 128

_VERSIONS: Final = (HttpVersion10, HttpVersion11)
_SUPPORTED: Final = "the gateway supports HTTP/1.1 and HTTP/1.0"
_REQUEST_LINE: Final = "a request starts with a line such as `GET /datasets HTTP/1.1`"
_CHUNKS: Final = "the chunked body is malformed; each chunk is its size in hexadecimal, CR LF, its bytes, CR LF"
_SENTENCES: Final[tuple[tuple[str, int, str], ...]] = (
    (r"HTTPS traffic", 400, "received TLS on a plain HTTP port; use http://"),
    (r"Too many (headers|trailers)", 431, f"the request has more than {_HEADERS_LIMIT} headers; send fewer"),
    (r"Missing 'Host'", 400, "the header Host is missing, which HTTP/1.1 requires"),
    (r"[Cc]hunk", 400, _CHUNKS),
    (
        r"(?i)content-length.*transfer-encoding|transfer-encoding.*content-length",
        400,
        "Content-Length and Transfer-Encoding must not be combined; send one of them",
    ),
    (r"(?i)content-length", 400, "Content-Length must be a single whole number, the size of the body in bytes"),
    (r"(?i)transfer-encoding", 400, "the only supported Transfer-Encoding is chunked"),
    (r"(?i)CRLF|CR after|line ending", 400, "each line of a request's head must end with CR LF"),
    (r"(?i)version|HTTP/", 400, f"the request line is malformed; {_REQUEST_LINE}, and {_SUPPORTED}"),
    (r"(?i)method", 400, f"the request method is unknown; {_REQUEST_LINE}"),
    (r"(?i)url", 400, "the URL is malformed; percent-encode non-ASCII characters as UTF-8"),
    (r"(?i)header", 400, "a header is malformed; each header is a line `Name: value` without control characters"),
)
"""Status and message by the error of aiohttp or its parser; the first match counts."""
_TWICE: Final = re.compile(r"Duplicate '?([\w-]{1,100})")


class GatewayRunner(web.AppRunner):
    """Runs the gateway's application on a server whose own responses are problems."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        """Args: app: The application. options: The options of ``web.AppRunner``."""
        limits = {"max_line_size": _URL_LIMIT, "max_field_size": _HEADER_LIMIT, "max_headers": _HEADERS_LIMIT}
        # Bodies are never decompressed: routes refuse compressed bodies.
        super().__init__(app, **{**limits, "auto_decompress": False, "access_log": None, **options})

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(_checked(made.request_handler), request_factory=made.request_factory, **self._kwargs)


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


def _checked(handle: RequestHandling) -> RequestHandling:
    """Refuse requests that the parser accepts but the gateway does not support, before the application sees them."""

    async def handle_checked(request: web.BaseRequest) -> web.StreamResponse:
        refusal = _unsupported(request)
        return await handle(request) if refusal is None else _answered(request, *refusal)

    return handle_checked


def _unsupported(request: web.BaseRequest) -> Refusal | None:
    if request.version not in _VERSIONS:
        version = f"HTTP/{request.version.major}.{request.version.minor}"
        return 400, "bad_request", f"{version} is not supported; {_SUPPORTED}"
    if request.method == hdrs.METH_CONNECT:
        return (
            400,
            "bad_request",
            "CONNECT is not supported, since the gateway is not a proxy; request a path, such as GET /",
        )
    expected = request.headers.get(hdrs.EXPECT, "")
    if expected and expected.lower() != "100-continue":
        sentence = f"Expect {expected[:100]!r} is not supported; send `Expect: 100-continue` or omit the header"
        return 417, "bad_request", sentence
    return None


class _Connection(RequestHandler):
    """A connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's own words, which the exception has too
    ) -> web.StreamResponse:
        """Respond to a malformed request, or to an error outside of all handlers."""
        if request.writer.output_size > 0:
            raise ConnectionError("a response has already begun")
        if isinstance(exc, HttpProcessingError):
            return _answered(request, *_refusal(exc))
        log.error("request.failed", method=request.method, path=request.path, exc_info=exc)
        return _answered(request, status, "internal", UNFORESEEN)

    def data_received(self, data: bytes) -> None:
        """Process received bytes; if they are malformed, fail the reader of the body.

        Otherwise the reader would wait for a malformed body until the client gives up.
        """
        super().data_received(data)
        if self._messages and not isinstance(self._messages[-1][0], RawRequestMessage):
            for body in self._unfinished_bodies():
                body.set_exception(RequestPayloadError("the rest of the body is malformed"))

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log an error of the connection, unless the client has already received an error about its body."""
        if not isinstance(kw.get("exc_info"), (RequestPayloadError, ConnectionError)):
            log.error("connection.failed", reason=str(args[0]) if args else "", exc_info=kw.get("exc_info"))

    def _unfinished_bodies(self) -> Iterator[StreamReader]:
        bodies = [body for _, body in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        return (body for body in bodies if not body.is_eof())


def _answered(request: web.BaseRequest, status: int, code: str, sentence: str) -> web.StreamResponse:
    """A problem with the headers of all other responses, which closes the connection."""
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
    """Status, code and message for an error of the parser."""
    if isinstance(error, LineTooLong):
        if error.args[1] == _URL_LIMIT:
            return 414, "bad_request", f"the URL exceeds {_URL_LIMIT} bytes; send long values in the body"
        return 431, "bad_request", f"a header exceeds {_HEADER_LIMIT} bytes"
    if twice := _TWICE.search(error.message):
        return 400, "bad_request", f"the header {twice[1]} is repeated; send it once"
    found = next(((status, words) for pattern, status, words in _SENTENCES if re.search(pattern, _said(error))), None)
    status, words = found or (400, f"the request is not valid HTTP/1.1; {_REQUEST_LINE}")
    return status, "bad_request", words


def _said(error: HttpProcessingError) -> str:
    """The parser's message without quotations of the request, which may contain any word."""
    if isinstance(error, InvalidURLError):
        return "URL"
    if isinstance(error, TransferEncodingError):
        return "chunk"
    lines = error.message.strip().splitlines()
    said = "".join(lines[:2] if isinstance(error, BadStatusLine) else lines[:1]).partition(" b'")[0]
    is_method = isinstance(error, BadHttpMethod)
    return f"{said} version" if isinstance(error, BadStatusLine) and not is_method else said
