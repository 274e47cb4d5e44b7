"""A plot as data points, for the drawing and for `…/plots/{name}.json`.

A plot has a few layers over two axes. A new plot only needs to fill in layers; ``shared/drawing.py`` draws them.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from modelbus.shared.contracts.base import PLOT_NAME_PATTERN, Contract

POINT_LIMIT = 1000
"""The maximum number of points of a layer."""

PlotName = Annotated[str, StringConstraints(pattern=PLOT_NAME_PATTERN)]


class Layer(Contract):
    """A curve, scatter plot, bar chart or band."""

    kind: Literal["line", "steps", "points", "bars", "band", "reference"]
    """`line` connects the points, `steps` is a step function, `points` is a scatter plot, `bars` is a bar chart with
    named bars (grouped if several layers have the same names), `band` is the area between `y` and `y_high`, and
    `reference` is a dashed reference line."""
    label: str = ""
    """The legend entry; empty for none."""
    x: list[float] = []
    y: list[float] = []
    y_high: list[float] = []
    """The upper edge of a band; for `points` and `bars`, the upper end of the error bars, with `y_low` as the lower
    end."""
    y_low: list[float] = []
    names: list[str] = []
    """The names of bars, the first at the top. Their lengths are in `y`."""
    thresholds: list[float] = []
    """The threshold of each point, if the points come from thresholds."""
    sizes: list[float] = []
    """The weight of each point, if weights differ."""


class Matrix(Contract):
    """Numbers in cells, shaded by ``fractions``."""

    labels: list[str]
    values: list[list[float]]
    fractions: list[list[float]]
    """The fractions for the shades, from 0 to 1."""


class Plot(Contract):
    """A plot."""

    name: PlotName
    title: str
    x_label: str
    y_label: str
    has_dates: bool = False
    """Whether `x` is a number of days since 1970-01-01 (UTC), to be shown as dates."""
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    layers: list[Layer] = Field([], max_length=50)
    matrix: Matrix | None = None
    """The matrix, instead of layers."""
    note: str = ""
    """A note below the title."""
