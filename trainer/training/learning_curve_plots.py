"""The plots of a learning curve, as points. Pure maths."""

import math
from collections.abc import Collection, Sequence

from modelbus.shared.contracts.records.explanation_results import LearningCurve, LearningResult
from modelbus.shared.contracts.records.plot_points import Layer, Plot


def learning_curve_plots(result: LearningResult, metrics: Collection[str]) -> list[Plot]:
    """``learning_curve_{metric}`` for some metrics: on the training rows and on the hold-out.

    Args:
        result: The curves. Points where a metric is not defined are omitted; a metric without points has no plot.
        metrics: The names of the metrics to draw.
    """
    plots = [_plot(curve, result.x) for curve in result.curves if curve.name in metrics]
    return [plot for plot in plots if plot.layers]


def _plot(curve: LearningCurve, rows: Sequence[int]) -> Plot:
    metric = curve.name.replace("_", " ")
    layers = [_line("training", rows, curve.training), _line("hold-out", rows, curve.hold_out)]
    return Plot(
        name=f"learning_curve_{curve.name}",
        title=f"Learning curve: {metric}",
        x_label="training rows",
        y_label=metric,
        layers=[layer for layer in layers if layer.x],
    )


def _line(label: str, rows: Sequence[int], values: Sequence[float | None]) -> Layer:
    points = [(float(x), y) for x, y in zip(rows, values, strict=True) if y is not None and math.isfinite(y)]
    return Layer(kind="line", label=label, x=[x for x, _ in points], y=[y for _, y in points])
