"""Server-sent events over a real connection: their form, heartbeats, the reader's leaving, bounds, the end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientSession, ClientTimeout, web
from aiohttp.test_utils import make_mocked_request

from modelbus.gateway.http.problems import problem_middleware
from modelbus.gateway.jobs.event_stream import EventStreams, StreamEvent, is_stream_wanted, last_event_id
from modelbus.shared.errors import StoreUnavailable

Events = AsyncGenerator[StreamEvent, None]
LONG_S = 20.0
"""Longer than anything here takes: it ends a test that has failed."""


class Source:
    """Events that a test gives one by one; knows whether it was closed."""

    def __init__(self) -> None:
        self.given: asyncio.Queue[StreamEvent | Exception | None] = asyncio.Queue()
        self.is_closed = asyncio.Event()
        self.asked = 0

    async def events(self) -> Events:
        try:
            while True:
                self.asked += 1
                given = await self.given.get()
                if isinstance(given, Exception):
                    raise given
                if given is None:
                    return
                yield given
        finally:
            self.is_closed.set()


Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves a source under ``/``; gives its address."""
    runners: list[web.AppRunner] = []

    async def serve(streams: EventStreams, source: Callable[[web.Request], Events]) -> str:
        async def handler(request: web.Request) -> web.StreamResponse:
            return await streams.answer(request, source(request))

        app = web.Application(middlewares=[problem_middleware])
        app.router.add_get("/", handler)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/"

    yield serve
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=LONG_S)) as session:
        yield session


def streams(limit: int = 10, heartbeat_s: float = LONG_S, stalled_s: float = LONG_S) -> EventStreams:
    return EventStreams(limit=limit, heartbeat_s=heartbeat_s, stalled_s=stalled_s)


async def _all_closed(open_streams: EventStreams) -> None:
    while open_streams.open_count:  # noqa: ASYNC110 - nothing tells of it but the count
        await asyncio.sleep(0.01)


async def test_events_come_as_the_standard_has_them(serve: Serve, http: ClientSession) -> None:
    async def source(_request: web.Request) -> Events:
        yield StreamEvent("log", {"text": "two\nlines"}, "7")
        yield StreamEvent("end", None)

    async with http.get(await serve(streams(), source)) as answer:
        assert answer.content_type == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        sent = await answer.text()

    assert sent == 'retry: 2000\n\nid: 7\nevent: log\ndata: {"text":"two\\nlines"}\n\nevent: end\ndata: null\n\n'


async def test_a_comment_says_that_the_stream_is_still_there(serve: Serve, http: ClientSession) -> None:
    source = Source()
    async with http.get(await serve(streams(heartbeat_s=0.05), lambda _: source.events())) as answer:
        text = b""
        while text.count(b": heartbeat\n\n") < 3:
            text += await answer.content.readany()
        source.given.put_nowait(StreamEvent("log", 1))
        source.given.put_nowait(None)
        assert (text + await answer.read()).endswith(b"event: log\ndata: 1\n\n")


async def test_a_reader_who_leaves_ends_the_source_though_nothing_is_sent(serve: Serve, http: ClientSession) -> None:
    source, open_streams = Source(), streams()
    answer = await http.get(await serve(open_streams, lambda _: source.events()))
    await answer.content.readany()
    assert open_streams.open_count == 1

    answer.close()

    await asyncio.wait_for(source.is_closed.wait(), LONG_S)
    await asyncio.wait_for(_all_closed(open_streams), LONG_S)


async def test_one_stream_too_many_is_a_problem_and_frees_nothing(serve: Serve, http: ClientSession) -> None:
    source, open_streams = Source(), streams(limit=1)
    url = await serve(open_streams, lambda _: source.events())
    async with http.get(url) as first:
        await first.content.readany()
        async with http.get(url) as second:
            assert (second.status, second.content_type) == (503, "application/problem+json")
            assert (await second.json(content_type=None))["code"] == "too_many_streams"
            assert second.headers["Retry-After"]
        assert open_streams.open_count == 1
        source.given.put_nowait(None)
        await first.read()
    async with http.get(url) as third:
        assert third.status == 200
        source.given.put_nowait(None)
        await third.read()


async def test_all_streams_end_in_order_when_the_gateway_stops(serve: Serve, http: ClientSession) -> None:
    source, open_streams = Source(), streams()
    async with http.get(await serve(open_streams, lambda _: source.events())) as answer:
        await answer.content.readany()

        open_streams.stop()

        assert await answer.read() == b""
    assert source.is_closed.is_set()


async def test_a_reader_who_takes_nothing_is_cut_off_and_holds_up_only_itself(serve: Serve) -> None:
    asked = 0
    is_closed = asyncio.Event()

    async def source(_request: web.Request) -> Events:
        nonlocal asked
        try:
            while True:
                asked += 1
                yield StreamEvent("log", "x" * 100_000)
        finally:
            is_closed.set()

    url = await serve(streams(stalled_s=0.3), source)
    port = int(url.rsplit(":", 1)[1].strip("/"))
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    await asyncio.wait_for(is_closed.wait(), LONG_S)

    assert asked < 1000  # what fits into the buffers of the connection, and no more
    writer.close()


async def test_an_error_after_the_beginning_is_an_event(serve: Serve, http: ClientSession) -> None:
    source = Source()
    source.given.put_nowait(StreamEvent("log", 1, "1"))
    source.given.put_nowait(StoreUnavailable())
    async with http.get(await serve(streams(), lambda _: source.events())) as answer:
        sent = (await answer.text()).split("\n\n")
    assert sent[-2] == 'event: error\ndata: {"code":"store_unavailable","message":"MongoDB is not responding."}'


async def test_the_head_alone_opens_no_source(serve: Serve, http: ClientSession) -> None:
    source, open_streams = Source(), streams()
    async with http.head(await serve(open_streams, lambda _: source.events())) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
    assert (source.asked, open_streams.open_count) == (0, 0)


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        ("/", "application/json", False),
        ("/", "text/event-stream", True),
        ("/?follow=true", "*/*", True),
        ("/?follow=false", "text/event-stream", False),
    ],
)
async def test_whoever_asks_for_a_stream_gets_one(http: ClientSession, path: str, accept: str, expected: bool) -> None:
    request = make_mocked_request("GET", path, headers={"Accept": accept, "Last-Event-ID": "9"})
    assert is_stream_wanted(request) is expected
    assert last_event_id(request) == "9"
