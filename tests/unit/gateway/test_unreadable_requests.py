"""Requests that no handler ever sees are answered as problems too: sent as raw bytes, as no client would send them."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.problems import assert_is_problem
from tests.unit.gateway.asked_gateway import AskedGateway
from tests.unit.gateway.conftest import served

HOST = b"Host: localhost\r\n"
CLOSE = HOST + b"Connection: close\r\n"
GET = b"GET /health/live HTTP/1.1\r\n"
POST = b"POST /models HTTP/1.1\r\n"
JSON = CLOSE + b"Content-Type: application/json\r\n"
CHUNKED = POST + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class RawAnswer:
    """What came back over the socket."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def sent(gateway: AskedGateway, *pieces: bytes) -> RawAnswer:
    """Send bytes, each piece in a packet of its own; the one answer, behind which the connection ends."""
    assert gateway.client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.client.port)
    try:
        for number, piece in enumerate(pieces):
            if number:
                await gateway.ask("GET", "/health/live")  # the piece before has arrived when that is answered
            writer.write(piece)
            await writer.drain()
        raw = await asyncio.wait_for(reader.read(), PATIENCE_S)
    finally:
        writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    assert line.startswith(b"HTTP/"), raw
    return RawAnswer(int(line.split()[1]), dict(BytesParser().parsebytes(fields)), body)


