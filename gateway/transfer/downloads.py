"""Sending stored files in chunks, with length and digest."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from aiohttp import web

from modelbus.gateway.application_keys import BLOBS
from modelbus.gateway.http.answers import has_already
from modelbus.gateway.http.breaking_off import BrokenOff
from modelbus.shared.errors import ModelbusError
from modelbus.shared.store.blobs.async_blobs import StoredFile

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
}
"""The media types by format of a table."""

FILE_HEADERS: Final = {
    "ETag": "Identifies the content: its SHA-256 in hexadecimal if recorded, otherwise the id of the stored file.",
    "Repr-Digest": "`sha-256=:...:`, the digest of the whole file (RFC 9530). Files of earlier releases may lack it.",
    "Content-Disposition": "The suggested file name.",
}
"""The descriptions of a stored file's headers, by name."""

FILE_TYPES: Final = tuple(value.partition(";")[0] for value in MEDIA_TYPES.values())


async def send_blob(
    request: web.Request,
    blob_id: str,
    file_name: str,
    media_type: str,
    sha256: str | None = None,
    *,
    is_shown: bool = False,
) -> web.StreamResponse:
    """Stream a blob as an attachment or inline, with its ETag and digest; 304 if the client has it.

    HEAD returns the same headers without the bytes. A failure before the first byte is a problem; a later one aborts
    the response.

    Args:
        request: The request.
        blob_id: The blob, which is immutable.
        file_name: The suggested file name.
        media_type: The media type.
        sha256: The digest in hexadecimal, if recorded.
        is_shown: Whether browsers should show it instead of saving it.

    Raises:
        UnknownUpload: The blob no longer exists.
        StoreUnavailable: MongoDB is not responding.
        BrokenOff: Either happened after the first byte.
    """
    etag = sha256 or blob_id
    if has_already(request, etag):
        return web.Response(status=304, headers={"ETag": f'"{etag}"'})
    reader = await request.app[BLOBS].open_reader(blob_id)
    headers = {
        "Content-Type": media_type,
        "Content-Disposition": f"{'inline' if is_shown else 'attachment'}; filename*=UTF-8''{quote(file_name)}",
        "X-Content-Type-Options": "nosniff",
        # what is shown is drawn by us; should it hold more one day, nothing of it runs or loads
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "ETag": f'"{etag}"',
        **_digest(reader.sha256 or sha256),
    }
    response = web.StreamResponse(headers=headers)
    response.content_length = reader.size_bytes
    if request.method == "HEAD":
        await response.prepare(request)
        return response
    await _send(request, response, reader)
    return response


async def _send(request: web.Request, response: web.StreamResponse, reader: StoredFile) -> None:
    chunk = await reader.read_chunk()  # before anything leaves: a file that is gone is a problem
    await response.prepare(request)
    try:
        while chunk:
            await response.write(chunk)
            chunk = await reader.read_chunk()
    except ModelbusError as error:
        raise BrokenOff from error
    await response.write_eof()


def _digest(sha256: str | None) -> Mapping[str, str]:
    """The header with the digest of the file (RFC 9530)."""
    return {} if sha256 is None else {"Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(sha256)).decode()}:"}
