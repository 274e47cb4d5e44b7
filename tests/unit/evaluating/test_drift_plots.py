"""Plots of drift: what has drifted and how far, and its two distributions, by the report's own figures."""

import math
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from modelbus.evaluator.drift.drift_plots import COLUMN_LIMIT, EXCESS_LIMIT, drift_plots
from modelbus.evaluator.drift.report import compare_columns, compare_predictions
from modelbus.shared.contracts import DriftThresholds
from modelbus.shared.contracts.records.explanation_results import DriftResult
from modelbus.shared.contracts.records.plot_points import Plot
from modelbus.shared.drawing import draw
from tests.unit.tables import features, fit

NOTHING = {"reference": 0, "current": 0}


def finding(name: str, psi: float, **changes: Any) -> dict[str, Any]:
    statistic = {"name": "psi", "value": psi, "by_chance": 0.01, "threshold": 0.2, "is_exceeded": psi >= 0.2}
    untold = {"name": "kolmogorov_smirnov", "value": 0.9, "by_chance": 0.01, "threshold": None, "is_exceeded": False}
    given = {
        "name": name,
        "type": "real",
        "has_drifted": psi >= 0.2,
        "statistics": [statistic, untold],
        "missing_rate": NOTHING,
        "invalid_count": NOTHING,
        "unseen": None,
        "distribution": {"name": name, "x": [1, 2.5], "reference": [0.5, 0.5], "current": [0.25, 0.75]},
    }
    return {**given, **changes}


def plots_of(columns: list[dict[str, Any]], predictions: dict[str, Any] | None = None) -> list[Plot]:
    report = {
        "model": "prices",
        "version": 1,
        "reference": {"dataset": "shop", "dataset_row_count": 9, "row_count": 9},
        "current": {"row_count": 9, "is_capped": False},
        "thresholds": {},
        "has_drifted": True,
        "drifted_columns": [],
        "columns": columns,
        "predictions": predictions,
    }
    return drift_plots(DriftResult.model_validate(report))


def test_what_has_drifted_is_drawn_the_farthest_first_with_the_predictions_among_it() -> None:
    plots = plots_of([finding("a", 0.3), finding("b", 0.1), finding("c", 0.5)], finding("prediction", 0.4))

    assert [plot.name for plot in plots] == ["drift", "drift_c", "drift_prediction", "drift_a"]
    bars, threshold = plots[0].layers
    assert bars.names == ["psi 0.5: c", "psi 0.4: prediction", "psi 0.3: a"]
    assert bars.y == [0.5 / 0.2, 0.4 / 0.2, 0.3 / 0.2]
    assert (threshold.kind, threshold.x) == ("reference", [1, 1])
    reference, current = plots[1].layers
    assert (reference.names, reference.y, current.y) == (["1", "2.5"], [0.5, 0.5], [0.25, 0.75])


def test_a_threshold_that_is_next_to_nothing_has_points_that_are_finite() -> None:
    statistic = {"name": "psi", "value": 0.3, "by_chance": 0.01, "threshold": 5e-324, "is_exceeded": True}
    plot = plots_of([finding("a", 0.3, statistics=[statistic])])[0]

    assert plot.layers[0].y == [EXCESS_LIMIT]
    assert Plot.model_validate_json(plot.model_dump_json()) == plot


def test_a_statistic_that_is_unknown_is_drawn_at_its_threshold_and_called_so() -> None:
    unknown = {
        "name": "kolmogorov_smirnov",
        "value": None,
        "by_chance": None,
        "threshold": 0.3,
        "is_exceeded": True,
        "reason": "the compared rows have no value",
    }

    bars = plots_of([finding("a", 0.1, statistics=[unknown], has_drifted=True)])[0].layers[0]

    assert (bars.names, bars.y) == (["kolmogorov_smirnov unknown: a"], [1.0])


def test_a_value_that_has_a_bin_of_its_own_is_named_as_one() -> None:
    x = [math.nextafter(0.0, -math.inf), 0.0, 3.5, None]
    distribution = {"name": "a", "x": x, "reference": [0, 0.8, 0.1, 0.1], "current": [1, 0, 0, 0]}

    assert plots_of([finding("a", 0.3, distribution=distribution)])[1].layers[0].names == [
        "< 0",
        "= 0",
        "≤ 3.5",
        "> 3.5",
    ]


def test_without_drift_there_is_nothing_to_draw() -> None:
    assert plots_of([finding("a", 0.1)]) == []
    assert plots_of([]) == []


def test_of_very_many_columns_the_farthest_are_drawn() -> None:
    plots = plots_of([finding(f"c{number}", 0.3 + number / 100) for number in range(40)])

    assert len(plots) == COLUMN_LIMIT + 1
    assert plots[1].name == "drift_c39"
    assert plots[0].note == "the top 10 of 40 drifted columns"


@pytest.mark.parametrize(
    ("x", "names"),
    [
        ([1.5, 1 / 3, None, "(missing)"], ["≤ 1.5", "≤ 0.333333", "> 0.333333", "(missing)"]),
        (["2024-01-01T00:00:00", None], ["≤ 2024-01-01T00:00:00", "> 2024-01-01T00:00:00"]),
        ([None, "(missing)"], ["any", "(missing)"]),
        ([True, False, "(unseen)"], ["True", "False", "(unseen)"]),
    ],
)
def test_a_bin_is_named_by_its_value_or_its_range(x: list[Any], names: list[str]) -> None:
    shares = [1 / len(x)] * len(x)
    drifted = finding("a", 0.3, distribution={"name": "a", "x": x, "reference": shares, "current": shares})

    assert plots_of([drifted])[1].layers[0].names == names


def test_a_model_that_is_asked_for_other_rows_has_the_shares_of_its_report() -> None:
    model = fit("LogisticRegression").model
    current = features().assign(amount=lambda frame: frame["amount"] + 60, country="BE")
    found = compare_columns(model, features(), current, DriftThresholds())
    predictions = compare_predictions(model, features(), current, DriftThresholds())
    views = {each.name: each.view() for each in found}

    plots = plots_of(list(views.values()), predictions.view() if predictions else None)

    drawn = {plot.y_label: plot for plot in plots[1:]}
    assert {"amount", "country"} <= drawn.keys()
    for name in ("amount", "country"):
        distribution = views[name]["distribution"]
        assert [layer.y for layer in drawn[name].layers] == [distribution["reference"], distribution["current"]]
    for plot in plots:
        assert ET.fromstring(draw(plot)).tag.endswith("svg")


def test_bins_that_lie_close_together_are_told_apart() -> None:
    x = [1000360.25, 1000360.5, 1000361.0, None]
    distribution = {"name": "a", "x": x, "reference": [0.25] * 4, "current": [0.25] * 4}

    bars = plots_of([finding("a", 0.5, distribution=distribution)])[1].layers[0]

    assert bars.names == ["≤ 1000360.2", "≤ 1000360.5", "≤ 1000361", "> 1000361"]
