"""Reading forms (``multipart/form-data``): a field `file`, and texts beside it.

aiohttp parses them; whatever it finds wrong is told here in the words of whoever sends forms.
"""

import contextlib
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.helpers import parse_mimetype
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from modelbus.gateway.http.problems import BadRequest, UnsupportedMediaType
from modelbus.gateway.transfer.parse_fields import check_fields, check_name
from modelbus.shared.errors import LimitExceeded

CHUNK_BYTES: Final = 256 * 1024
FILE_FIELD: Final = "file"
_FIELD_BYTES_LIMIT: Final = 256 * 1024
_FIELDS_BYTES_LIMIT: Final = 2 * _FIELD_BYTES_LIMIT
"""Of all texts of a form together."""
_BOUNDARY_LIMIT: Final = 70
"""Characters, by RFC 2046."""
_TEXT_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_PLAIN_ENCODINGS: Final = frozenset({"binary", "8bit", "7bit", "identity"})


def check_form_type(request: web.Request) -> None:
    """Check that a form is one that can be read.

    Raises:
        UnsupportedMediaType: It is a multipart body of another kind, which is no form.
        BadRequest: Its boundary is missing, or can be none.
    """
    kind = request.content_type
    if kind != "multipart/form-data":
        raise UnsupportedMediaType(
            f"a body of {kind[:100]} is not taken; send multipart/form-data with a field `file`, or the file itself as "
            "the body with its own Content-Type, such as text/csv"
        )
    boundary = parse_mimetype(request.headers["Content-Type"]).parameters.get("boundary", "")
    if not 1 <= len(boundary) <= _BOUNDARY_LIMIT or not boundary.isascii():
        raise BadRequest(
            "the form's Content-Type must name its boundary, of 1 to 70 ASCII characters: "
            "multipart/form-data; boundary=..."
        )


class FormReader:
    """Reads one form, part by part; the texts on the way, the file by whoever reads the form."""

    def __init__(self, request: web.Request, fields: dict[str, list[str]], known: frozenset[str]) -> None:
        """Args:
        request: Of a form that ``check_form_type`` let through.
        fields: What is said in the query string; what the form says is added.
        known: The fields that there are, beside the file.
        """
        self._request = request
        self._fields = fields
        self._known = known
        self._text_bytes = 0

    async def files(self) -> AsyncGenerator[BodyPartReader, None]:
        """The parts named `file`, to be read before the next one is asked for.

        Raises:
            BadRequest: The form is malformed, or has a field that is unknown, given twice or no text.
            LimitExceeded: Its texts are too long.
            UnsupportedMediaType: A part is encoded or compressed.
        """
        with form_faults():
            async for part in await self._request.multipart():
                if not isinstance(part, BodyPartReader):
                    raise BadRequest("the form holds another form; expected are a field `file` and texts beside it")
                _check_encoding(part)
                name = _name_of(part)
                if name == FILE_FIELD:
                    yield part
                    continue
                check_name(name, self._known)
                self._fields.setdefault(name, []).append(await self._text(name, part))
                check_fields(self._fields, self._known)

    async def _text(self, name: str, part: BodyPartReader) -> str:
        charset = part.get_charset(default="utf-8").strip("\"' ").lower()
        if charset not in _TEXT_CHARSETS:
            raise BadRequest(f"form field {name!r} is said to be text in {charset[:50]!r}; send it as UTF-8")
        held = bytearray()
        async for chunk in chunks_of(part):
            held += chunk
            if len(held) > _FIELD_BYTES_LIMIT:
                raise LimitExceeded(f"form field {name!r} has more than {_FIELD_BYTES_LIMIT} bytes, which is the limit")
        self._text_bytes += len(held)
        if self._text_bytes > _FIELDS_BYTES_LIMIT:
            raise LimitExceeded(
                f"the form's fields beside the file have more than {_FIELDS_BYTES_LIMIT} bytes together, "
                "which is the limit"
            )
        try:
            return held.decode()
        except UnicodeDecodeError as error:
            raise BadRequest(f"form field {name!r} is no UTF-8 text (at byte {error.start})") from error


async def chunks_of(part: BodyPartReader) -> AsyncIterator[bytes]:
    """A part's bytes.

    Raises:
        BadRequest: The form breaks off.
    """
    with form_faults():
        while chunk := await part.read_chunk(CHUNK_BYTES):
            yield chunk


@contextlib.contextmanager
def form_faults() -> Iterator[None]:
    """Tell what aiohttp finds wrong with a form."""
    try:
        yield
    except LineTooLong as error:
        raise BadRequest(f"a part of the form has a header of more than {error.args[1]} bytes; shorten it") from error
    except (
        HttpProcessingError,
        RuntimeWarning,
    ) as error:  # aiohttp warns of a Content-Disposition, which may be an error
        raise BadRequest(
            "a part of the form has headers that cannot be read; each is a line `Name: value` without control "
            'characters, such as `Content-Disposition: form-data; name="file"; filename="table.csv"`'
        ) from error
    except (ValueError, RuntimeError) as error:
        raise BadRequest(
            "the form is malformed or breaks off: each part begins behind a line with the boundary that Content-Type "
            "names, and the last one is followed by that boundary with two dashes at its end"
        ) from error


def _check_encoding(part: BodyPartReader) -> None:
    for header in ("Content-Encoding", "Content-Transfer-Encoding"):
        encoding = part.headers.get(header, "identity")
        if encoding.strip().lower() not in _PLAIN_ENCODINGS:
            raise UnsupportedMediaType(
                f"a part of the form has {header} {encoding[:50]!r}, which is not taken; send its bytes as they are"
            )


def _name_of(part: BodyPartReader) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that cannot be read, which then have no name
        name = part.name
    if not name:
        raise BadRequest(
            "a part of the form has no name; each needs one, as in "
            '`Content-Disposition: form-data; name="file"; filename="table.csv"`'
        )
    return name


def file_name_of(part: BodyPartReader) -> str | None:
    """What a part's file is called; None where that is not said, or cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return part.filename
