"""Plots of explanations: the points are the result's own figures, and names are unique whatever columns are called."""

import re
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from pydantic import TypeAdapter

from modelbus.evaluator.explaining.explanation_plots import BAR_LIMIT, GROUP_LIMIT, LINE_LIMIT, explanation_plots
from modelbus.evaluator.explaining.partial_dependence import partial_dependence
from modelbus.evaluator.explaining.responses import response_of
from modelbus.shared.contracts.records.explanation_results import DependenceResult, ModelExplanationResult
from modelbus.shared.contracts.records.plot_points import Plot, PlotName
from modelbus.shared.drawing import draw
from modelbus.shared.plot_names import plot_names
from tests.unit.tables import TYPES, features, fit

NASTY = [
    *("", "名前", "Größe (cm)", "größe cm", "Grosse CM", "<script>", "x" * 300, "x" * 299, "a/../b"),
    *("a b", "a_b", "a_b_2"),
]
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "GaussianNB": ("label", {}),
    "Ridge": ("price", {}),
    "KMeans": (None, {"n_clusters": 3}),
}
"""Target and hyperparameters by estimator: a model for each kind of answer."""


def importance(means: list[float], **changes: Any) -> dict[str, Any]:
    columns = [
        {"column": f"c{place}", "mean": mean, "standard_deviation": 0.25, "values": [mean - 0.25, mean + 0.25]}
        for place, mean in enumerate(means)
    ]
    given = {"metric": "r2", "is_error": False, "baseline": 0.9, "repeats": 2, "columns": columns}
    return {"name": "importance", **given, **changes}


def dependence(**changes: Any) -> dict[str, Any]:
    given = {"column": "size", "type": "real", "response": "probability", "x": [1.0, 2.5], "counts": None}
    curves = [{"name": "yes", "y": [0.25, 0.75], "missing": None}, {"name": "no", "y": [0.75, 0.25], "missing": None}]
    return {"name": "partial_dependence", **given, "curves": curves, **changes}


def plots_of(important: dict[str, Any] | None, *dependences: dict[str, Any]) -> list[Plot]:
    explanation = {
        "model": "prices",
        "version": 1,
        "dataset": "shop",
        "is_training_dataset": True,
        "task": "classification",
        "row_count": 9,
        "dataset_row_count": 9,
        "seed": 0,
        "importance": important,
        "partial_dependence": list(dependences),
    }
    return explanation_plots(ModelExplanationResult.model_validate(explanation))


# --- importance ---


def test_importances_are_bars_with_a_deviation_on_either_side() -> None:
    (plot,) = plots_of(importance([0.5, 0.125]))

    (bars,) = plot.layers
    assert (plot.name, bars.kind, bars.names, bars.y) == ("importance", "bars", ["c0", "c1"], [0.5, 0.125])
    assert (bars.y_low, bars.y_high) == ([0.25, -0.125], [0.75, 0.375])
    assert plot.x_label == "decrease of r2 when the column is shuffled"
    assert plot.note == ""


def test_of_an_error_it_is_told_that_it_grows_and_one_shuffle_has_no_deviation() -> None:
    (plot,) = plots_of(importance([0.5], metric="log_loss", is_error=True, repeats=1))

    assert plot.x_label == "increase of log loss when the column is shuffled"
    assert (plot.layers[0].y_low, plot.layers[0].y_high, plot.layers[0].label) == ([], [], "shuffled once")


def test_of_many_columns_the_most_important_are_drawn() -> None:
    (plot,) = plots_of(importance([1 / (place + 1) for place in range(200)]))

    assert plot.layers[0].names == [f"c{place}" for place in range(BAR_LIMIT)]
    assert plot.note == "the 30 most important of 200 columns"


# --- partial dependence ---


def test_numbers_have_a_line_for_each_output_that_says_its_answer_without_a_value() -> None:
    curves = [{"name": 3, "y": [1.5, -1.5], "missing": 0.123456}, {"name": "b", "y": [0.0, 1.0], "missing": None}]

    (plot,) = plots_of(None, dependence(curves=curves))

    assert [layer.kind for layer in plot.layers] == ["line", "line"]
    assert [layer.label for layer in plot.layers] == ["3 (missing values: 0.1235)", "b"]
    assert [(layer.x, layer.y) for layer in plot.layers] == [([1.0, 2.5], [1.5, -1.5]), ([1.0, 2.5], [0.0, 1.0])]
    assert (plot.name, plot.x_label, plot.y_label) == ("partial_dependence_size", "size", "mean probability")
    assert not plot.has_dates


