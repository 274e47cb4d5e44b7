"""Reading forms (``multipart/form-data``): a field `file`, and text fields.

aiohttp parses them; its errors are translated here.
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
"""The maximum size of all text fields together."""
_BOUNDARY_LIMIT: Final = 70
"""The maximum length in characters (RFC 2046)."""
_TEXT_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_PLAIN_ENCODINGS: Final = frozenset({"binary", "8bit", "7bit", "identity"})


def check_form_type(request: web.Request) -> None:
    """Check that the media type of a form is supported.

    Raises:
        UnsupportedMediaType: The body is another kind of multipart body.
        BadRequest: The boundary is missing or invalid.
    """
    kind = request.content_type
    if kind != "multipart/form-data":
        raise UnsupportedMediaType(
            f"content type {kind[:100]} is not supported; send multipart/form-data with a field `file`, or the file "
            "as the body with its own Content-Type, such as text/csv"
        )
    boundary = parse_mimetype(request.headers["Content-Type"]).parameters.get("boundary", "")
    if not 1 <= len(boundary) <= _BOUNDARY_LIMIT or not boundary.isascii():
        raise BadRequest(
            "the form's Content-Type must have a boundary of 1 to 70 ASCII characters: "
            "multipart/form-data; boundary=..."
        )


class FormReader:
    """Reads a form part by part; the caller reads the file."""

    def __init__(self, request: web.Request, fields: dict[str, list[str]], known: frozenset[str]) -> None:
        """Args: request: The request, checked by ``check_form_type``. fields: The fields of the query string, to which
        those of the form are added. known: The known fields, except the file.
        """
        self._request = request
        self._fields = fields
        self._known = known
        self._text_bytes = 0

    async def files(self) -> AsyncGenerator[BodyPartReader, None]:
        """The parts named `file`, each to be read before the next one is requested.

        Raises:
            BadRequest: The form is malformed, or a field is unknown, repeated or not text.
            LimitExceeded: The text fields are too long.
            UnsupportedMediaType: A part is encoded or compressed.
        """
        with form_faults():
            async for part in await self._request.multipart():
                if not isinstance(part, BodyPartReader):
                    raise BadRequest("nested forms are not supported; send a field `file` and text fields")
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
            raise BadRequest(f"form field {name!r} has charset {charset[:50]!r}; send it as UTF-8")
        held = bytearray()
        async for chunk in chunks_of(part):
            held += chunk
            if len(held) > _FIELD_BYTES_LIMIT:
                raise LimitExceeded(f"form field {name!r} exceeds the limit of {_FIELD_BYTES_LIMIT:,} bytes")
        self._text_bytes += len(held)
        if self._text_bytes > _FIELDS_BYTES_LIMIT:
            raise LimitExceeded(
                f"the text fields of the form exceed the limit of {_FIELDS_BYTES_LIMIT:,} bytes in total"
            )
        try:
            return held.decode()
        except UnicodeDecodeError as error:
            raise BadRequest(f"form field {name!r} is not valid UTF-8 (at byte {error.start})") from error


async def chunks_of(part: BodyPartReader) -> AsyncIterator[bytes]:
    """The bytes of a part.

    Raises:
        BadRequest: The form is incomplete.
    """
    with form_faults():
        while chunk := await part.read_chunk(CHUNK_BYTES):
            yield chunk


@contextlib.contextmanager
def form_faults() -> Iterator[None]:
    """Translate aiohttp's errors about a form."""
    try:
        yield
    except LineTooLong as error:
        raise BadRequest(f"a header of a form part exceeds {error.args[1]} bytes") from error
    except (
        HttpProcessingError,
        RuntimeWarning,
    ) as error:  # aiohttp warns of a Content-Disposition, which may be an error
        raise BadRequest(
            "a form part has malformed headers; each header is a line `Name: value` without control "
            'characters, such as `Content-Disposition: form-data; name="file"; filename="table.csv"`'
        ) from error
    except (ValueError, RuntimeError) as error:
        raise BadRequest(
            "the form is malformed or incomplete; each part starts after a line with the boundary from Content-Type, "
            "and the last part is followed by the boundary with two trailing dashes"
        ) from error


def _check_encoding(part: BodyPartReader) -> None:
    for header in ("Content-Encoding", "Content-Transfer-Encoding"):
        encoding = part.headers.get(header, "identity")
        if encoding.strip().lower() not in _PLAIN_ENCODINGS:
            raise UnsupportedMediaType(
                f"{header} {encoding[:50]!r} of a form part is not supported; send the bytes unencoded"
            )


def _name_of(part: BodyPartReader) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about malformed headers, which then have no name
        name = part.name
    if not name:
        raise BadRequest(
            "a form part has no name; each part requires one, as in "
            '`Content-Disposition: form-data; name="file"; filename="table.csv"`'
        )
    return name


def file_name_of(part: BodyPartReader) -> str | None:
    """The file name of a part; None if absent or malformed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return part.filename