UNREADABLE: dict[str, tuple[list[bytes], int, str]] = {
    "a long header": ([GET + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n"], 431, "a header exceeds 8190 bytes"),
    "a long header's name": ([GET + HOST + b"X" * 9000 + b": a\r\n\r\n"], 431, "a header exceeds 8190 bytes"),
    "many headers": ([GET + HOST + b"X: a\r\n" * 200 + b"\r\n"], 431, "more than 128 headers"),
    "a long URL": (
        [b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"],
        414,
        "the URL exceeds 8192 bytes",
    ),
    "a long query": ([b"GET /?a=" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"], 414, "the URL exceeds"),
    "a header without a colon": ([GET + HOST + b"nonsense\r\n\r\n"], 400, "a header is malformed"),
    "a blank in a header's name": ([GET + HOST + b"X Y: a\r\n\r\n"], 400, "a header is malformed"),
    "a control character": ([GET + HOST + b"X: a\x01b\r\n\r\n"], 400, "a header is malformed"),
    "a folded header": ([GET + HOST + b"X: a\r\n b\r\n\r\n"], 400, "a header is malformed"),
    "no Host": ([GET + b"\r\n"], 400, "the header Host is missing"),
    "two Hosts": ([GET + HOST * 2 + b"\r\n"], 400, "the header Host is repeated"),
    "two types": (
        [POST + HOST + b"Content-Type: a/b\r\n" * 2 + b"\r\n"],
        400,
        "the header Content-Type is repeated",
    ),
    "two lengths": (
        [POST + JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"],
        400,
        "the header Content-Length is repeated",
    ),
    "no length": ([POST + JSON + b"Content-Length: x\r\n\r\n{}"], 400, "Content-Length must be a single whole number"),
    "a negative length": ([POST + JSON + b"Content-Length: -1\r\n\r\n{}"], 400, "Content-Length must be a single"),
    "a length beyond all": (
        [POST + JSON + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}"],
        400,
        "Content-Length must",
    ),
    "a length of chunks": ([CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n{}"], 400, "must not be combined"),
    "another transfer encoding": (
        [POST + JSON + b"Transfer-Encoding: gzip\r\n\r\n"],
        400,
        "Transfer-Encoding is chunked",
    ),
    "a bad chunk at once": ([CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n"], 400, "the chunked body is malformed"),
    "a bad chunk": ([CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"], 400, "the body is incomplete"),
    "a bad chunk behind a good one": (
        [CHUNKED + b"1\r\n{\r\n", b"zz\r\n}\r\n0\r\n\r\n"],
        400,
        "the body is incomplete",
    ),
    "a chunk that is too long": ([CHUNKED + b"1\r\n", b"{}\r\n0\r\n\r\n"], 400, "the body is incomplete"),
    "no request line": ([b"hello there\r\n\r\n"], 400, "GET /datasets HTTP/1.1"),
    "noise": ([b"\x00\x01\x02\r\n\r\n"], 400, "GET /datasets HTTP/1.1"),
    "TLS": ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], 400, "received TLS"),
    "a made-up method": ([b"DANCE / HTTP/1.1\r\n" + HOST + b"\r\n"], 400, "the request method is unknown"),
    "a blank in the URL": ([b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n"], 400, "the request line is malformed"),
    "no UTF-8 in the URL": ([b"GET /\xff HTTP/1.1\r\n" + CLOSE + b"\r\n"], 400, "the URL"),
    "no UTF-8 in the query": ([b"GET /jobs?status=\xff HTTP/1.1\r\n" + CLOSE + b"\r\n"], 400, "the URL"),
    "a URL without a host": ([b"GET http:/// HTTP/1.1\r\n" + HOST + b"\r\n"], 400, "the URL"),
    "a version of tomorrow": ([b"GET / HTTP/3.7\r\n" + HOST + b"\r\n"], 400, "HTTP/1.1"),
    "HTTP/2": ([b"GET / HTTP/2.0\r\n" + HOST + b"\r\n"], 400, "HTTP/2.0 is not supported"),
    "the preface of HTTP/2": ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], 400, "HTTP/1.1"),
    "HTTP/0.9": ([b"GET / HTTP/0.9\r\n\r\n"], 400, "is not supported"),
    "no version": ([b"GET /\r\n\r\n"], 400, "HTTP/1.1"),
    "lines that end without CR": ([b"GET / HTTP/1.1\nHost: localhost\n\n"], 400, "must end with CR LF"),
    "a tunnel": ([b"CONNECT localhost:80 HTTP/1.1\r\n" + CLOSE + b"\r\n"], 400, "CONNECT is not supported"),
    "another expectation": ([POST + JSON + b"Expect: wonders\r\nContent-Length: 0\r\n\r\n"], 417, "Expect 'wonders'"),
    "an expectation where nothing is": (
        [b"GET /no HTTP/1.1\r\n" + CLOSE + b"Expect: \xff\r\n\r\n"],
        417,
        "100-continue",
    ),
    "no UTF-8 in a key": (
        [GET + CLOSE + b"Idempotency-Key: \xff\r\n\r\n"],
        400,
        "Idempotency-Key is not valid",
    ),
    "no UTF-8 in a preference": (
        [GET + CLOSE + b"Prefer: wait=\xff\r\n\r\n"],
        400,
        "Prefer is not valid UTF-8",
    ),
    "two keys": ([GET + CLOSE + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n"], 400, "is repeated"),
    "bad bytes behind a request": ([GET + HOST + b"\r\n" + b"hello there\r\n\r\n"], 400, "GET /datasets HTTP/1.1"),
}


@pytest.mark.parametrize(("pieces", "status", "words"), UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_request_that_cannot_be_read_is_answered_as_a_problem(
    gateway: AskedGateway, pieces: list[bytes], status: int, words: str
) -> None:
    with capture_logs() as lines:
        answer = await sent(gateway, *pieces)

    assert_is_problem(answer, status, "bad_request")
    assert words in answer.document["detail"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert {line["log_level"] for line in lines} <= {"info"}, lines  # some routes are not logged


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip", "deflate", "compress", "br, gzip"])
@pytest.mark.parametrize("path", ["/models", "/datasets?name=any", "/datasets/preview"])
async def test_a_compressed_body_is_refused_in_the_same_words_whatever_its_encoding(
    gateway: AskedGateway, path: str, encoding: str
) -> None:
    answer = await gateway.ask("POST", path, b"{}", {"Content-Type": "application/json", "Content-Encoding": encoding})

    assert_is_problem(answer, 415, "unsupported_media_type")
    assert answer.document["detail"] == (f"Content-Encoding '{encoding}' is not supported; send the body uncompressed")


async def test_the_log_knows_an_unreadable_request_by_the_id_of_its_answer(gateway: AskedGateway) -> None:
    with capture_logs() as lines:
        answer = await sent(gateway, b"hello there\r\n\r\n")

    (line,) = lines
    assert (line["event"], line["status"]) == ("request.unreadable", 400)
    assert line["correlation_id"] == answer.headers["X-Correlation-ID"]


async def test_a_sender_that_leaves_is_no_fault_of_the_gateway(gateway: AskedGateway) -> None:
    assert gateway.client.port is not None
    with capture_logs() as lines:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.client.port)
        writer.write(POST + JSON + b"Content-Length: 10\r\n\r\n{")
        await writer.drain()
        await gateway.ask("GET", "/health/live")
        writer.close()
        async with asyncio.timeout(PATIENCE_S):
            while not lines:
                await gateway.ask("GET", "/health/live")

    assert {line["log_level"] for line in lines} == {"info"}, lines


async def test_a_supported_expectation_and_an_upgrade_are_answered_as_ever(gateway: AskedGateway) -> None:
    body = b'{"model": "a"}'
    head = POST + JSON + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    upgraded = await sent(gateway, b"GET /health/live HTTP/1.0\r\nConnection: close\r\nUpgrade: h2c\r\n\r\n")

    assert (await sent(gateway, head + body)).status == 100
    assert (upgraded.status, upgraded.document) == (200, {"status": "ok"})


@given(noise=st.binary(min_size=1, max_size=60))
async def test_no_bytes_bring_out_a_fault_of_the_gateway(noise: bytes) -> None:
    async with served() as gateway:
        answer = await sent(gateway, noise.replace(b"\r", b"").replace(b"\n", b"") + b" / HTTP/1.1\r\n\r\n")

    assert 400 <= answer.status < 500
    assert_is_problem(answer, answer.status, answer.document["code"])