def test_dates_are_days_since_1970_also_those_that_no_calendar_has() -> None:
    moments = ["-1199-02-15T00:00:00", "1970-01-02T12:00:00", "2024-01-01T06:00:00.000001", "30000-01-01T00:00:00"]
    curves = [{"name": "price", "y": [1.0, 2.0, 3.0, 4.0], "missing": None}]

    (plot,) = plots_of(None, dependence(column="sent on", type="datetime", x=moments, curves=curves))

    assert (plot.name, plot.has_dates) == ("partial_dependence_sent_on", True)
    # 2,800 years later, which are seven times 146,097 days
    far_back = date(1601, 2, 15).toordinal() - date(1970, 1, 1).toordinal() - 7 * 146_097
    assert plot.layers[0].x == [far_back, 1.5, 19723.25 + 1e-6 / 86400, 10237747.0]
    assert plot.layers[0].y == [1.0, 2.0, 3.0, 4.0]


def test_categories_have_a_bar_for_each_value_side_by_side_with_the_other_outputs() -> None:
    given = {"column": "town", "type": "text", "x": ["Brno", ""], "counts": [7, 2]}

    (plot,) = plots_of(None, dependence(**given))

    assert [(bars.kind, bars.label, bars.y) for bars in plot.layers] == [
        ("bars", "yes", [0.25, 0.75]),
        ("bars", "no", [0.75, 0.25]),
    ]
    assert all((bars.names, bars.sizes) == (["Brno", ""], [7.0, 2.0]) for bars in plot.layers)
    assert (plot.x_label, plot.y_label) == ("mean probability", "town")


@pytest.mark.parametrize(
    ("given", "limit", "note"),
    [
        ({}, LINE_LIMIT, "the 10 most changed of 40 outputs"),
        ({"type": "boolean", "x": [False, True], "counts": [4, 5]}, GROUP_LIMIT, "the 5 most changed of 40 outputs"),
    ],
)
def test_of_very_many_classes_those_are_drawn_that_change_most(given: dict[str, Any], limit: int, note: str) -> None:
    ranges = np.random.default_rng(3).permutation(40)
    curves = [{"name": f"k{code}", "y": [0.0, float(width)], "missing": None} for code, width in enumerate(ranges)]

    (plot,) = plots_of(None, dependence(curves=curves, **given))

    widest = [f"k{code}" for code, width in enumerate(ranges) if width >= 40 - limit]
    assert [layer.label for layer in plot.layers] == widest
    assert plot.note == note
    assert ET.fromstring(draw(plot)).tag.endswith("svg")


def test_of_very_many_values_the_most_frequent_are_drawn() -> None:
    values = [f"v{number}" for number in range(100)]
    curves = [{"name": "price", "y": [number / 100 for number in range(100)], "missing": 0.5}]

    (plot,) = plots_of(None, dependence(type="text", x=values, counts=list(range(100, 0, -1)), curves=curves))

    assert plot.layers[0].names == values[:BAR_LIMIT]
    assert plot.note == "the 30 most frequent of 100 values"


def test_a_column_without_a_value_has_nothing_to_show() -> None:
    curves = [{"name": "price", "y": [], "missing": 0.5}]

    assert plots_of(None, dependence(x=[], curves=curves), dependence(column="b"))[0].name == "partial_dependence_b"
    assert plots_of(None) == []


@pytest.mark.parametrize("estimator", CASES)
def test_what_a_model_answers_for_columns_of_every_type_is_drawn_as_it_is(estimator: str) -> None:
    target, hyperparameters = CASES[estimator]
    model = fit(estimator, target, hyperparameters=hyperparameters).model
    frame = features()
    matrix, _ = model.encoder.transform(frame)
    response = response_of(model, matrix)
    found = {name: partial_dependence(model, response, frame, matrix, name, 6) for name in TYPES}
    dependences = [
        dependence(
            column=name,
            type=each.column.type,
            response=response.kind,
            x=each.values,
            counts=each.counts,
            curves=each.curves(response),
        )
        for name, each in found.items()
        if each.values
    ]

    plots = plots_of(None, *dependences)

    assert len(plots) == len(dependences) >= 8
    for plot, given in zip(plots, dependences, strict=True):
        asked = DependenceResult.model_validate(given)
        assert [layer.y for layer in plot.layers] == [curve.y for curve in asked.curves]
        text = draw(plot).decode()
        assert "<script" not in text
        assert ET.fromstring(text).get("role") == "img"


# --- names ---


def test_names_are_valid_and_unique_whatever_the_columns_are_called() -> None:
    names = plot_names("partial_dependence", NASTY)

    assert len(set(names)) == len(NASTY)
    for name in names:
        TypeAdapter(PlotName).validate_python(name)
    assert names[0] == "partial_dependence_column"
    assert names[2:5] == [f"partial_dependence_grosse_cm{number}" for number in ("", "_2", "_3")]
    assert names[-3:] == ["partial_dependence_a_b_2", "partial_dependence_a_b_3", "partial_dependence_a_b_2_2"]


def test_columns_of_any_name_are_drawn_as_text() -> None:
    plots = plots_of(None, *(dependence(column=name) for name in NASTY))

    assert len({plot.name for plot in plots}) == len(NASTY)
    for plot in plots:
        text = draw(plot).decode()
        assert not re.search("<script", text)
        ET.fromstring(text)
