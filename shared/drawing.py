"""Draws a plot from its points as SVG, with matplotlib; imported only where something is drawn.

The SVG holds no script and no reference to anything outside; text stays text, escaped. The same points give the same
bytes.
"""

import io
import itertools
import re
import warnings
from collections.abc import Callable
from datetime import date
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from modelbus.shared.contracts.records.plot_points import Layer, Matrix, Plot

_COLOURS: Final = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F", "#9467BD", "#BCBD22",
)  # fmt: skip
"""Okabe and Ito's, which most colour-blind people tell apart, and some more."""
_SHADES: Final = LinearSegmentedColormap.from_list("shades", ["#FFFFFF", "#0072B2"], N=40)
"""Few enough that the colour bar beside a matrix is drawn as cells: from 50 on it would be an embedded picture."""
_GREY: Final = "#6B7280"
_INK: Final = "#1F2937"
_NAME_LIMIT: Final = 32
"""The maximum number of characters shown of a class or a column."""
_CELL_TEXT_LIMIT: Final = 12
"""The maximum number of labels of a confusion matrix whose cells have room for a number."""
_CALENDAR: Final = tuple(date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal() for year in (1000, 9000))
"""Days since 1970 that are drawn as dates: with the margins of the axis, all are of years that `datetime` knows."""
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_STYLE: Final[Any] = {
    "svg.hashsalt": "modelbus",  # ids follow from the content
    "svg.fonttype": "none",
    "text.parse_math": False,  # a class may be called $x$
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E7EB",
    "text.color": _INK,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
}
_NO_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def draw(plot: Plot) -> bytes:
    """Draw a plot.

    Args:
        plot: The points; all finite.

    Returns:
        An SVG document in UTF-8.
    """
    # a glyph that matplotlib's own font lacks is drawn by the reader's
    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = Figure(figsize=(6.4, _height(plot)), layout="constrained")
        axes = figure.add_subplot()
        if plot.matrix is not None:
            _draw_matrix(figure, axes, plot.matrix)
        else:
            _draw_layers(axes, plot)
        _name_axes(axes, plot)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=_NO_METADATA)
    return _tidy(text.getvalue(), plot.title).encode()


def _height(plot: Plot) -> float:
    """Inches."""
    names = [len(layer.names) for layer in plot.layers]
    # bars side by side are thinner, but not too thin to be told apart
    bars = max(max(names, default=0), sum(names) / 2)
    legend = sum(bool(layer.label) for layer in plot.layers)
    return 4.2 + 0.22 * max(0, bars - 12) + 0.2 * ((legend + 1) // 2)


def _draw_layers(axes: Any, plot: Plot) -> None:
    coloured = 0
    bar_count = sum(layer.kind == "bars" for layer in plot.layers)
    places = itertools.count()
    for layer in plot.layers:
        colour = _GREY if layer.kind == "reference" else _COLOURS[coloured % len(_COLOURS)]
        coloured += layer.kind not in ("reference", "band")
        if layer.kind == "bars":
            _draw_bars(axes, layer, colour, place=next(places), of=bar_count)
        else:
            _DRAWERS[layer.kind](axes, layer, colour)
    if _is_calendar(plot):
        _show_dates(axes)
    if any(layer.label for layer in plot.layers):
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, frameon=False, fontsize=8)
    for given, set_range in ((plot.x_range, axes.set_xlim), (plot.y_range, axes.set_ylim)):
        if given is not None:
            margin = (given[1] - given[0]) * 0.02
            set_range(given[0] - margin, given[1] + margin)


def _label(layer: Layer) -> str:
    # a label that begins with an underscore would have no entry
    return f"\u200b{_shown(layer.label, 60)}" if layer.label else ""


def _draw_line(axes: Any, layer: Layer, colour: str) -> None:
    marker = "o" if len(layer.x) <= 20 else None
    axes.plot(layer.x, layer.y, color=colour, linewidth=1.6, marker=marker, markersize=4, label=_label(layer))


def _draw_steps(axes: Any, layer: Layer, colour: str) -> None:
    axes.step(layer.x, layer.y, where="pre", color=colour, linewidth=1.6, label=_label(layer))


