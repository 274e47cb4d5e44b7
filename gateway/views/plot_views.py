"""Plots as they are answered: where each is, and one as SVG or as the points behind it."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from modelbus.gateway.transfer.downloads import send_blob
from modelbus.shared.contracts.documents.job_documents import FileDocument
from modelbus.shared.errors import NotFound

PLOT_TYPES: Final = {"svg": "image/svg+xml", "json": "application/json"}
"""By the ending of the file."""


def plot_places(place: str, files: Sequence[FileDocument]) -> list[dict[str, Any]]:
    """Each plot's name, with where it is as SVG and as points.

    Args:
        place: Where they all are, as a path.
        files: The stored files, with the ``name`` of each.
    """
    names = [file["name"].removesuffix(".svg") for file in files if file["name"].endswith(".svg")]
    return [{"name": name, **{ending: f"{place}/{name}.{ending}" for ending in PLOT_TYPES}} for name in names]


async def send_plot(request: web.Request, files: Sequence[FileDocument], owner: str, whose: str) -> web.StreamResponse:
    """Send the file that the path names; it never changes, so 304 to who has it.

    Args:
        request: With ``file`` in its path.
        files: The stored files, with ``name`` and ``blob_id`` of each.
        owner: The id that the file is saved under by who downloads it.
        whose: What they are of, in words.

    Raises:
        NotFound: There is no such file.
        UnknownUpload: It was removed meanwhile.
    """
    file_name = request.match_info["file"]
    blob_ids = {file["name"]: file["blob_id"] for file in files}
    if file_name not in blob_ids:
        known = ", ".join(sorted(blob_ids)) or "none"
        raise NotFound(f"{whose} has no plot {file_name[:100]!r}; it has {known}")
    blob_id = blob_ids[file_name]
    media_type = PLOT_TYPES[file_name.rpartition(".")[2]]
    return await send_blob(request, blob_id, f"{owner}-{file_name}", media_type, is_shown=True)
