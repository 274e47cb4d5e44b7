"""Plots: where each is, and as what it can be saved."""

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
    """As what a plot is saved, by its file's name.

    Raises:
        InvalidCommand: The name says neither ``.svg`` nor ``.json``.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InvalidCommand(f"a plot is saved as .svg or as .json, which are its points; not as {path.name!r}")
    return suffix
