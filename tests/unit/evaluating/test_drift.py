"""Drift: exactly what was shifted is found, nothing else is, and the figures are those of the textbooks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from modelbus.evaluator.drift import distances as statistics
from modelbus.evaluator.drift.bins import count_ranges, count_values
from modelbus.evaluator.drift.column_findings import Finding
from modelbus.evaluator.drift.report import compare_columns, compare_predictions
from modelbus.shared.contracts import DriftThresholds
from modelbus.shared.tabular.predicting.model import FittedModel
from tests.unit.tables import TYPES, features, fit, table

EVERYTHING = DriftThresholds(psi=0.1, kolmogorov_smirnov=0.05, jensen_shannon=0.05, missing_rate=0.05, unseen_rate=0.01)
SHIFTS: dict[str, Any] = {
    "amount": lambda cells: cells + 60,
    "visits": lambda cells: cells + 12,
    "is_member": lambda cells: pd.Series([True] * len(cells), dtype="boolean"),
    "since": lambda cells: cells + pd.Timedelta(days=900),
    "seen": lambda cells: cells - pd.Timedelta(days=5),
    "plan": lambda cells: cells.where(cells != "basic", "free"),
    "gender": lambda cells: cells.where(cells != "m", None),
    "town": lambda cells: cells.where(cells > "town 3", "elsewhere"),
    "country": lambda _cells: "BE",
    "nothing": lambda _cells: "something",
}


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return fit("LogisticRegression").model


def drifted(findings: list[Finding]) -> list[str]:
    return [finding.name for finding in findings if finding.has_drifted]


def statistic(finding: Finding, name: str) -> Any:
    return next(each for each in finding.statistics if each.name == name)


def sample(row_count: int, seed: int) -> pd.DataFrame:
    return table(row_count, seed)[list(TYPES)]


@pytest.mark.parametrize("shifted", SHIFTS)
def test_a_shifted_copy_has_drifted_in_the_shifted_column_and_no_other(model: FittedModel, shifted: str) -> None:
    current = features().copy()
    current[shifted] = SHIFTS[shifted](current[shifted])

    findings = compare_columns(model, features(), current, DriftThresholds())

    assert drifted(findings) == [shifted]


@pytest.mark.parametrize("thresholds", [DriftThresholds(), EVERYTHING], ids=["custom", "strict"])
@pytest.mark.parametrize(("seed", "row_count"), [(1, 20), (2, 240), (3, 5000)])
def test_other_rows_of_the_same_kind_have_not_drifted(
    model: FittedModel, thresholds: DriftThresholds, seed: int, row_count: int
) -> None:
    findings = compare_columns(model, features(), sample(row_count, seed), thresholds)

    assert drifted(findings) == []


@pytest.mark.parametrize("count", [15, 120])
def test_some_of_the_training_rows_have_not_drifted(model: FittedModel, count: int) -> None:
    current = features().sample(count, random_state=0)

    assert drifted(compare_columns(model, features(), current, EVERYTHING)) == []
    predictions = compare_predictions(model, features(), current, EVERYTHING)
    assert predictions is not None
    assert not predictions.has_drifted


def test_rare_values_that_are_always_new_are_no_drift() -> None:
    reference, current = ([f"id {number}" for number in range(start, start + 500)] for start in (0, 1000))

    bins = count_values(reference, current, (0, 0))

    assert bins.unseen_count == 500
    assert bins.unseen_by_chance == 1
    assert statistics.stability_index(bins.reference, bins.current) == 0


def test_values_that_are_new_where_none_should_be_are_named_with_their_counts(model: FittedModel) -> None:
    current = features().copy()
    current["plan"] = ["free"] * 100 + ["trial"] * 20 + ["basic"] * 120

    (found,) = [each for each in compare_columns(model, features(), current, EVERYTHING) if each.name == "plan"]

    view = found.view()
    assert view["unseen"] == {
        "count": 120,
        "rate": 0.5,
        "values": [{"value": "free", "count": 100}, {"value": "trial", "count": 20}],
    }
    assert statistic(found, "unseen_rate").is_exceeded
    assert view["distribution"]["x"][-2:] == ["(unseen)", "(missing)"]
    assert sum(view["distribution"]["current"]) == pytest.approx(1)
    assert view["missing_rate"] == {"reference": pytest.approx(features()["plan"].isna().mean()), "current": 0.0}


def test_values_that_the_model_has_learnt_are_not_unseen_though_the_sample_lacks_them(model: FittedModel) -> None:
    reference = features()[features()["gender"] == "f"]

    whole, sampled = (
        next(
            each
            for each in compare_columns(model, reference, features(), EVERYTHING, is_reference_whole=is_whole)
            if each.name == "gender"
        )
        for is_whole in (True, False)
    )

    assert whole.bins.unseen == {"m": int((features()["gender"] == "m").sum())}
    assert sampled.bins.unseen == {}


def test_what_goes_missing_is_drift_by_the_index_alone(model: FittedModel) -> None:
    current = features().copy()
    current["amount"] = current["amount"].where(np.arange(len(current)) % 2 == 0, None)

    findings = compare_columns(model, features(), current, DriftThresholds())

    assert drifted(findings) == ["amount"]
    amount = findings[0]
    assert statistic(amount, "missing_rate").value == pytest.approx(
        current["amount"].isna().mean() - features()["amount"].isna().mean()
    )


def test_cells_that_cannot_be_read_are_counted_and_missing(model: FittedModel) -> None:
    current = features().astype({"amount": object})
    current.loc[:9, "amount"] = "much"

    (amount,) = [each for each in compare_columns(model, features(), current, EVERYTHING) if each.name == "amount"]

    assert amount.invalid == (0, 10)
    predictions = compare_predictions(model, features(), current, EVERYTHING)
    assert predictions is not None
    assert predictions.rows == (240, 230), "the others can be predicted"


def test_rows_as_requests_hold_them_are_compared_as_a_table_is(model: FittedModel) -> None:
    written = features().astype(object).where(features().notna(), None)
    written["since"] = [None if day is None else day.strftime("%d/%m/%Y") for day in written["since"]]

    findings = compare_columns(model, features(), written.astype(object), EVERYTHING)

    assert [each.value for finding in findings for each in finding.statistics] == [
        0.0 for finding in findings for _ in finding.statistics
    ]


@pytest.mark.parametrize(
    ("estimator", "target"),
    [("LogisticRegression", "label"), ("Ridge", "price"), ("KMeans", None), ("IsolationForest", None)],
)
def test_answers_that_shift_are_drift(estimator: str, target: str | None) -> None:
    shifting = fit(estimator, target).model
    current = features().copy()
    current["amount"] = current["amount"] * 9 + 500
    current["visits"] = current["visits"] + 100

    same = compare_predictions(shifting, features(), features(), DriftThresholds())
    other = compare_predictions(shifting, features(), current, DriftThresholds())

    assert same is not None
    assert not same.has_drifted
    assert other is not None
    assert other.has_drifted
    assert other.view()["type"] == shifting.signature.task


def test_no_answers_are_compared_where_no_row_can_be_predicted(model: FittedModel) -> None:
    current = features().astype({"amount": object})
    current["amount"] = "much"

    assert compare_predictions(model, features(), current, DriftThresholds()) is None


def test_the_index_is_that_of_the_textbook() -> None:
    reference, current = np.array([50_000, 30_000, 20_000]), np.array([30_000, 30_000, 40_000])

    index = statistics.stability_index(reference, current)

    assert index == pytest.approx((0.3 - 0.5) * np.log(0.3 / 0.5) + (0.4 - 0.2) * np.log(0.4 / 0.2), rel=1e-3)


def test_distances_are_those_of_their_definitions() -> None:
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])
    middle = (p + q) / 2
    divergence = sum(
        sum(share * np.log2(share / mid) for share, mid in zip(side, middle, strict=True) if share) / 2
        for side in (p, q)
    )
    assert statistics.jensen_shannon_distance(p * 8, q * 4) == pytest.approx(np.sqrt(divergence))
    random = np.random.default_rng(0)
    one, other = random.normal(size=300), random.normal(0.3, size=200)
    assert statistics.kolmogorov_smirnov(one, other) == pytest.approx(ks_2samp(one, other).statistic)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any), st.integers(2, 100), st.integers(1, 9))
def test_samples_that_are_alike_have_no_distance_whatever_their_sizes(counts: list[int], over: int, under: int) -> None:
    one = np.array(counts, dtype=np.float64)

    distance = statistics.jensen_shannon_distance(one, one * over / under)

    assert 0 <= distance < 1e-7


def test_samples_without_a_common_value_are_one_apart() -> None:
    assert statistics.jensen_shannon_distance(np.array([3, 0, 4]), np.array([0, 5, 0])) == pytest.approx(1)


def test_chance_alone_exceeds_what_is_said_of_it_about_once_in_a_thousand_times() -> None:
    random = np.random.default_rng(7)
    exceeded = {"psi": 0, "js": 0, "ks": 0, "rate": 0}
    for _ in range(2000):
        one, other = random.normal(size=400), random.normal(size=250)
        bins = count_ranges(one, other, (0, 0))
        size = len(bins.labels), 400, 250
        counts = bins.reference, bins.current
        exceeded["psi"] += statistics.stability_index(*counts) > statistics.stability_index_by_chance(*size)
        exceeded["js"] += statistics.jensen_shannon_distance(*counts) > statistics.jensen_shannon_by_chance(*size)
        exceeded["ks"] += statistics.kolmogorov_smirnov(one, other) > statistics.kolmogorov_smirnov_by_chance(400, 250)
        missing = random.binomial(400, 0.2), random.binomial(250, 0.2)
        difference = abs(missing[0] / 400 - missing[1] / 250)
        exceeded["rate"] += difference > statistics.rate_by_chance(sum(missing), 400, 250)

    assert all(count <= 12 for count in exceeded.values()), exceeded


def test_a_number_of_few_values_is_counted_by_value_and_others_by_deciles(model: FittedModel) -> None:
    by_name = {each.name: each.view() for each in compare_columns(model, features(), features(), DriftThresholds())}

    assert len(by_name["amount"]["distribution"]["x"]) == 11, "ten ranges and the missing"
    assert by_name["amount"]["distribution"]["x"][-2:] == [None, "(missing)"]
    assert by_name["since"]["distribution"]["x"][0].startswith("20")
    assert by_name["is_member"]["distribution"]["x"] == [False, True, "(missing)"]
    assert by_name["visits"]["statistics"][1]["name"] == "kolmogorov_smirnov"
    few = count_values([1.0] * 30 + [2.0] * 20 + [4.0] * 9, [2.0, 3.0], (0, 0))
    assert (few.labels, few.unseen) == ([1.0, 2.0, "(other)", "(unseen)"], {3.0: 1})
    assert (few.reference.tolist(), few.current.tolist()) == ([30, 20, 9, 0], [0, 1, 0, 1])