def _draw_points(axes: Any, layer: Layer, colour: str) -> None:
    axes.scatter(layer.x, layer.y, s=12, color=colour, alpha=0.45, linewidths=0, label=_label(layer))
    if layer.y_high:
        axes.vlines(layer.x, layer.y_low, layer.y_high, color=colour, linewidth=1)


def _draw_bars(axes: Any, layer: Layer, colour: str, *, place: int, of: int) -> None:
    """Draw a layer of bars, side by side with those of the other layers (``of`` in all), in their order."""
    names = np.arange(len(layer.y))
    height = 0.7 / of
    places = names + height * (place - (of - 1) / 2)
    axes.barh(places, layer.y, color=colour, height=height, label=_label(layer))
    if layer.y_high:
        axes.hlines(places, layer.y_low, layer.y_high, color=_INK, linewidth=1)
    axes.set_yticks(names, [_shown(name) for name in layer.names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)


def _draw_band(axes: Any, layer: Layer, colour: str) -> None:
    axes.fill_between(layer.x, layer.y, layer.y_high, color=colour, alpha=0.18, linewidth=0, label=_label(layer))


def _draw_reference(axes: Any, layer: Layer, colour: str) -> None:
    axes.plot(layer.x, layer.y, color=colour, linewidth=1, linestyle="--", label=_label(layer))


_DRAWERS: Final[dict[str, Callable[[Any, Layer, str], None]]] = {
    "line": _draw_line,
    "steps": _draw_steps,
    "points": _draw_points,
    "band": _draw_band,
    "reference": _draw_reference,
}


def _is_calendar(plot: Plot) -> bool:
    """Whether the plot's x axis shows dates; days outside the calendar are shown as numbers."""
    days = [day for layer in plot.layers for day in layer.x]
    return plot.has_dates and bool(days) and _CALENDAR[0] <= min(days) and max(days) <= _CALENDAR[1]


def _show_dates(axes: Any) -> None:
    locator = AutoDateLocator(maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _draw_matrix(figure: Figure, axes: Any, matrix: Matrix) -> None:
    count = len(matrix.labels)
    # cells, not an image: an image would be embedded as PNG
    mesh = axes.pcolormesh(
        np.array(matrix.fractions), cmap=_SHADES, vmin=0, vmax=1, edgecolors="#E5E7EB", linewidth=0.5
    )
    axes.set_aspect("equal")
    axes.invert_yaxis()
    names = [_shown(label, 20) for label in matrix.labels]
    places = np.arange(count) + 0.5
    size = 9 if count <= _CELL_TEXT_LIMIT else 6
    is_long = max(map(len, names), default=0) > 6 or count > _CELL_TEXT_LIMIT
    axes.set_xticks(places, names, rotation=90 if is_long else 0, fontsize=size)
    axes.set_yticks(places, names, fontsize=size)
    axes.grid(visible=False)
    figure.colorbar(mesh, ax=axes, label="fraction of the true label", shrink=0.8)
    if count <= _CELL_TEXT_LIMIT:
        for (row, column), share in np.ndenumerate(np.array(matrix.fractions)):
            colour = "#FFFFFF" if share > 0.55 else _INK
            text = f"{matrix.values[row][column]:.6g}"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour, fontsize=8)


def _name_axes(axes: Any, plot: Plot) -> None:
    is_counted = plot.has_dates and not _is_calendar(plot)
    axes.set_xlabel(_shown(plot.x_label, 80) + (", days since 1970-01-01" if is_counted else ""))
    axes.set_ylabel(_shown(plot.y_label, 80))
    axes.set_title(_shown(plot.title, 80), loc="left", fontweight="bold", fontsize=11)
    if plot.note:
        axes.set_title(_shown(plot.note, 60), loc="right", fontsize=8, color=_GREY)


def _shown(text: str, limit: int = _NAME_LIMIT) -> str:
    """A text as one line that XML can hold."""
    line = _NOT_XML.sub("\ufffd", " ".join(text.split())) or " "
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _tidy(document: str, title: str) -> str:
    """The SVG element alone, without a document type (which refers to another server), named for screen readers."""
    svg = document[document.index("<svg") :]
    return svg.replace("<svg ", f'<svg role="img" aria-label={quoteattr(_shown(title, 80))} ', 1)
