"""Receiving files: a raw body or a multipart form, streamed into GridFS and limited in size."""

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
"""The allowance for a form's fields when its Content-Length is checked."""


@dataclass(frozen=True)
class ReceivedUpload:
    """A file that was read completely and, if kept, is stored in GridFS as pending."""

    upload_id: str
    file_name: str | None
    media_type: str | None
    sha256: str
    """The digest of all bytes in hexadecimal."""
    is_truncated: bool
    """Whether only the beginning of the file is kept."""
    fields: Fields
    """The fields of the query string and the form."""

    @property
    def source(self) -> dict[str, str | None]:
        """The source of the file for a command."""
        return {
            "kind": "upload",
            "upload_id": self.upload_id,
            "file_name": self.file_name,
            "media_type": self.media_type,
            "sha256": self.sha256,
        }


@dataclass(frozen=True)
class Keeping:
    """The part of a file to keep."""

    head_bytes: int | None = None
    """The number of bytes to keep from the beginning; files that can only be read as a whole, such as Parquet, are kept
    completely."""
    is_stored: bool = True
    """Whether to store the file. Otherwise it is only read, to compare it with an earlier one."""


@dataclass(frozen=True)
class _Stored:
    upload_id: str
    sha256: str
    is_truncated: bool


async def receive_upload(
    request: web.Request, correlation_id: str, known_fields: frozenset[str], keeping: Keeping
) -> ReceivedUpload:
    """Stream the file of a request into a pending blob.

    Args:
        request: The request.
        correlation_id: The job of the file.
        known_fields: The known fields in addition to the file.
        keeping: The part of the file to keep.

    Raises:
        BadRequest: The file is missing, a field is unknown, or the form is malformed.
        LimitExceeded: The file exceeds the limit of the settings; the stored part has been deleted.
        UnsupportedMediaType: The body is compressed, or a multipart body other than a form.
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
    """Whether the file comes in a multipart body."""
    return request.content_type.startswith("multipart/")


def query_fields(request: web.Request) -> dict[str, list[str]]:
    """The fields of the query string."""
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in request.query.items():
        if name not in _NOT_OF_THE_FILE:
            fields[name].append(value)
    return dict(fields)


def dataset_name(fields: Fields) -> str:
    """The name of the new dataset.

    Raises:
        BadRequest: The name is missing or invalid.
    """
    name = fields.get("name", [""])[0]
    if not name:
        raise BadRequest("the dataset requires a name: POST /datasets?name=... or the form field `name`")
    try:
        return _NAME.validate_python(name)
    except ValidationError:
        raise BadRequest(
            f"{name[:100]!r} is not a valid dataset name; use up to 100 letters, digits, `.`, `_` or `-`, starting "
            "with a letter or digit"
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
                    raise BadRequest(f"the form must not have more than one field `{FILE_FIELD}`")
                stored = await _store(request, chunks_of(part), correlation_id, keeping)
                received = (stored, file_name_of(part), part.headers.get("Content-Type"))
        if received is None:
            raise BadRequest(f"the form requires a field `{FILE_FIELD}`")
    except BaseException:
        if received is not None and keeping.is_stored:
            await request.app[BLOBS].delete(received[0].upload_id)
        raise
    stored, file_name, media_type = received
    return ReceivedUpload(stored.upload_id, named or file_name, media_type, stored.sha256, stored.is_truncated, fields)


async def _at_least(count: int, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, of which the first has at least a minimum size, unless the file is shorter."""
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
    return LimitExceeded(f"the upload has {size} and the limit is {limit}; raise MODELBUS_UPLOAD_LIMIT_BYTES")
