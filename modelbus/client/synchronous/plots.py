# Made from ../asynchronous/plots.py by tools/twin.py: change it there, then run `make twin`.
"""Plots of an evaluation or of a job: which there are, their points, their files."""

from pathlib import Path
from typing import TYPE_CHECKING

from modelbus.client.calls import Call, path_of, record_of
from modelbus.client.plot_files import plot_names, plot_suffix
from modelbus.client.synchronous.http_transport import Transport
from modelbus.shared.contracts.records.plot_points import Plot

if TYPE_CHECKING:
    import os

PlotNames = list[str]


class Plots:
    """What was drawn of one thing."""

    def __init__(self, transport: Transport, *owner: str) -> None:
        """Args:
        transport: The way to its gateway.
        owner: Whose they are, as the path has it: ``evaluations`` and an id, ``jobs`` and a correlation id.
        """
        self._transport = transport
        self._owner = owner

    def names(self) -> PlotNames:
        """Which there are."""
        return plot_names(self._transport.document("GET", path_of(*self._owner, "plots")))

    def get(self, name: str) -> Plot:
        """One of them as the points behind it."""
        return record_of(Plot, self._transport.document("GET", self._path(name, ".json")))

    def download(self, name: str, path: "str | os.PathLike[str]") -> Path:
        """Save one of them: as a picture (``.svg``), or as its points (``.json``), as the file's name says."""
        target = Path(path)
        self._transport.save(Call("GET", self._path(name, plot_suffix(target))), target)
        return target

    def _path(self, name: str, suffix: str) -> str:
        return path_of(*self._owner, "plots", f"{name}{suffix}")
