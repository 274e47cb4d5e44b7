"""A plot as the points behind it: what is drawn, and what `…/plots/{name}.json` answers.

A plot is a few layers over two axes. Whoever has something new to show fills in layers; nothing else has to be written
to have it drawn (``shared/drawing.py``).
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from modelbus.shared.contracts.base import PLOT_NAME_PATTERN, Contract

POINT_LIMIT = 1000
"""Points that a layer has at most."""

PlotName = Annotated[str, StringConstraints(pattern=PLOT_NAME_PATTERN)]


class Layer(Contract):
    """One curve, cloud, row of bars or band."""

    kind: Literal["line", "steps", "points", "bars", "band", "reference"]
    """`line` joins its points, `steps` go sideways first, `points` are a cloud, `bars` have a name each (those of
    several layers stand side by side, and have the same names), a `band` lies between `y` and `y_high`, and a
    `reference` is a dashed line to compare with."""
    label: str = ""
    """What the legend says; empty for no entry."""
    x: list[float] = []
    y: list[float] = []
    y_high: list[float] = []
    """The upper edge of a band; of `points` and `bars` the upper end of their error bars, with `y_low` the lower."""
    y_low: list[float] = []
    names: list[str] = []
    """Of bars: what each is of, the first one on top. Their lengths stand in `y`."""
    thresholds: list[float] = []
    """The score that gives each point, where points come from scores."""
    sizes: list[float] = []
    """What each point counts, where that differs."""


class Matrix(Contract):
    """Numbers in cells, the shade by ``fractions``."""

    labels: list[str]
    values: list[list[float]]
    fractions: list[list[float]]
    """From 0 to 1."""


class Plot(Contract):
    """One plot."""

    name: PlotName
    title: str
    x_label: str
    y_label: str
    has_dates: bool = False
    """Whether `x` counts days since 1970-01-01 (UTC), which are drawn as dates."""
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    layers: list[Layer] = Field([], max_length=50)
    matrix: Matrix | None = None
    """Instead of layers."""
    note: str = ""
    """What a reader must know, below the title."""
