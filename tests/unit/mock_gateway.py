"""A gateway that answers what its own documentation shows as an example, and remembers what it was asked."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

import httpx
import orjson

from modelbus.gateway.app import create_app
from modelbus.gateway.description.examples import CORRELATION_ID, JOB, LOG_LINE
from modelbus.gateway.description.openapi import openapi_document
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.settings import Settings

DOCUMENT: Final = openapi_document(create_app(Settings())[ROUTES])
OPERATIONS: Final = {
    f"{method.upper()} {path}": one for path, of in DOCUMENT["paths"].items() for method, one in of.items()
}
PLOT: Final = {"name": "residuals", "title": "Residuals", "x_label": "predicted", "y_label": "residual"}
_EVENTS: Final = {
    "/events": (
        "JobChanged",
        {"correlation_id": CORRELATION_ID, "command": "Predict", "service": "x", "status": "queued"},
    ),
    "/jobs/{correlation_id}/events": (
        "status",
        {name: JOB[name] for name in JOB if name not in ("spec", "result", "history")},
    ),
}


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A file that comes in a piece."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"a,b\n1,2\n"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"a,b\n1,2\n"


@dataclass
class MockGateway:
    """Answers with examples."""

    asked: dict[str, set[str]] = field(default_factory=dict)
    """By operation, the fields of the query strings that came."""
    told: Any = None
    """The example of the result of the last job that was asked for."""

    def transport(self) -> httpx.MockTransport:
        """What httpx is to use instead of the network."""
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        name = operation_of(request.method, request.url.path)
        query = parse_qs(request.url.query.decode(), keep_blank_values=True)
        self.asked.setdefault(name, set()).update(query)
        path = name.partition(" ")[2]
        if "text/event-stream" in request.headers["Accept"]:
            return _stream(*_EVENTS.get(path, ("log", LOG_LINE)))
        if path == "/jobs/{correlation_id}" and self.told is not None:
            return _json(200, {**JOB, "status": "succeeded", "result": self.told})
        if path.endswith("/plots/{file}"):
            return _json(200, PLOT)
        if path.endswith("/predict") and "dataset" in orjson.loads(request.content):
            self.told = {"model": "prices", "version": 1, "dataset": "shop", "row_count": 6, "report": {}}
            return _json(202, JOB)
        return self._example(OPERATIONS[name])

    def _example(self, operation: dict[str, Any]) -> httpx.Response:
        good = sorted(status for status in operation["responses"] if status < "300")
        kinds = operation["responses"][good[0]].get("content", {})
        body = kinds.get("application/json", {})
        if good[0] == "204":
            return httpx.Response(204)
        if "example" not in body:
            return _json(200, {"a": "document"}) if body else httpx.Response(200, stream=_Body())
        if "202" in good:
            self.told = body["example"]
        return _json(int(good[0]), body["example"])


def operation_of(method: str, path: str) -> str:
    """Which operation a request is; a path without variables goes before one with."""
    paths = sorted(
        (name.partition(" ")[2] for name in OPERATIONS if name.startswith(f"{method} ")), key=lambda one: "{" in one
    )
    for template in paths:
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", re.escape(template).replace(r"\{", "{").replace(r"\}", "}")), path):
            return f"{method} {template}"
    raise AssertionError(f"no route answers {method} {path}")


def query_of(operation: str) -> set[str]:
    """The fields that an operation's query string may have."""
    return {one["name"] for one in OPERATIONS[operation]["parameters"] if one.get("in") == "query"}


def first(events: Iterator[Any]) -> Any:
    """The first event of a stream, which is then closed."""
    close: Callable[[], None] = events.close  # type: ignore[attr-defined]
    try:
        return next(iter(events))
    finally:
        close()


def _json(status: int, document: Any) -> httpx.Response:
    headers = {"Content-Type": "application/json", "X-Correlation-ID": CORRELATION_ID}
    return httpx.Response(status, headers=headers, content=orjson.dumps(document))


def _stream(name: str, data: Any) -> httpx.Response:
    text = b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=text)
