"""The plots of an explanation, as points: importance, and partial dependence by column. Pure maths."""

import math
from typing import Any, Final

import numpy as np

from modelbus.shared.contracts.records.explanation_results import (
    DependenceCurve,
    DependenceResult,
    ImportanceResult,
    ModelExplanationResult,
    ResponseKind,
)
from modelbus.shared.contracts.records.plot_points import Layer, Plot
from modelbus.shared.plot_names import plot_names

BAR_LIMIT: Final = 30
"""Maximum number of bars: the most important columns, or the most frequent values."""
LINE_LIMIT: Final = 10
"""Maximum number of lines: the outputs that the column changes most."""
GROUP_LIMIT: Final = 5
"""Maximum number of outputs in a bar chart."""
_BAR_TYPES: Final = ("text", "boolean", "empty")
_MEANS: Final[dict[ResponseKind, str]] = {
    "probability": "mean probability",
    "score": "mean decision score",
    "membership": "fraction of rows predicted so",
    "value": "mean prediction",
}


def explanation_plots(explanation: ModelExplanationResult) -> list[Plot]:
    """The plots of an explanation: ``importance`` first, then ``partial_dependence_...`` in the result's order.

    Args:
        explanation: The result. A column without values has no plot.
    """
    dependences = [each for each in explanation.partial_dependence or [] if each.x and each.curves]
    names = plot_names("partial_dependence", [each.column for each in dependences])
    plots = [_dependence_plot(name, each) for name, each in zip(names, dependences, strict=True)]
    if explanation.importance is not None:
        plots.insert(0, _importance_plot(explanation.importance))
    return plots


def _importance_plot(importance: ImportanceResult) -> Plot:
    shown = importance.columns[:BAR_LIMIT]
    metric = importance.metric.replace("_", " ")
    means = [each.mean for each in shown]
    deviations = [each.standard_deviation for each in shown]
    bars = Layer(kind="bars", label="shuffled once", y=means, names=[each.column for each in shown])
    if importance.repeats > 1:
        error_bars = {
            "label": f"mean and standard deviation over {importance.repeats} shuffles",
            "y_low": [mean - deviation for mean, deviation in zip(means, deviations, strict=True)],
            "y_high": [mean + deviation for mean, deviation in zip(means, deviations, strict=True)],
        }
        bars = bars.model_copy(update=error_bars)
    return Plot(
        name="importance",
        title="Permutation importance",
        x_label=f"{'increase' if importance.is_error else 'decrease'} of {metric} when the column is shuffled",
        y_label="",
        note=_cut(len(shown), len(importance.columns), "most important", "columns"),
        layers=[bars],
    )


def _dependence_plot(name: str, dependence: DependenceResult) -> Plot:
    is_bars = dependence.type in _BAR_TYPES
    curves = _most_changed(dependence.curves, GROUP_LIMIT if is_bars else LINE_LIMIT)
    note = _cut(len(curves), len(dependence.curves), "most changed", "outputs")
    common: dict[str, Any] = {"name": name, "title": f"Partial dependence on {dependence.column}"}
    if not is_bars:
        return Plot(
            **common,
            x_label=dependence.column,
            y_label=_MEANS[dependence.response],
            has_dates=dependence.type == "datetime",
            note=note,
            layers=[_line(dependence, curve) for curve in curves],
        )
    return Plot(
        **common,
        x_label=_MEANS[dependence.response],
        y_label=dependence.column,
        note=note or _cut(min(len(dependence.x), BAR_LIMIT), len(dependence.x), "most frequent", "values"),
        layers=[_bars(dependence, curve) for curve in curves],
    )


def _line(dependence: DependenceResult, curve: DependenceCurve) -> Layer:
    positions = [_day(value) if dependence.type == "datetime" else float(value) for value in dependence.x]
    points = [(x, y) for x, y in zip(positions, curve.y, strict=True) if math.isfinite(x) and math.isfinite(y)]
    return Layer(kind="line", label=_label(curve), x=[x for x, _ in points], y=[y for _, y in points])


def _bars(dependence: DependenceResult, curve: DependenceCurve) -> Layer:
    """One bar for each of the first values, which are sorted by frequency."""
    names = [str(value) for value in dependence.x[:BAR_LIMIT]]
    counts = [float(count) for count in (dependence.counts or [])[:BAR_LIMIT]]
    return Layer(kind="bars", label=_label(curve), y=curve.y[:BAR_LIMIT], names=names, sizes=counts)


def _label(curve: DependenceCurve) -> str:
    missing = "" if curve.missing is None else f" (missing values: {curve.missing:.4g})"
    return f"{curve.name}{missing}"


def _most_changed(curves: list[DependenceCurve], limit: int) -> list[DependenceCurve]:
    """The curves with the widest range, in the given order."""
    if len(curves) <= limit:
        return curves
    widest = np.argsort([-np.ptp(curve.y) for curve in curves], kind="stable")[:limit]
    return [curves[index] for index in sorted(widest.tolist())]


def _day(moment: str) -> float:
    """Days since 1970-01-01; NumPy supports years that ``datetime`` does not."""
    return float(np.datetime64(moment, "us").astype(np.int64)) / 86_400_000_000


def _cut(shown: int, count: int, how: str, what: str) -> str:
    return "" if shown == count else f"the {shown} {how} of {count:,} {what}"
