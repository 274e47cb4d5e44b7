"""The names and file formats of plots."""

from pathlib import Path
from typing import Any, Final

from modelbus.client.calls import record_of
from modelbus.client.typed_answers import Result
from modelbus.shared.errors import InvalidCommand

_SUFFIXES: Final = (".svg", ".json")


class _Plot(Result):
    name: str


class _Plots(Result):
    plots: list[_Plot]


def plot_names(document: Any) -> list[str]:
    """The names in a list of plots."""
    return [plot.name for plot in record_of(_Plots, document).plots]


def plot_suffix(path: Path) -> str:
    """The suffix of a plot's file, which determines its format.

    Raises:
        InvalidCommand: The suffix is neither ``.svg`` nor ``.json``.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InvalidCommand(f"a plot can be saved as .svg (a picture) or .json (its points), not as {path.name!r}")
    return suffix
