"""Forms whose fault comes behind the file leave nothing of the file."""

import pytest

from tests.e2e.api import form, fresh
from tests.integration.refusals.direct_doors import DirectDoors

TABLE = b"a,b\n1,2\n"
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n' + TABLE
END = b"\r\n--b--\r\n"
TEXT = b'\r\n--b\r\nContent-Disposition: form-data; name="comment"\r\n'
BAD_FORMS: dict[str, tuple[bytes, int, str]] = {
    "two files": (FILE + b"\r\n" + FILE + END, 400, "more than one field `file`"),
    "a header behind the file": (FILE + TEXT + b"X: \x01\r\n\r\n#" + END, 400, "malformed headers"),
    "a long header behind the file": (FILE + TEXT + b"X: " + b"a" * 9000 + b"\r\n\r\n#" + END, 400, "exceeds 8190"),
    "no name behind the file": (FILE + b"\r\n--b\r\nX: a\r\n\r\n#" + END, 400, "has no name"),
    "an unknown field behind the file": (FILE + TEXT.replace(b"comment", b"coment") + b"\r\n#" + END, 400, "comment?"),
    "no UTF-8 behind the file": (FILE + TEXT + b"\r\n\xff" + END, 400, "is not valid UTF-8"),
    "a file that breaks off": (FILE, 400, "malformed or incomplete"),
    "another end": (FILE + b"\r\n--c--\r\n", 400, "malformed or incomplete"),
    "a broken option": (FILE + TEXT.replace(b"comment", b"options") + b"\r\n{" + END, 400, "options must be a JSON"),
    "an option of no use": (FILE + TEXT + b"\r\n####" + END, 422, "options.comment"),
}


def kept(doors: DirectDoors) -> int:
    return doors.database["fs.files"].count_documents({}) + doors.database["fs.chunks"].count_documents({})


@pytest.mark.parametrize("path", ["/datasets?name=", "/datasets/preview?"])
@pytest.mark.parametrize(("body", "status", "words"), BAD_FORMS.values(), ids=BAD_FORMS.keys())
def test_a_form_that_goes_wrong_behind_its_file_leaves_nothing(
    doors: DirectDoors, path: str, body: bytes, status: int, words: str
) -> None:
    before = kept(doors)
    named = f"{path}{fresh('form')}" if path.endswith("=") else path

    answer = doors.api.post(named, body, headers={"Content-Type": "multipart/form-data; boundary=b"})

    assert answer.status == status, answer
    assert answer.code in ("bad_request", "invalid_command")
    assert words in answer.detail
    assert kept(doors) == before


def test_a_form_in_order_is_taken_whatever_the_case_of_its_type(doors: DirectDoors) -> None:
    body, headers = form(name=fresh("form"), comment="#", file=("a.csv", "text/csv", TABLE.decode()))
    kind = headers["Content-Type"].replace("multipart/form-data", "Multipart/Form-Data")

    answer = doors.api.post("/datasets?wait=0", body, headers={"Content-Type": kind})

    assert answer.status == 202, answer
