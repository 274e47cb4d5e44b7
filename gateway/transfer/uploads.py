"""Receiving files: a raw body or a multipart form, streamed into GridFS, counted while they come."""

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from modelbus.gateway.application_keys import BLOBS, SETTINGS
from modelbus.gateway.http.problems import BadRequest
from modelbus.gateway.http.requests import refuse_compressed
from modelbus.gateway.transfer.forms import (
    CHUNK_BYTES,
    FILE_FIELD,
    FormReader,
    check_form_type,
    chunks_of,
    file_name_of,
)
from modelbus.gateway.transfer.parse_fields import Fields, check_fields
from modelbus.shared.contracts import Name
from modelbus.shared.contracts.commands.datasets import START_BYTES, is_read_whole
from modelbus.shared.errors import LimitExceeded
from modelbus.shared.store.connection import store_errors

_NAME: TypeAdapter[str] = TypeAdapter(Name)
_NOT_OF_THE_FILE = frozenset({"wait"})
_FORM_BYTES = 64 * 1024
"""What a form may have beside its file, as far as its length is looked at beforehand."""


@dataclass(frozen=True)
class ReceivedUpload:
    """A file that was read to its end, and lies in GridFS, pending, if it was to be kept."""

    upload_id: str
    file_name: str | None
    media_type: str | None
    sha256: str
    """Of all its bytes, in hex."""
    is_truncated: bool
    """Whether only the beginning of the file is kept."""
    fields: Fields
    """What came beside it, in the query string and in the form."""

    @property
    def source(self) -> dict[str, str | None]:
        """The file as a command names it."""
        return {
            "kind": "upload",
            "upload_id": self.upload_id,
            "file_name": self.file_name,
            "media_type": self.media_type,
            "sha256": self.sha256,
        }


@dataclass(frozen=True)
class Keeping:
    """What is kept of a file."""

    head_bytes: int | None = None
    """The beginning only, this many bytes of it; of a file that is read as a whole, such as Parquet, all."""
    is_stored: bool = True
    """False: nothing is stored. The file is read all the same, to know whether it is the one that was sent before."""


@dataclass(frozen=True)
class _Stored:
    upload_id: str
    sha256: str
    is_truncated: bool


async def receive_upload(
    request: web.Request, correlation_id: str, known_fields: frozenset[str], keeping: Keeping
) -> ReceivedUpload:
    """Stream the request's file into a pending blob.

    Args:
        request: The request.
        correlation_id: The job that the file is for.
        known_fields: What may be said beside the file.
        keeping: What is kept of it.

    Raises:
        BadRequest: There is no file, a field is unknown, or the form is malformed.
        LimitExceeded: The file is larger than the settings allow; what was stored is gone.
        UnsupportedMediaType: The body is compressed, or a multipart body that is no form.
    """
    refuse_compressed(request)
    limit = request.app[SETTINGS].upload_limit_bytes
    if request.content_length is not None and request.content_length > limit + (_FORM_BYTES if is_form(request) else 0):
        raise _too_large(f"{request.content_length} bytes", limit)
    fields = query_fields(request)
    if is_form(request):
        return await _receive_form(request, correlation_id, fields, known_fields, keeping)
    check_fields(fields, known_fields | {"file_name"})
    stored = await _store(request, request.content.iter_chunked(CHUNK_BYTES), correlation_id, keeping)
    # whole, with its charset
    media_type = request.headers.get("Content-Type")
    file_name = request.query.get("file_name")
    return ReceivedUpload(stored.upload_id, file_name, media_type, stored.sha256, stored.is_truncated, fields)


def is_form(request: web.Request) -> bool:
    """Whether the file comes in a form, or in what is taken for one."""
    return request.content_type.startswith("multipart/")


def query_fields(request: web.Request) -> dict[str, list[str]]:
    """What the query string says of the file."""
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in request.query.items():
        if name not in _NOT_OF_THE_FILE:
            fields[name].append(value)
    return dict(fields)


def dataset_name(fields: Fields) -> str:
    """What the dataset is to be called.

    Raises:
        BadRequest: There is no name, or it is none.
    """
    name = fields.get("name", [""])[0]
    if not name:
        raise BadRequest("the dataset needs a name: POST /datasets?name=... or the form field `name`")
    try:
        return _NAME.validate_python(name)
    except ValidationError:
        raise BadRequest(
            f"{name[:100]!r} is no dataset name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit, "
            "100 characters at most"
        ) from None


async def _receive_form(
    request: web.Request,
    correlation_id: str,
    fields: dict[str, list[str]],
    known_fields: frozenset[str],
    keeping: Keeping,
) -> ReceivedUpload:
    check_form_type(request)
    received: tuple[_Stored, str | None, str | None] | None = None
    check_fields(fields, known_fields | {"file_name"})
    named = fields.pop("file_name", [None])[0]
    try:
        async with contextlib.aclosing(FormReader(request, fields, known_fields).files()) as files:
            async for part in files:
                if received is not None:
                    raise BadRequest(f"the form has two fields `{FILE_FIELD}`; one dataset has one file")
                stored = await _store(request, chunks_of(part), correlation_id, keeping)
                received = (stored, file_name_of(part), part.headers.get("Content-Type"))
        if received is None:
            raise BadRequest(f"the form has no field `{FILE_FIELD}`")
    except BaseException:
        if received is not None and keeping.is_stored:
            await request.app[BLOBS].delete(received[0].upload_id)
        raise
    stored, file_name, media_type = received
    return ReceivedUpload(stored.upload_id, named or file_name, media_type, stored.sha256, stored.is_truncated, fields)


async def _at_least(count: int, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks; the first one has so many bytes at least, unless there are no more."""
    held = b""
    async for chunk in chunks:
        held += chunk
        if len(held) >= count:
            yield held
            held, count = b"", 0
    if held:
        yield held


async def _store(request: web.Request, chunks: AsyncIterator[bytes], correlation_id: str, keeping: Keeping) -> _Stored:
    limit = request.app[SETTINGS].upload_limit_bytes
    upload_id = str(uuid4())
    size, kept = 0, limit
    digest = hashlib.sha256()
    with store_errors():
        writer = request.app[BLOBS].open_writer(upload_id, "upload", correlation_id) if keeping.is_stored else None
        try:
            async for chunk in _at_least(START_BYTES, chunks):
                if not size and keeping.head_bytes is not None and not is_read_whole(chunk):
                    kept = keeping.head_bytes
                # what is behind the beginning is read all the same: for the digest, and so that the sender's
                # connection ends in order
                if writer is not None and size < kept:
                    await writer.write(chunk[: kept - size])
                size += len(chunk)
                digest.update(chunk)
                if size > limit:
                    raise _too_large(f"more than {limit} bytes", limit)
            if writer is not None:
                await writer.close()
        except BaseException:
            # A caller who hangs up cancels this; the chunks must go all the same (the sweep finds what stays).
            if writer is not None:
                with contextlib.suppress(Exception):
                    await writer.abort()
            raise
    return _Stored(upload_id, digest.hexdigest(), is_truncated=size > kept)


def _too_large(size: str, limit: int) -> LimitExceeded:
    return LimitExceeded(f"the upload has {size}, the limit is {limit}; MODELBUS_UPLOAD_LIMIT_BYTES raises it")
