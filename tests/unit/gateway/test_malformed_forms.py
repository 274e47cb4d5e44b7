"""Forms that are malformed are refused with what would be right, before anything is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.problems import assert_is_problem
from tests.unit.gateway.asked_gateway import Answer, AskedGateway
from tests.unit.gateway.conftest import served

PATHS = ["/datasets", "/datasets/preview"]
FORM = "multipart/form-data; boundary=b"
NAMED = b'Content-Disposition: form-data; name="comment"\r\n'


def part(head: bytes = NAMED, body: bytes = b"#") -> bytes:
    """A part of a form, with its headers as they are given."""
    return b"--b\r\n" + head + b"\r\n" + body + b"\r\n"


async def sent(
    gateway: AskedGateway, body: bytes, path: str = "/datasets", kind: str = FORM, query: str = ""
) -> Answer:
    return await gateway.ask("POST", f"{path}{query}", body, {"Content-Type": kind})


END = b"--b--\r\n"
BAD_FORMS: dict[str, tuple[bytes, int, str, str]] = {
    "no colon": (part(b"nonsense\r\n") + END, 400, "bad_request", "malformed headers"),
    "a control character": (part(NAMED + b"X: a\x01b\r\n") + END, 400, "bad_request", "malformed headers"),
    "a NUL": (part(NAMED + b"X: a\0b\r\n") + END, 400, "bad_request", "malformed headers"),
    "a blank in a header's name": (
        part(NAMED + b"X Y: a\r\n") + END,
        400,
        "bad_request",
        "malformed headers",
    ),
    "no header's name": (part(NAMED + b": a\r\n") + END, 400, "bad_request", "malformed headers"),
    "a folded header": (part(NAMED + b"X: a\r\n b\r\n") + END, 400, "bad_request", "malformed headers"),
    "a header twice": (part(NAMED + b"Content-Type: a/b\r\n" * 2) + END, 400, "bad_request", "malformed headers"),
    "a long header": (part(NAMED + b"X: " + b"a" * 8200 + b"\r\n") + END, 400, "bad_request", "exceeds 8190 bytes"),
    "many headers": (part(NAMED + b"X: a\r\n" * 200) + END, 400, "bad_request", "malformed headers"),
    "no headers": (part(b"") + END, 400, "bad_request", "has no name"),
    "no name": (part(b"Content-Disposition: form-data\r\n") + END, 400, "bad_request", "has no name"),
    "an empty name": (part(b'Content-Disposition: form-data; name=""\r\n') + END, 400, "bad_request", "has no name"),
    "a broken disposition": (part(b'Content-Disposition: ;;"\r\n') + END, 400, "bad_request", 'name="file"'),
    "an unknown field": (
        part(b'Content-Disposition: form-data; name="comments"\r\n') + END,
        400,
        "bad_request",
        "comment?",
    ),
    "a field twice": (part() + part() + END, 400, "bad_request", "given 2 times"),
    "no UTF-8": (part(body=b"\xff") + END, 400, "bad_request", "is not valid UTF-8"),
    "another charset": (
        part(NAMED + b"Content-Type: text/plain; charset=utf-16\r\n") + END,
        400,
        "bad_request",
        "send it as UTF-8",
    ),
    "base64": (
        part(NAMED + b"Content-Transfer-Encoding: base64\r\n", b"Iw==") + END,
        415,
        "unsupported_media_type",
        "send the bytes unencoded",
    ),
    "a compressed part": (
        part(NAMED + b"Content-Encoding: gzip\r\n") + END,
        415,
        "unsupported_media_type",
        "send the bytes unencoded",
    ),
    "a form in a form": (
        part(NAMED + b"Content-Type: multipart/mixed; boundary=c\r\n", b"--c--") + END,
        400,
        "bad_request",
        "nested forms",
    ),
    "a form in a form, without a boundary": (
        part(NAMED + b"Content-Type: multipart/mixed\r\n", b"--c--") + END,
        400,
        "bad_request",
        "malformed or incomplete",
    ),
    "a long text": (part(body=b"#" * 300_000) + END, 413, "limit_exceeded", "the limit of 262,144 bytes"),
    "no file": (part() + END, 400, "bad_request", "requires a field `file`"),
    "no parts": (END, 400, "bad_request", "requires a field `file`"),
    "nothing": (b"", 400, "bad_request", "malformed or incomplete"),
    "no boundary in it": (b"a,b\n1,2\n", 400, "bad_request", "malformed or incomplete"),
    "another boundary": (b"--c\r\n" + NAMED + b"\r\n#\r\n--c--\r\n", 400, "bad_request", "malformed or incomplete"),
    "an end that is missing": (part(), 400, "bad_request", "malformed or incomplete"),
    "a part that breaks off": (b"--b\r\n" + NAMED + b"\r\n#", 400, "bad_request", "malformed or incomplete"),
    "headers that break off": (b"--b\r\n" + NAMED, 400, "bad_request", "malformed or incomplete"),
    "an end without its dashes": (part() + b"--b\r\n", 400, "bad_request", "has no name"),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("body", "status", "code", "words"), BAD_FORMS.values(), ids=BAD_FORMS.keys())
async def test_a_malformed_form_is_refused_with_what_would_be_right(
    gateway: AskedGateway, path: str, body: bytes, status: int, code: str, words: str
) -> None:
    answer = await sent(gateway, body, path)

    assert_is_problem(answer, status, code)
    assert words in answer.detail


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'b' * 71}"],
    ids=["none", "empty", "long"],
)
async def test_a_form_names_its_boundary(gateway: AskedGateway, path: str, kind: str) -> None:
    answer = await sent(gateway, part() + END, path, kind)

    assert_is_problem(answer, 400, "bad_request")
    assert "multipart/form-data; boundary=..." in answer.detail


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["mixed", "related", "byteranges", "alternative", "x-own"])
async def test_another_multipart_body_is_no_table(gateway: AskedGateway, path: str, kind: str) -> None:
    answer = await sent(gateway, part() + END, path, f"multipart/{kind}; boundary=b", "?name=any")

    assert_is_problem(answer, 415, "unsupported_media_type")
    assert "send multipart/form-data with a field `file`" in answer.detail


@pytest.mark.parametrize(("field", "limit"), [("missing_marks", 100), ("units", 20)])
async def test_a_list_in_a_form_has_an_end(gateway: AskedGateway, field: str, limit: int) -> None:
    one = part(f'Content-Disposition: form-data; name="{field}"\r\n'.encode(), b"x")

    answer = await sent(gateway, one * (limit + 1) + END)

    assert_is_problem(answer, 422, "invalid_command")
    assert answer.places == {f"options.{field}"}
    assert f"must be given at most {limit} times, not {limit + 1}" in answer.detail


async def test_the_texts_of_a_form_have_a_limit_together(gateway: AskedGateway) -> None:
    one = part(b'Content-Disposition: form-data; name="missing_marks"\r\n', b"x" * 200_000)

    answer = await sent(gateway, one * 3 + END)

    assert_is_problem(answer, 413, "limit_exceeded")
    assert "the limit of 524,288 bytes in total" in answer.detail


@given(head=st.binary(max_size=200), body=st.binary(max_size=50))
async def test_no_bytes_in_a_part_bring_out_a_fault_of_the_gateway(head: bytes, body: bytes) -> None:
    async with served() as gateway:
        answer = await sent(gateway, b"--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n--b--\r\n")

    assert 400 <= answer.status < 500, answer
    assert_is_problem(answer, answer.status, answer.code)
