"""Plots of learning curves: a plot for each metric, with the result's own figures; what is not defined is left out."""

from xml.etree import ElementTree as ET

import pytest
from pydantic import TypeAdapter

from modelbus.shared.contracts.metric_names import CLASSIFICATION_METRICS
from modelbus.shared.contracts.records.explanation_results import LearningResult
from modelbus.shared.contracts.records.plot_points import Plot, PlotName
from modelbus.shared.drawing import draw
from modelbus.trainer.training.learning_curve_plots import learning_curve_plots

NAN = float("nan")


def plots_of(**curves: tuple[list[float | None], list[float | None]]) -> list[Plot]:
    result = {
        "model": "prices",
        "version": 1,
        "dataset": "shop",
        "estimator": "Ridge",
        "name": "learning_curve",
        "x": [10, 20, 40],
        "fit_s": [0.1, 0.1, 0.1],
        "curves": [{"name": name, "training": pair[0], "hold_out": pair[1]} for name, pair in curves.items()],
    }
    return learning_curve_plots(LearningResult.model_validate(result), {*curves} - {"top_5_accuracy"})


def test_every_metric_has_a_plot_with_both_lines() -> None:
    plots = plots_of(r2=([1.0, 0.9, 0.8], [0.1, 0.5, 0.7]), mean_absolute_error=([0.0, 1.0, 2.0], [9.0, 5.0, 3.0]))

    assert [plot.name for plot in plots] == ["learning_curve_r2", "learning_curve_mean_absolute_error"]
    assert [(layer.kind, layer.label, layer.x, layer.y) for layer in plots[0].layers] == [
        ("line", "training", [10.0, 20.0, 40.0], [1.0, 0.9, 0.8]),
        ("line", "hold-out", [10.0, 20.0, 40.0], [0.1, 0.5, 0.7]),
    ]
    assert (plots[1].title, plots[1].y_label) == ("Learning curve: mean absolute error", "mean absolute error")


@pytest.mark.parametrize("nothing", [None, NAN, float("inf")])
def test_where_a_metric_is_not_defined_there_is_no_point(nothing: float | None) -> None:
    (plot,) = plots_of(roc_auc=([nothing, nothing, nothing], [nothing, 0.5, 0.7]), r2=([nothing] * 3, [nothing] * 3))

    (hold_out,) = plot.layers
    assert (plot.name, hold_out.label) == ("learning_curve_roc_auc", "hold-out")
    assert (hold_out.x, hold_out.y) == ([20.0, 40.0], [0.5, 0.7])
    assert ET.fromstring(draw(plot)).tag.endswith("svg")


def test_the_names_of_all_metrics_make_names_of_plots() -> None:
    plots = plots_of(**{name: ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]) for name in CLASSIFICATION_METRICS})

    names = {TypeAdapter(PlotName).validate_python(plot.name) for plot in plots}
    assert names == {f"learning_curve_{name}" for name in CLASSIFICATION_METRICS} - {"learning_curve_top_5_accuracy"}
