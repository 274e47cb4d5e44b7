"""Receiving files: a raw body or a multipart form, streamed into GridFS, counted while they come."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import BodyPartReader, web
from pydantic import TypeAdapter, ValidationError

from gateway.keys import BLOBS, SETTINGS
from gateway.problems import BadRequest, UnsupportedMediaType
from shared.contracts import Name
from shared.errors import LimitExceeded
from shared.store.connection import store_errors

_CHUNK_BYTES = 256 * 1024
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_NAME_BYTES_LIMIT = 400


@dataclass(frozen=True)
class ReceivedUpload:
    """A file that lies in GridFS, pending."""

    name: str
    """What the dataset is to be called."""
    upload_id: str
    file_name: str | None
    media_type: str | None


async def receive_upload(request: web.Request, correlation_id: str) -> ReceivedUpload:
    """Stream the request's file into a pending blob.

    Raises:
        BadRequest: There is no name, no file, or the form is malformed.
        LimitExceeded: The file is larger than the settings allow; what was stored is gone.
        UnsupportedMediaType: The body is compressed as a whole.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("compressed bodies are not accepted; send the file without Content-Encoding")
    limit = request.app[SETTINGS].upload_limit_bytes
    if request.content_length is not None and request.content_length > limit + 65536:
        raise LimitExceeded(f"the upload has {request.content_length} bytes, the limit is {limit}")
    if request.content_type == "multipart/form-data":
        return await _receive_form(request, correlation_id)
    name = _checked_name(request.query.get("name"))
    upload_id = await _store(request, request.content.iter_chunked(_CHUNK_BYTES), correlation_id)
    media_type = request.content_type if "Content-Type" in request.headers else None
    return ReceivedUpload(name, upload_id, request.query.get("file_name"), media_type)


async def _receive_form(request: web.Request, correlation_id: str) -> ReceivedUpload:
    name = request.query.get("name")
    stored: tuple[str, str | None, str | None] | None = None
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise BadRequest("the form holds another form; expected are the fields `name` and `file`")
            if part.name == "name":
                name = (await part.read_chunk(_NAME_BYTES_LIMIT)).decode("utf-8", "replace")
            elif part.name == "file" and stored is None:
                media_type = part.headers.get("Content-Type")
                stored = (await _store(request, _chunks(part), correlation_id), part.filename, media_type)
            else:
                raise BadRequest(f"unexpected form field {part.name!r}; expected are `name` and `file`, once each")
        if stored is None:
            raise BadRequest("the form has no field `file`")
        return ReceivedUpload(_checked_name(name), *stored)
    except BaseException as error:
        if stored is not None:
            await request.app[BLOBS].delete(stored[0])
        if isinstance(error, ValueError):
            raise BadRequest(f"the form is malformed: {error}") from error
        raise


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        yield chunk


async def _store(request: web.Request, chunks: AsyncIterator[bytes], correlation_id: str) -> str:
    limit = request.app[SETTINGS].upload_limit_bytes
    upload_id = str(uuid4())
    size = 0
    with store_errors():
        writer = request.app[BLOBS].open_writer(upload_id, "upload", correlation_id)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise LimitExceeded(f"the upload has more than {limit} bytes")
                await writer.write(chunk)
            await writer.close()
        except BaseException:
            # A caller who hangs up cancels this; the chunks must go all the same (the sweep finds what stays).
            with contextlib.suppress(Exception):
                await writer.abort()
            raise
    return upload_id


def _checked_name(name: str | None) -> str:
    if not name:
        raise BadRequest("the dataset needs a name: POST /datasets?name=... or the form field `name`")
    try:
        return _NAME.validate_python(name)
    except ValidationError:
        raise BadRequest(
            f"{name[:100]!r} is no dataset name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit, "
            "100 characters at most"
        ) from None
