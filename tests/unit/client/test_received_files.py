"""Files as they arrive: compared with the length and the digest that the gateway named, whatever came in between."""

import base64
import hashlib
import io

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modelbus.client.received_files import ReceivedFile, announced_sha256, require_whole_body
from modelbus.errors import DamagedDownload

CHUNKS = st.lists(st.binary(max_size=50), max_size=5)


def digest_of(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def answer(headers: dict[str, str], content: bytes = b"") -> httpx.Response:
    request = httpx.Request("GET", "http://127.0.0.1/datasets/shop/content?format=csv")
    return httpx.Response(200, headers=headers, content=content, request=request)


def received(chunks: list[bytes], headers: dict[str, str]) -> bytes:
    """What is kept of some chunks, if it is whole."""
    sink = io.BytesIO(b"what an earlier try left")
    response = answer({})
    response.headers = httpx.Headers(headers)
    file = ReceivedFile(response, sink)
    for chunk in chunks:
        file.write(chunk)
    file.require_whole()
    return sink.getvalue()


@given(CHUNKS, st.booleans(), st.booleans())
def test_what_is_whole_is_kept_as_it_came(chunks: list[bytes], has_length: bool, has_digest: bool) -> None:
    content = b"".join(chunks)
    headers = {"Content-Length": str(len(content))} if has_length else {}

    kept = received(chunks, headers | ({"Repr-Digest": digest_of(content)} if has_digest else {}))

    assert kept == content


@given(CHUNKS, st.binary(max_size=200))
def test_what_differs_in_any_byte_is_refused_by_its_digest(chunks: list[bytes], sent: bytes) -> None:
    assume(sent != b"".join(chunks))
    with pytest.raises(DamagedDownload) as caught:
        received(chunks, {"Repr-Digest": digest_of(sent)})
    assert hashlib.sha256(sent).hexdigest() in caught.value.message
    assert "/datasets/shop/content" in caught.value.message


@given(CHUNKS, st.integers(min_value=0, max_value=300))
def test_what_has_another_length_is_refused_without_a_digest(chunks: list[bytes], announced: int) -> None:
    size_bytes = len(b"".join(chunks))
    assume(announced != size_bytes)
    with pytest.raises(DamagedDownload, match=f"it has {size_bytes:,} bytes instead of {announced:,}"):
        received(chunks, {"Content-Length": str(announced)})


def test_a_length_of_what_was_compressed_on_the_way_is_not_that_of_the_file() -> None:
    headers = {"Content-Length": "3", "Content-Encoding": "gzip", "Repr-Digest": digest_of(b"a,b\n")}
    assert received([b"a,b\n"], headers) == b"a,b\n"


@pytest.mark.parametrize(
    "field",
    [
        digest_of(b"x"),
        f"sha-512=:AAAA:, {digest_of(b'x')}",
        f"{digest_of(b'x')},md5=:AAAA:",
        f"  SHA-256{digest_of(b'x').removeprefix('sha-256')}  ",
    ],
)
def test_the_digest_is_found_among_others(field: str) -> None:
    assert announced_sha256(answer({"Repr-Digest": field})) == hashlib.sha256(b"x").digest()


@pytest.mark.parametrize("field", ["", "sha-512=:AAAA:", "sha-256=AAAA", "sha-256=:", "sha-256=:?!:", "sha-256"])
def test_what_cannot_be_read_as_a_digest_is_none(field: str) -> None:
    assert announced_sha256(answer({"Repr-Digest": field})) is None


def test_a_body_that_is_read_whole_is_compared_too() -> None:
    require_whole_body(answer({"Repr-Digest": digest_of(b"{}")}, b"{}"))
    require_whole_body(answer({}, b"{}"))
    with pytest.raises(DamagedDownload):
        require_whole_body(answer({"Repr-Digest": digest_of(b"{}")}, b"[]"))
