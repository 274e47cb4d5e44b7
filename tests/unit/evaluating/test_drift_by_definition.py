"""Drift of random pairs of tables is what the definitions say, and what is not known is never said to be none."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelbus.evaluator.drift.bins import count_values
from modelbus.evaluator.drift.column_findings import Finding, Statistic
from modelbus.evaluator.drift.distances import stability_index
from modelbus.evaluator.drift.drift_notes import are_predictions_unknown, drift_warnings
from modelbus.evaluator.drift.drift_plots import drift_plots
from modelbus.evaluator.drift.report import compare_columns
from modelbus.shared.contracts import DriftThresholds
from modelbus.shared.contracts.records.explanation_results import DriftResult
from modelbus.shared.tabular.predicting.model import FittedModel
from tests.unit import plain_drift
from tests.unit.tables import TYPES, features, fit

EVERYTHING = DriftThresholds(psi=0.1, kolmogorov_smirnov=0.1, jensen_shannon=0.1, missing_rate=0.1, unseen_rate=0.01)
NAMES = {"amount": "real", "visits": "integer", "is_member": "boolean", "since": "datetime", "town": "text"}

Numbers = Callable[[np.random.Generator, int], Any]
SHAPES: dict[str, Numbers] = {
    "a constant": lambda _random, size: np.full(size, 3.0),
    "another constant": lambda _random, size: np.full(size, 7.0),
    "few values": lambda random, size: random.integers(0, 5, size).astype(float),
    "values that are seldom": lambda random, size: random.geometric(0.4, size).astype(float),
    "a spike": lambda random, size: np.where(random.random(size) < 0.8, 0.0, random.integers(1, 1000, size)),
    "many values": lambda random, size: random.integers(0, 1000, size).astype(float),
    "each value new": lambda random, size: random.permutation(size) + 2000.0 + random.integers(10**6),
    "nothing": lambda _random, size: np.full(size, np.nan),
    "half of nothing": lambda random, size: np.where(random.random(size) < 0.5, np.nan, random.integers(0, 30, size)),
}


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return fit("LogisticRegression").model


def column(numbers: Any, kind: str) -> "pd.Series[Any]":
    series = pd.Series(numbers, dtype="float64")
    if kind == "boolean":
        return (series % 2 == 0).astype("boolean").where(series.notna(), None)
    if kind == "datetime":
        return pd.Timestamp("2020-01-01") + pd.to_timedelta(series, unit="s")
    if kind == "text":
        return series.map(lambda number: None if math.isnan(number) else f"v{number:.0f}").astype(object)
    return series


def cells(series: "pd.Series[Any]", kind: str) -> list[Any]:
    values = [None if pd.isna(value) else value for value in series.tolist()]
    if kind == "datetime":
        return [None if value is None else value.timestamp() for value in values]
    return values


@st.composite
def pairs(draw: st.DrawFn) -> dict[str, "tuple[pd.Series[Any], pd.Series[Any]]"]:
    """Two tables of the same columns, by column."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.tuples(*[st.one_of(st.integers(1, 30), st.integers(1, 150))] * 2))
    shape = st.sampled_from(sorted(SHAPES))
    return {
        name: tuple(column(SHAPES[draw(shape)](random, size), kind) for size in sizes) for name, kind in NAMES.items()
    }


def compared(
    model: FittedModel, pair: dict[str, Any], thresholds: DriftThresholds = EVERYTHING
) -> tuple[dict[str, Finding], list[str]]:
    """The findings by column, and the report's warnings."""
    sizes = [len(next(iter(pair.values()))[side]) for side in (0, 1)]
    frames = [
        pd.DataFrame({name: pair[name][side] if name in pair else [None] * sizes[side] for name in TYPES})
        for side in (0, 1)
    ]
    findings = compare_columns(model, frames[0], frames[1], thresholds)
    warnings = drift_warnings(findings, None, thresholds, (sizes[0], sizes[1]))
    return {finding.name: finding for finding in findings}, warnings


def figure(finding: Finding, name: str) -> Statistic:
    return next(each for each in finding.statistics if each.name == name)


@settings(max_examples=100, deadline=None)
@given(pair=pairs())
def test_each_statistic_is_that_of_its_definition(model: FittedModel, pair: dict[str, Any]) -> None:
    findings, _ = compared(model, pair)

    for name, kind in NAMES.items():
        reference, current = (cells(side, kind) for side in pair[name])
        is_number = kind in ("real", "integer", "datetime")
        bins = plain_drift.shares(reference, current, is_number=is_number)
        found = findings[name]
        assert figure(found, "psi").value == pytest.approx(plain_drift.psi(*bins), abs=1e-9)
        rates = [side.count(None) / len(side) for side in (reference, current)]
        assert figure(found, "missing_rate").value == pytest.approx(abs(rates[1] - rates[0]))
        if is_number:
            expected = plain_drift.kolmogorov_smirnov(reference, current)
            assert figure(found, "kolmogorov_smirnov").value == pytest.approx(expected)
        else:
            distance = figure(found, "jensen_shannon").value
            assert distance == pytest.approx(plain_drift.jensen_shannon(*bins), abs=1e-6)
            assert figure(found, "unseen_rate").value == pytest.approx(plain_drift.unseen_rate(reference, current))


