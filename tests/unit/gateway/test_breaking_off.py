"""What fails after an answer has begun: the connection is reset, and nothing else is ever sent on it."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from modelbus.gateway.app import create_app
from modelbus.gateway.jobs.event_stream import STREAMS, StreamEvent
from modelbus.gateway.routing.route import OPEN, Answer, route
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.errors import StoreUnavailable, UnknownUpload
from modelbus.shared.settings import Settings

LONG_S = 20.0
"""Longer than anything here takes: it ends a test that has failed."""
FAILURES = [
    StoreUnavailable("MongoDB fails over"),
    UnknownUpload("deleted meanwhile"),
    ValueError("nobody foresaw it"),
    web.HTTPNotFound(),
]
Begin = Callable[[web.Request], web.StreamResponse]


def sized(_request: web.Request) -> web.StreamResponse:
    return web.StreamResponse(headers={"Content-Length": "100000"})


def chunked(_request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    return response


async def received(handler: Callable[[web.Request], object], *, version: str = "1.1") -> tuple[bytes, bool]:
    """All that the gateway's application sends for a handler, and whether it reset the connection after it."""
    app = create_app(Settings())
    app.cleanup_ctx.clear()
    app.router.add_get("/answer", handler)  # type: ignore[arg-type]
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(f"GET /answer HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
        sent = b""
        try:
            while chunk := await asyncio.wait_for(reader.read(65536), LONG_S):
                sent += chunk
        except ConnectionResetError:
            return sent, True
        finally:
            writer.close()
        return sent, False


def breaking(begin: Begin, failure: Exception, body: bytes) -> Callable[[web.Request], object]:
    @route("GET", "/answer", scope=OPEN, tag="services", summary="Break", answers={200: Answer("It breaks.")})
    async def handler(request: web.Request) -> web.StreamResponse:
        """Sends something, and fails."""
        response = begin(request)
        await response.prepare(request)
        await response.write(body)
        raise failure

    return handler


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("begin", [sized, chunked])
@pytest.mark.parametrize("body", [b"", b"a,b\n1,2\n"], ids=["before its body", "in its body"])
async def test_an_answer_that_fails_in_its_midst_is_cut_off_and_holds_nothing_else(
    begin: Begin, failure: Exception, body: bytes
) -> None:
    sent, was_reset = await received(breaking(begin, failure, body))

    assert was_reset
    assert sent.count(b"HTTP/1.1") <= 1  # none, where the reset overtook what was on its way
    assert b"problem" not in sent
    assert not sent.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("begins", [True, False], ids=["begun", "returned"])
async def test_a_handler_that_gives_a_second_answer_is_cut_off(begins: bool) -> None:
    @route("GET", "/answer", scope=OPEN, tag="services", summary="Break", answers={200: Answer("It breaks.")})
    async def handler(request: web.Request) -> web.StreamResponse:
        """Answers, and answers again."""
        response = sized(request)
        await response.prepare(request)
        await response.write(b"a,b\n1,2\n")
        again = web.Response(text="the second one")
        if begins:
            await again.prepare(request)
        return again

    sent, was_reset = await received(handler)

    assert was_reset
    assert b"second" not in sent


async def test_an_old_reader_that_waits_for_the_end_of_the_connection_sees_a_reset() -> None:
    sent, was_reset = await received(
        breaking(lambda _request: web.StreamResponse(), FAILURES[0], b"a,b\n"), version="1.0"
    )

    assert was_reset
    assert b"problem" not in sent


async def test_a_stream_of_events_that_fails_as_nobody_foresaw_is_cut_off() -> None:
    async def events():  # type: ignore[no-untyped-def]
        yield StreamEvent("log", 1)
        raise ValueError("nobody foresaw it")

    @route("GET", "/answer", scope=OPEN, tag="services", summary="Break", answers={200: Answer("It breaks.")})
    async def handler(request: web.Request) -> web.StreamResponse:
        """Tells something, and fails."""
        return await request.app[STREAMS].answer(request, events())

    sent, was_reset = await received(handler)

    assert was_reset
    assert b"problem" not in sent
    assert not sent.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("failure", FAILURES[:3], ids=lambda failure: type(failure).__name__)
async def test_what_fails_before_the_beginning_is_a_problem(failure: Exception) -> None:
    @route("GET", "/answer", scope=OPEN, tag="services", summary="Break", answers={200: Answer("It breaks.")})
    async def handler(_request: web.Request) -> web.StreamResponse:
        """Fails."""
        raise failure

    app = create_app(Settings())
    app.cleanup_ctx.clear()
    app.router.add_get("/answer", handler)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET /answer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        sent = await asyncio.wait_for(reader.read(), LONG_S)
        writer.close()

    assert sent.count(b"HTTP/1.1") == 1
    assert b"application/problem+json" in sent
    assert ROUTES in app
