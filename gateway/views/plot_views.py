"""Plots as the gateway returns them: links, SVG images and data points."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from modelbus.gateway.transfer.downloads import send_blob
from modelbus.shared.contracts.documents.job_documents import FileDocument
from modelbus.shared.errors import NotFound

PLOT_TYPES: Final = {"svg": "image/svg+xml", "json": "application/json"}
"""The media type by file extension."""


def plot_places(place: str, files: Sequence[FileDocument]) -> list[dict[str, Any]]:
    """The plots with links to the SVG image and the data points.

    Args:
        place: The path of the plots.
        files: The stored files, with the ``name`` of each.
    """
    names = [file["name"].removesuffix(".svg") for file in files if file["name"].endswith(".svg")]
    return [{"name": name, **{ending: f"{place}/{name}.{ending}" for ending in PLOT_TYPES}} for name in names]


async def send_plot(request: web.Request, files: Sequence[FileDocument], owner: str, whose: str) -> web.StreamResponse:
    """Send the file named by the path. Files are immutable, so the response may be 304.

    Args:
        request: The request with ``file`` in its path.
        files: The stored files, with ``name`` and ``blob_id`` of each.
        owner: The id for the suggested file name.
        whose: The subject of the plots in words.

    Raises:
        NotFound: The file does not exist.
        UnknownUpload: The file has been removed.
    """
    file_name = request.match_info["file"]
    blob_ids = {file["name"]: file["blob_id"] for file in files}
    if file_name not in blob_ids:
        known = ", ".join(sorted(blob_ids)) or "none"
        raise NotFound(f"{whose} has no plot {file_name[:100]!r}; its plots are {known}")
    blob_id = blob_ids[file_name]
    media_type = PLOT_TYPES[file_name.rpartition(".")[2]]
    return await send_blob(request, blob_id, f"{owner}-{file_name}", media_type, is_shown=True)
