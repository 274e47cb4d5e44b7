"""What the encoder makes of numbers, categories, dates and what is missing."""

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler, TargetEncoder

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.cells.date_parts import date_parts
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from tests.unit.encoders import TARGET, learnt
from tests.unit.tables import COLUMNS, features, rows_of


def test_every_output_has_a_name(encoder: TabularEncoder) -> None:
    names = encoder.feature_names_out
    assert len(names) == encoder.transform(features())[0].shape[1] == len(set(names))
    assert {"amount", "amount: is missing", "plan=pro", "gender=m", "town: target mean", "seen: hour"} <= set(names)
    assert not any(name.startswith(("country", "nothing")) for name in names)
    assert "since: hour" not in names  # whole days in training


def test_numbers_are_scaled_as_scikit_learn_scales_them() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0, 100.0])
    made = learnt(pd.DataFrame({"x": values}), ("x", "real"))
    expected = StandardScaler().fit_transform(values.reshape(-1, 1))
    assert np.array_equal(made.transform(pd.DataFrame({"x": values}))[0], expected)


def test_a_missing_number_becomes_the_median_and_is_told() -> None:
    made = learnt(pd.DataFrame({"x": [1.0, 2.0, 9.0, None]}), ("x", "real"))
    absent, median = made.row({"x": None}), made.row({"x": 2.0})
    assert absent[0] == median[0]
    assert (absent[1], median[1]) == (1.0, 0.0)


def test_unit_scaling_stays_within_0_and_1_even_for_unseen_values() -> None:
    made = TabularEncoder()
    matrix = made.fit_transform(features(), TARGET, COLUMNS, "classification", 0, scaling="unit")
    extremes = [{**row, "amount": amount, "visits": -5} for row in rows_of(features())[:3] for amount in (-1e9, 1e9)]
    for outputs in (matrix, made.rows(extremes)[0]):
        assert outputs.min() >= 0
        assert outputs.max() <= 1


def test_many_categories_become_cross_fitted_target_means() -> None:
    random = np.random.default_rng(1)
    codes = random.integers(0, 300, 1000)
    target = random.integers(0, 2, 1000)  # independent of the codes: whatever is found is leaked
    frame = pd.DataFrame({"code": [f"c{code}" for code in codes]})
    column = SignatureColumn(name="code", type="text")
    made = TabularEncoder()
    trained = made.fit_transform(frame, target, [column], "classification", 0)
    served = made.transform(frame)[0]
    leak, honest = (abs(np.corrcoef(outputs[:, 0], target)[0, 1]) for outputs in (served, trained))
    assert honest < 0.15 < leak

    means = TargetEncoder(target_type="binary").fit(codes.reshape(-1, 1), target).transform(codes.reshape(-1, 1))
    assert np.corrcoef(means[:, 0], served[:, 0])[0, 1] == pytest.approx(1)


def test_without_a_target_many_categories_become_their_shares_of_the_training_rows() -> None:
    towns = [f"t{number}" for number in range(50) for _ in range(number + 1)]
    frame = pd.DataFrame({"town": pd.Series([*towns, *[None] * 25], dtype=object)})
    column = SignatureColumn(name="town", type="text")
    made = TabularEncoder()
    trained = made.fit_transform(frame, None, [column], "clustering", 0)
    share = frame.groupby("town")["town"].transform("size").fillna(0).to_numpy() / len(frame)

    assert made.feature_names_out == ["town: frequency"]
    assert trained.tobytes() == made.transform(frame)[0].tobytes()
    assert np.allclose(trained, StandardScaler().fit_transform(share.reshape(-1, 1)))
    unseen, missing = made.row({"town": "nowhere"}), made.row({"town": None})
    assert unseen.tobytes() == missing.tobytes() == trained[-1].tobytes()  # the share 0
    assert made.rows([{"town": "nowhere"}])[1].counts()["unseen"] == {"town": 1}


def test_shares_stay_within_0_and_1_where_the_estimator_needs_it() -> None:
    frame = pd.DataFrame({"town": [f"t{number}" for number in range(50) for _ in range(number + 1)]})
    made = TabularEncoder()
    column = SignatureColumn(name="town", type="text")
    outputs = made.fit_transform(frame, None, [column], "clustering", 0, scaling="unit")
    assert (outputs.min(), outputs.max()) == (0, 1)
    assert made.row({"town": "nowhere"}).tolist() == [0]


def test_without_a_target_categories_of_one_frequency_give_nothing() -> None:
    frame = pd.DataFrame({"id": [f"id {number}" for number in range(60)]})
    made = TabularEncoder()
    outputs = made.fit_transform(frame, None, [SignatureColumn(name="id", type="text")], "clustering", 0)
    assert outputs.shape == (60, 0)
    again = TabularEncoder.from_state(made.state())
    assert again.row({"id": "another"}).shape == (0,)
    assert again.feature_names_out == []


