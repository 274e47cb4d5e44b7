"""Receiving files: a raw body or a multipart form, streamed into GridFS, counted while they come."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import TypeAdapter, ValidationError

from modelbus.gateway.access.scopes import is_same_owner
from modelbus.gateway.application_keys import BLOBS, JOBS, SETTINGS
from modelbus.gateway.http.problems import BadRequest, UnsupportedMediaType
from modelbus.gateway.http.requests import has_own_correlation_id
from modelbus.gateway.transfer.parse_fields import Fields, check_fields
from modelbus.shared.contracts import Name
from modelbus.shared.contracts.commands.datasets import PARQUET_START_BYTES, begins_as_parquet
from modelbus.shared.errors import CorrelationIdReused, LimitExceeded, ModelbusError, StoreUnavailable, UnknownJob
from modelbus.shared.store.connection import store_errors
from modelbus.shared.store.job_queries import UPLOADING

_CHUNK_BYTES = 256 * 1024
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_FIELD_BYTES_LIMIT = 256 * 1024
_NOT_OF_THE_FILE = frozenset({"wait"})


@dataclass(frozen=True)
class ReceivedUpload:
    """A file that lies in GridFS, pending."""

    upload_id: str
    file_name: str | None
    media_type: str | None
    is_cut: bool
    """Whether only the beginning of the file was stored."""
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
        }


@dataclass(frozen=True)
class _Stored:
    upload_id: str
    is_cut: bool


async def receive_upload(
    request: web.Request, correlation_id: str, known_fields: frozenset[str], *, head_bytes: int | None = None
) -> ReceivedUpload:
    """Stream the request's file into a pending blob.

    Args:
        request: The request.
        correlation_id: The job that the file is for.
        known_fields: What may be said beside the file.
        head_bytes: Keep the beginning only, so many bytes of it; of Parquet, which describes itself at its end, all.

    Raises:
        BadRequest: There is no file, a field is unknown, or the form is malformed.
        LimitExceeded: The file is larger than the settings allow; what was stored is gone.
        UnsupportedMediaType: The body is compressed as a whole.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("compressed bodies are not accepted; send the file without Content-Encoding")
    limit = request.app[SETTINGS].upload_limit_bytes
    if request.content_length is not None and request.content_length > limit + 65536:
        raise LimitExceeded(f"the upload has {request.content_length} bytes, the limit is {limit}")
    fields = query_fields(request)
    if is_form(request):
        return await _receive_form(request, correlation_id, fields, known_fields, head_bytes)
    check_fields(fields, known_fields | {"file_name"})
    stored = await _store(request, request.content.iter_chunked(_CHUNK_BYTES), correlation_id, head_bytes)
    # whole, with its charset
    media_type = request.headers.get("Content-Type")
    return ReceivedUpload(stored.upload_id, request.query.get("file_name"), media_type, stored.is_cut, fields)


def is_form(request: web.Request) -> bool:
    """Whether the file comes in a form."""
    return request.content_type == "multipart/form-data"


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


async def is_repeated(request: web.Request, correlation_id: str, command: str, dataset: str | None = None) -> bool:
    """Whether an upload is repeated: then its file need not be read again.

    Raises:
        CorrelationIdReused: The id belongs to a job of another kind or owner, or to an upload under another name.
    """
    if not has_own_correlation_id(request):
        return False
    try:
        job = await request.app[JOBS].find_part(correlation_id, UPLOADING)
    except UnknownJob:
        return False
    is_other = job["command"] != command or dataset not in (None, job["spec"].get("dataset"))
    if is_other or not is_same_owner(request, job):
        raise CorrelationIdReused(f"correlation id {correlation_id} belongs to another {job['command']} job")
    return True


@contextlib.asynccontextmanager
async def removed_unless_accepted(request: web.Request, received: ReceivedUpload) -> AsyncIterator[None]:
    """Have a job made of a file; when it is not accepted, its bytes go."""
    try:
        yield
    except StoreUnavailable:
        # The job may have been recorded all the same: the sweep knows whether the bytes are wanted.
        raise
    except ModelbusError:
        await request.app[BLOBS].delete(received.upload_id)
        raise


async def _receive_form(
    request: web.Request,
    correlation_id: str,
    fields: dict[str, list[str]],
    known_fields: frozenset[str],
    head_bytes: int | None,
) -> ReceivedUpload:
    received: tuple[_Stored, str | None, str | None] | None = None
    check_fields(fields, known_fields | {"file_name"})
    named = fields.pop("file_name", [None])[0]
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise BadRequest("the form holds another form; expected are a field `file` and texts beside it")
            if part.name == "file":
                if received is not None:
                    raise BadRequest("the form has two fields `file`; one dataset has one file")
                stored = await _store(request, _chunks(part), correlation_id, head_bytes)
                received = (stored, part.filename, part.headers.get("Content-Type"))
            else:
                fields.setdefault(str(part.name), []).append(await _text(part))
                check_fields(fields, known_fields)
        if received is None:
            raise BadRequest("the form has no field `file`")
        stored, file_name, media_type = received
        return ReceivedUpload(stored.upload_id, named or file_name, media_type, stored.is_cut, fields)
    except BaseException as error:
        if received is not None:
            await request.app[BLOBS].delete(received[0].upload_id)
        if isinstance(error, (ValueError, HttpProcessingError)):  # the second one is of a part's own header
            raise BadRequest(f"the form is malformed: {error}") from error
        raise


async def _text(part: BodyPartReader) -> str:
    held = b""
    async for chunk in _chunks(part):
        held += chunk
        if len(held) > _FIELD_BYTES_LIMIT:
            raise LimitExceeded(f"form field {str(part.name)[:100]!r} has more than {_FIELD_BYTES_LIMIT} bytes")
    return held.decode("utf-8", "replace")


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        yield chunk


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


async def _store(
    request: web.Request, chunks: AsyncIterator[bytes], correlation_id: str, head_bytes: int | None
) -> _Stored:
    limit = request.app[SETTINGS].upload_limit_bytes
    upload_id = str(uuid4())
    size, kept = 0, limit
    with store_errors():
        writer = request.app[BLOBS].open_writer(upload_id, "upload", correlation_id)
        try:
            async for chunk in _at_least(PARQUET_START_BYTES, chunks):
                if not size and head_bytes is not None and not begins_as_parquet(chunk):
                    kept = head_bytes
                # what is behind the beginning is read all the same, so that the sender's connection ends in order
                if size < kept:
                    await writer.write(chunk[: kept - size])
                size += len(chunk)
                if size > limit:
                    raise LimitExceeded(f"the upload has more than {limit} bytes")
            await writer.close()
        except BaseException:
            # A caller who hangs up cancels this; the chunks must go all the same (the sweep finds what stays).
            with contextlib.suppress(Exception):
                await writer.abort()
            raise
    return _Stored(upload_id, is_cut=size > kept)