@settings(max_examples=100, deadline=None)
@given(pair=pairs())
def test_shares_are_shares_and_what_is_unknown_counts_as_drift_and_is_told(
    model: FittedModel, pair: dict[str, Any]
) -> None:
    findings, warnings = compared(model, pair)

    for finding in findings.values():
        view = finding.view()
        for side in ("reference", "current"):
            assert all(0 <= share <= 1 for share in view["distribution"][side]), view
            assert math.fsum(view["distribution"][side]) == pytest.approx(1)
        for statistic in view["statistics"]:
            assert statistic["value"] is None or 0 <= statistic["value"] < math.inf
            if statistic["value"] is None:
                assert statistic["is_exceeded"]
                assert view["has_drifted"]
                assert any(repr(finding.name) in text and statistic["reason"] in text for text in warnings)
        json.dumps(view, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(pair=pairs())
def test_what_is_drawn_has_the_shares_of_the_report(model: FittedModel, pair: dict[str, Any]) -> None:
    findings, warnings = compared(model, pair)
    report = {
        "model": "prices",
        "version": 1,
        "reference": {"dataset": "shop", "dataset_row_count": 9, "row_count": 9},
        "current": {"row_count": 9, "is_capped": False},
        "thresholds": {},
        "has_drifted": True,
        "drifted_columns": [],
        "columns": [finding.view() for finding in findings.values()],
        "predictions": None,
        "warnings": warnings,
    }

    for plot in drift_plots(DriftResult.model_validate(report))[1:]:
        for layer in plot.layers:
            assert all(0 <= share <= 1 for share in layer.y)
            assert len(layer.names) == len(set(layer.names)), layer.names


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(NAMES)),
    shape=st.sampled_from(sorted(SHAPES)),
    value=st.sampled_from([3.0, -1.0, 0.0, 4000.0, 1e6]),
    sizes=st.tuples(st.integers(100, 300), st.integers(100, 300)),
    seed=st.integers(0, 2**32),
)
def test_a_column_that_becomes_one_rare_value_has_drifted(
    model: FittedModel, kind: str, shape: str, value: float, sizes: tuple[int, int], seed: int
) -> None:
    before = column(SHAPES[shape](np.random.default_rng(seed), sizes[0]), NAMES[kind])
    after = column(np.full(sizes[1], value), NAMES[kind])
    assume(sum(cell == after[0] for cell in cells(before, "")) <= 0.3 * sizes[0])

    findings, _ = compared(model, {kind: (before, after)}, DriftThresholds())

    assert findings[kind].has_drifted


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(NAMES)),
    shape=st.sampled_from(["a constant", "nothing"]),
    sizes=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_another_constant_has_drifted_or_its_rows_are_said_to_be_too_few(
    model: FittedModel, kind: str, shape: str, sizes: tuple[int, int]
) -> None:
    before = column(SHAPES[shape](np.random.default_rng(0), sizes[0]), NAMES[kind])
    after = column(np.full(sizes[1], 8.0), NAMES[kind])

    findings, warnings = compared(model, {kind: (before, after)}, DriftThresholds())

    is_told = any(f"{kind!r}" in text and "psi" in text for text in warnings)
    assert findings[kind].has_drifted != is_told


@pytest.mark.parametrize("after", ["nothing", "a constant"])
@pytest.mark.parametrize("name", ["amount", "town"])
def test_one_side_without_any_value_is_unknown_to_what_compares_values(
    model: FittedModel, name: str, after: str
) -> None:
    before = "nothing" if after == "a constant" else "a constant"
    pair = {name: tuple(column(SHAPES[shape](np.random.default_rng(0), 50), NAMES[name]) for shape in (before, after))}
    by_values = DriftThresholds(psi=None, kolmogorov_smirnov=0.5, unseen_rate=0.5)

    findings, warnings = compared(model, pair, by_values)

    assert findings[name].has_drifted
    if (name, after) != ("town", "a constant"):  # where each value is new, which is known
        side = "the compared rows have" if after == "nothing" else "the training rows have"
        statistic = "unseen_rate" if name == "town" else "kolmogorov_smirnov"
        told = f"{statistic} of {name!r} is unknown and counts as drift: {side} no value"
        assert told in warnings


def test_rare_values_fewer_than_chance_allows_leave_no_share_below_zero() -> None:
    reference = ["common"] * 900 + [f"rare {number}" for number in range(100)]
    current = [f"new {number}" for number in range(20)]

    bins = count_values(reference, current, (0, 0))

    assert dict(zip(bins.labels, zip(bins.reference, bins.current, strict=True), strict=True)) == {
        "common": (900, 0),
        "(unseen)": (100, 20),
    }
    assert stability_index(bins.reference, bins.current) > 1


