# Made from ../asynchronous/plots.py by tools/twin.py: change it there, then run `make twin`.
"""Plots of an evaluation or a job: names, points, files."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from modelbus.client.calls import Call, path_of, record_of
from modelbus.client.plot_files import plot_names, plot_suffix
from modelbus.client.shown.records import DrawnPlot
from modelbus.client.synchronous.http_transport import Transport

if TYPE_CHECKING:
    import os

PlotNames = list[str]


class Plots:
    """The plots of one evaluation or job."""

    def __init__(self, transport: Transport, *owner: str) -> None:
        """Args:
        transport: The connection to the gateway.
        owner: The parts of the owner's path: ``evaluations`` and an id, or ``jobs`` and a correlation id.
        """
        self._transport = transport
        self._owner = owner

    def names(self) -> PlotNames:
        """The names of the plots."""
        return plot_names(self._transport.document("GET", path_of(*self._owner, "plots")))

    def get(self, name: str) -> DrawnPlot:
        """One plot: its points and its picture."""
        points = record_of(DrawnPlot, self._transport.document("GET", self._path(name, ".json")))
        picture = io.BytesIO()
        self._transport.send(Call("GET", self._path(name, ".svg"), sink=picture))
        text = picture.getvalue().decode("utf-8", "replace")
        return points.with_svg(text if text.lstrip().startswith("<") else None)

    def download(self, name: str, path: "str | os.PathLike[str]") -> Path:
        """Save one plot, as a picture (``.svg``) or as its points (``.json``), by the file's suffix."""
        target = Path(path)
        self._transport.save(Call("GET", self._path(name, plot_suffix(target))), target)
        return target

    def _path(self, name: str, suffix: str) -> str:
        return path_of(*self._owner, "plots", f"{name}{suffix}")
