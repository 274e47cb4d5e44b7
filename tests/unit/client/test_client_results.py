"""The tables that results of the client become, and what is refused before anything is sent."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from modelbus import errors
from modelbus.client.calls import record_of
from modelbus.client.comparison import Comparison
from modelbus.client.letters import DeadLetter
from modelbus.client.model_explanations import Drift, Importance, Learning, ModelExplanation, PredictionExplanation
from modelbus.client.moment_texts import drift_since, moment_text
from modelbus.client.plot_files import plot_names, plot_suffix
from modelbus.client.typed_answers import Candidates, MadeApiKey
from modelbus.gateway.description import examples, explanation_examples


def test_importances_are_a_row_a_column() -> None:
    explanation = record_of(ModelExplanation, explanation_examples.MODEL_EXPLANATION)
    assert isinstance(explanation.importance, Importance)
    frame = explanation.importance.to_frame()
    assert (frame.index.name, list(frame.index), list(frame.columns)) == (
        "column",
        ["size"],
        ["mean", "standard_deviation"],
    )
    assert frame.loc["size", "mean"] == 1.7


def test_partial_dependence_is_a_row_a_value_and_one_for_none() -> None:
    told = {**explanation_examples.MODEL_EXPLANATION}
    [curve] = told["partial_dependence"]
    told["partial_dependence"] = [{**curve, "curves": [{"name": "price", "y": [10.0, 42.0], "missing": 21.0}]}]
    explanation = record_of(ModelExplanation, told)
    assert explanation.partial_dependence is not None
    frame = explanation.partial_dependence[0].to_frame()
    assert (frame.index.name, frame["price"].tolist()) == ("size", [10.0, 42.0, 21.0])
    assert frame.index.isna().tolist() == [False, False, True]


def test_contributions_are_a_row_each_and_add_up() -> None:
    explanation = record_of(PredictionExplanation, explanation_examples.PREDICTION_EXPLANATION)
    frame = explanation.with_index(pd.Index(["a row"])).to_frame()
    assert frame["row"].tolist() == ["a row", "a row"]
    assert frame["column"].tolist() == ["size", "color"]
    assert frame["given"].tolist() == [2.0, "red"]
    assert frame["base_value"].iloc[0] + frame["contribution"].sum() == pytest.approx(frame["value"].iloc[0])
    assert explanation.to_frame()["row"].tolist() == [0, 0]


def test_a_learning_curve_is_a_row_a_number_of_rows() -> None:
    frame = record_of(Learning, explanation_examples.LEARNING).to_frame()
    assert frame.index.tolist() == [2, 4]
    assert list(frame.columns) == ["training_r2", "hold_out_r2", "fit_s"]
    assert frame.loc[4, "hold_out_r2"] == 0.98


def finding(name: str, kind: str, *statistics: tuple[str, float]) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "has_drifted": bool(statistics[0][1] > 0.2),
        "statistics": [
            {"name": one, "value": value, "by_chance": 0.1, "threshold": None, "is_exceeded": False}
            for one, value in statistics
        ],
        "missing_rate": {"reference": 0, "current": 0},
        "invalid_count": {"reference": 0, "current": 0},
        "unseen": None,
        "distribution": {"name": "x", "x": [], "reference": [], "current": []},
    }


def test_drift_is_a_row_a_column_and_one_for_the_predictions() -> None:
    columns = [finding("size", "real", ("psi", 0.5)), finding("color", "text", ("psi", 0.1), ("unseen_rate", 0.0))]
    predictions = finding("prediction", "regression", ("psi", 0.3), ("kolmogorov_smirnov", 0.2))
    report = record_of(Drift, {**explanation_examples.DRIFT, "columns": columns, "predictions": predictions})

    frame = report.to_frame()

    assert frame.index.tolist() == ["size", "color", "(predictions)"]
    assert frame["psi"].tolist() == [0.5, 0.1, 0.3]
    assert frame["has_drifted"].tolist() == [True, False, True]
    assert math.isnan(frame.loc["size", "unseen_rate"])
    assert frame.loc["(predictions)", "kolmogorov_smirnov"] == 0.2


def test_evaluations_side_by_side_are_a_column_each() -> None:
    frame = record_of(Comparison, examples.COMPARISON).to_frame()
    assert (frame.index.tolist(), list(frame.columns)) == (["r2"], ["first", "second"])
    assert frame.loc["r2"].tolist() == [0.97, 0.99]


def test_candidates_are_a_row_each_with_what_they_were_given() -> None:
    first = {"number": 3, "estimator": "Ridge", "hyperparameters": {"alpha": 2.0}, "rank": 1, "mean": 0.9}
    second = {"number": 1, "estimator": "Lasso", "hyperparameters": {}, "state": "failed", "error": "no"}
    found = record_of(Candidates, {"model": "m", "version": 1, "scoring": "r2", "candidates": [first, second]})
    frame = found.to_frame()
    assert frame.index.tolist() == [3, 1]
    assert frame["hyperparameters.alpha"].tolist()[0] == 2.0
    assert frame["state"].tolist() == ["measured", "failed"]


@pytest.mark.parametrize("name", ["plot.png", "plot", "plot.svg.gz"])
def test_a_plot_is_saved_as_svg_or_json_only(name: str) -> None:
    with pytest.raises(errors.InvalidCommand, match=r"\.svg \(a picture\) or \.json"):
        plot_suffix(Path(name))
    assert (plot_suffix(Path("a.SVG")), plot_suffix(Path("b.json"))) == (".svg", ".json")


def test_plots_are_listed_by_name_whoever_s_they_are() -> None:
    assert plot_names(examples.PLOTS) == ["residuals"]
    assert plot_names({"correlation_id": "x", "plots": [{"name": "importance", "svg": "/a", "json": "/b"}]}) == [
        "importance"
    ]


def test_times_are_said_as_the_gateway_reads_them() -> None:
    assert moment_text(datetime(2026, 1, 31, 12, tzinfo=UTC)) == "2026-01-31T12:00:00+00:00"
    assert moment_text("10m") == "10m"
    assert moment_text(None) is drift_since(None) is None


def test_drift_since_an_age_is_since_a_time() -> None:
    text = drift_since("2h")
    assert text is not None
    age = datetime.now(UTC) - datetime.fromisoformat(text)
    assert timedelta(hours=2) <= age < timedelta(hours=2, minutes=1)
    assert drift_since("2026-01-31T12:00") == "2026-01-31T12:00:00+00:00"
    with pytest.raises(errors.InvalidCommand, match="is not a valid time"):
        drift_since("yesterday")


def test_a_dead_letter_knows_what_its_replay_takes() -> None:
    job = record_of(DeadLetter, examples.DEAD_LETTER)
    assert job.replayed == job.spec
    assert job.model_copy(update={"edited_spec": {"a": 1}}).replayed == {"a": 1}
    message = job.model_copy(update={"kind": "message", "text": "junk"})
    assert message.replayed == "junk"
    assert message.model_copy(update={"edited_body": [1]}).replayed == [1]


def test_a_key_s_text_is_in_no_representation_of_it() -> None:
    made = record_of(MadeApiKey, examples.MADE_API_KEY)
    assert made.key == examples.MADE_API_KEY["key"]
    assert made.key not in repr(made)
