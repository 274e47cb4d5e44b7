"""Plots of an evaluation or a job: names, points, files."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.calls import Call, path_of, record_of
from modelbus.client.plot_files import plot_names, plot_suffix
from modelbus.client.shown.records import DrawnPlot

if TYPE_CHECKING:
    import os

PlotNames = list[str]


class AsyncPlots:
    """The plots of one evaluation or job."""

    def __init__(self, transport: AsyncTransport, *owner: str) -> None:
        """Args:
        transport: The connection to the gateway.
        owner: The parts of the owner's path: ``evaluations`` and an id, or ``jobs`` and a correlation id.
        """
        self._transport = transport
        self._owner = owner

    async def names(self) -> PlotNames:
        """The names of the plots."""
        return plot_names(await self._transport.document("GET", path_of(*self._owner, "plots")))

    async def get(self, name: str) -> DrawnPlot:
        """One plot: its points and its picture."""
        points = record_of(DrawnPlot, await self._transport.document("GET", self._path(name, ".json")))
        picture = io.BytesIO()
        await self._transport.send(Call("GET", self._path(name, ".svg"), sink=picture))
        text = picture.getvalue().decode("utf-8", "replace")
        return points.with_svg(text if text.lstrip().startswith("<") else None)

    async def download(self, name: str, path: "str | os.PathLike[str]") -> Path:
        """Save one plot, as a picture (``.svg``) or as its points (``.json``), by the file's suffix."""
        target = Path(path)
        await self._transport.save(Call("GET", self._path(name, plot_suffix(target))), target)
        return target

    def _path(self, name: str, suffix: str) -> str:
        return path_of(*self._owner, "plots", f"{name}{suffix}")
