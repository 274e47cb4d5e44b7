"""Sending stored files, chunk by chunk."""

from typing import Final
from urllib.parse import quote

from aiohttp import web

from modelbus.gateway.application_keys import BLOBS
from modelbus.gateway.http.answers import has_already
from modelbus.shared.store.connection import store_errors

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
}
"""Of the formats in which tables are sent."""

FILE_TYPES: Final = tuple(value.partition(";")[0] for value in MEDIA_TYPES.values())


async def send_blob(
    request: web.Request,
    blob_id: str,
    file_name: str,
    media_type: str,
    etag: str | None = None,
    *,
    is_shown: bool = False,
) -> web.StreamResponse:
    """Stream a blob as an attachment, or to be shown; an immutable one with its ETag, 304 when it is known already.

    To HEAD the same is answered, without the bytes.

    Raises:
        UnknownUpload: The blob is gone.
    """
    headers = {
        "Content-Type": media_type,
        "Content-Disposition": f"{'inline' if is_shown else 'attachment'}; filename*=UTF-8''{quote(file_name)}",
        "X-Content-Type-Options": "nosniff",
        # what is shown is drawn by us; should it hold more one day, nothing of it runs or loads
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    if etag:
        headers["ETag"] = f'"{etag}"'
        if has_already(request, etag):
            return web.Response(status=304, headers={"ETag": headers["ETag"]})
    reader = await request.app[BLOBS].open_reader(blob_id)
    response = web.StreamResponse(headers=headers)
    response.content_length = reader.length
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    with store_errors():
        while chunk := await reader.readchunk():
            await response.write(chunk)
    await response.write_eof()
    return response