def test_several_classes_give_one_target_mean_each() -> None:
    frame = pd.DataFrame({"code": [f"c{number % 50}" for number in range(200)]})
    made = learnt(frame, ("code", "text"), target=np.arange(200) % 3)
    assert made.feature_names_out == [f"code: fraction of class {code}" for code in range(3)]


def test_an_unseen_category_is_neutral_and_reported() -> None:
    made = learnt(
        pd.DataFrame({"plan": ["a", "b", "c"] * 4, "two": ["x", "y", "x"] * 4}), ("plan", "text"), ("two", "text")
    )
    matrix, report = made.rows([{"plan": "zz", "two": "q"}, {"plan": "a", "two": "x"}])
    assert matrix[0].tolist() == [0, 0, 0, 0.5]
    assert {column: rows.tolist() for column, rows in report.unseen.items()} == {"plan": [0], "two": [0]}


def test_constant_and_empty_columns_give_nothing() -> None:
    frame = pd.DataFrame({"one": [1.0] * 6, "none": [None] * 6, "word": ["a"] * 6, "x": range(6)})
    made = learnt(frame, ("one", "real"), ("none", "real"), ("word", "text"), ("x", "integer"))
    assert made.feature_names_out == ["x"]
    constant = learnt(frame.drop(columns="x"), ("one", "real"), ("none", "empty"))
    assert constant.transform(frame)[0].shape == (6, 0)
    assert constant.row({"one": 3}).shape == (0,)


@pytest.mark.parametrize("missing", [None, math.nan, np.nan, pd.NA, pd.NaT, np.datetime64("NaT", "us"), "", "  "])
def test_everything_that_means_missing_is_missing(encoder: TabularEncoder, missing: Any) -> None:
    row = dict.fromkeys(rows_of(features())[0], None)
    for name in row:
        assert encoder.row({**row, name: missing}).tobytes() == encoder.row(row).tobytes(), name


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-31T16:30:00",
        "2024-05-31 16:30",
        "2024-05-31T16:30:00Z",
        "2024-05-31T18:30:00+02:00",
        " 2024-05-31T16:30:00.000000 ",
        datetime(2024, 5, 31, 16, 30),  # noqa: DTZ001 - the case itself
        datetime(2024, 5, 31, 16, 30, tzinfo=UTC),
        pd.Timestamp("2024-05-31T18:30:00+02:00"),
        np.datetime64("2024-05-31T16:30"),
    ],
)
def test_every_way_to_write_a_moment_is_the_same_moment(encoder: TabularEncoder, written: Any) -> None:
    row = rows_of(features())[3]
    expected = encoder.row({**row, "seen": "2024-05-31T16:30:00"})
    assert encoder.row({**row, "seen": written}).tobytes() == expected.tobytes()


def test_a_columns_own_date_format_goes_before_iso() -> None:
    column = SignatureColumn(name="when", type="datetime", date_format="%Y-%d-%m")
    frame = pd.DataFrame({"when": pd.date_range("2023-01-01", periods=40)})
    made = TabularEncoder()
    made.fit_transform(frame, np.arange(40) % 2, [column], "classification", 0)
    assert made.row({"when": "2023-02-01"}).tobytes() == made.row({"when": date(2023, 1, 2)}).tobytes()
    assert made.row({"when": "2023-01-31"}).tobytes() == made.row({"when": date(2023, 1, 31)}).tobytes()


@settings(max_examples=200, deadline=None)
@given(moment=st.datetimes())
def test_date_parts_are_those_of_the_calendar(moment: datetime) -> None:
    microseconds = int(np.datetime64(moment, "us").astype(np.int64))
    days, year, month, day, weekday, hour = date_parts(microseconds)
    assert (year, month, day, weekday) == (moment.year, moment.month, moment.day, moment.weekday())
    assert int(hour) == moment.hour
    assert math.floor(days) == (moment.date() - date(1970, 1, 1)).days
    arrays = date_parts(np.array([microseconds]))
    assert [np.asarray(part).item() for part in arrays] == [days, year, month, day, weekday, hour]


def test_huge_numbers_stay_finite_and_within_float32() -> None:
    made = learnt(
        pd.DataFrame({"x": [1e300, -1e300, 5e299, 1.0], "y": [0.0, 1.0, 2.0, 3.0]}), ("x", "real"), ("y", "real")
    )
    matrix, _ = made.rows([{"x": 1.7e308, "y": -1.7e308}, {"x": 1e300, "y": 3}])
    assert np.isfinite(matrix.astype(np.float32)).all()
    assert matrix[1, 0] != made.row({"x": -1e300, "y": 3})[0]


def test_the_same_seed_gives_the_same_matrix_and_another_seed_other_folds() -> None:
    def trained(seed: int) -> bytes:
        return TabularEncoder().fit_transform(features(), TARGET, COLUMNS, "classification", seed).tobytes()

    assert trained(1) == trained(1) != trained(2)


def test_no_rows_give_an_empty_matrix(encoder: TabularEncoder) -> None:
    width = len(encoder.feature_names_out)
    assert encoder.rows([])[0].shape == (0, width)
    assert encoder.transform(features().head(0))[0].shape == (0, width)