@pytest.mark.parametrize("value", ["new", "id 3"])
def test_a_column_of_identifiers_that_becomes_one_value_has_drifted(model: FittedModel, value: str) -> None:
    pair = {"town": (pd.Series([f"id {number}" for number in range(300)]), pd.Series([value] * 300))}

    findings, _ = compared(model, pair)

    assert figure(findings["town"], "psi").is_exceeded
    assert figure(findings["town"], "unseen_rate").is_exceeded == (value == "new")


def test_what_lies_below_a_value_that_most_rows_have_is_not_counted_with_it(model: FittedModel) -> None:
    before = np.r_[np.zeros(950), np.arange(1, 51)]
    findings, _ = compared(model, {"amount": (pd.Series(before), pd.Series(np.full(400, -7.0)))}, DriftThresholds())

    view = findings["amount"].view()

    assert view["has_drifted"]
    assert view["distribution"]["x"] == [-5e-324, 0.0, None]
    assert view["distribution"]["reference"] == [0.0, 0.95, 0.05]
    assert view["distribution"]["current"] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("far", [1.7e308, math.inf, -math.inf])
def test_numbers_at_the_end_of_their_range_and_beyond_are_told_apart(model: FittedModel, far: float) -> None:
    random = np.random.default_rng(0)
    before, after = random.normal(size=300), random.normal(size=300)
    before[::3] = np.where(random.random(100) < 0.5, -1.7e308, 1.7e308)
    after[:] = far

    findings, _ = compared(model, {"amount": (pd.Series(before), pd.Series(after))}, DriftThresholds())

    assert findings["amount"].has_drifted
    assert all(end is None or isinstance(end, str) or math.isfinite(end) for end in findings["amount"].bins.labels)


def test_a_figure_that_is_no_number_is_unknown_and_never_none() -> None:
    for value in (math.nan, math.inf, None):
        unknown = Statistic("psi", value, 0.1, 0.2)
        assert unknown.is_exceeded
        assert unknown.view()["value"] is None
        assert unknown.view()["reason"]
    assert Statistic("psi", 0.3, math.nan, 0.2).is_exceeded
    assert not Statistic("psi", math.nan, 0.1, None).is_exceeded


def test_few_rows_that_could_never_show_drift_are_told_with_the_columns(model: FittedModel) -> None:
    findings, warnings = compared(model, {"amount": (pd.Series([1.0] * 3), pd.Series([2.0] * 3))}, DriftThresholds())

    assert not any(finding.has_drifted for finding in findings.values())
    (told,) = [text for text in warnings if text.startswith("psi")]
    assert "'amount'" in told
    assert told.endswith("there are too few rows: any value could be due to chance (3 training rows, 3 compared)")
    reason = findings["amount"].view()["statistics"][0]["reason"]
    assert reason == "there are too few rows: any value could be due to chance"


def test_no_rows_no_thresholds_and_no_predictions_are_told(model: FittedModel) -> None:
    findings = compare_columns(model, features(), features(), DriftThresholds())
    nothing = DriftThresholds(psi=None)

    assert drift_warnings([], None, DriftThresholds(), (240, 0)) == [
        "there are no rows to compare, so drift is unknown"
    ]
    assert drift_warnings(findings, None, nothing, (240, 240)) == [
        "every threshold is null, so nothing can count as drift; set at least one, such as psi: 0.2"
    ]
    (told,) = drift_warnings(findings, None, DriftThresholds(), (240, 240))
    assert "drift of the predictions is unknown and counts as drift" in told
    assert are_predictions_unknown(findings, None, DriftThresholds())
    assert not are_predictions_unknown(findings, None, DriftThresholds(psi=None, missing_rate=0.1))
    assert not are_predictions_unknown([], None, DriftThresholds())


def test_a_statistic_of_very_many_columns_names_ten_of_them(model: FittedModel) -> None:
    pair = {"amount": (pd.Series([1.0]), pd.Series([2.0]))}
    finding = compared(model, pair, DriftThresholds())[0]["amount"]

    (told,) = [text for text in drift_warnings([finding] * 14, None, DriftThresholds(), (1, 1)) if "psi" in text]

    assert told.count("'amount'") == 10
    assert "and 4 more" in told


def test_dates_far_from_today_are_told_as_dates(model: FittedModel) -> None:
    days = pd.Series(np.array(["0001-01-02", "9998-12-31", "1850-03-04"] * 20, dtype="datetime64[us]"))

    findings, _ = compared(model, {"since": (days, days)}, DriftThresholds())

    assert sorted(findings["since"].view()["distribution"]["x"]) == [
        "0001-01-02T00:00:00",
        "1850-03-04T00:00:00",
        "9998-12-31T00:00:00",
    ]
