"""The encoder: rows and frames give the same bits, nothing is silent, faults name row and column."""

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler, TargetEncoder

from shared.contracts import SignatureColumn
from shared.errors import SignatureMismatch
from shared.tabular import encoder as encoder_module
from shared.tabular.dates import date_parts
from shared.tabular.encoder import TabularEncoder
from tests.unit.tables import COLUMNS, features, rows_of, table

TARGET = (table()["label"] == "yes").to_numpy().astype(np.int64)


def learnt(frame: pd.DataFrame, *columns: tuple[str, Any], target: Any = None, **options: Any) -> TabularEncoder:
    encoder = TabularEncoder()
    signature = [SignatureColumn(name=name, type=kind) for name, kind in columns]
    values = np.arange(len(frame)) % 2 if target is None else target
    encoder.fit_transform(frame, values, signature, options.pop("task", "classification"), 0, **options)
    return encoder


@pytest.fixture(scope="module")
def encoder() -> TabularEncoder:
    made = TabularEncoder()
    made.fit_transform(features(), TARGET, COLUMNS, "classification", 0)
    return made


@pytest.fixture(scope="module")
def encoder_without_target() -> TabularEncoder:
    made = TabularEncoder()
    made.fit_transform(features(), None, COLUMNS, "clustering", 0)
    return made


def cell_values(finite: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), finite)


ROWS = st.fixed_dictionaries(
    {
        "amount": cell_values(
            st.one_of(
                st.floats(), st.integers(-(10**18), 10**18), st.booleans(), st.sampled_from(["3.5", " -1e3", "NA"])
            )
        ),
        "visits": cell_values(st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.sampled_from(["7", "", "7.25"]))),
        "is_member": cell_values(
            st.one_of(st.booleans(), st.sampled_from([0, 1, 1.0, "Yes", "off", " TRUE ", "null"]))
        ),
        "since": cell_values(st.one_of(st.datetimes(), st.dates(), st.sampled_from(["31/12/2023", "2023-12-31", ""]))),
        "seen": cell_values(
            st.one_of(
                st.datetimes(timezones=st.none() | st.just(UTC)).map(lambda moment: moment.isoformat()),
                st.sampled_from(["2024-05-31 18:30", "2024-05-31T18:30:00+02:00", "2024-05-31T18:30:00Z"]),
            )
        ),
        "plan": cell_values(st.one_of(st.sampled_from(["basic", "plus", "pro", "  "]), st.text(), st.integers(0, 3))),
        "gender": cell_values(st.sampled_from(["f", "m", "x"])),
        "town": cell_values(st.one_of(st.integers(0, 80).map(lambda number: f"town {number}"), st.text())),
        "country": cell_values(st.text(max_size=3)),
        "nothing": cell_values(st.text(max_size=3)),
        "surplus": st.integers(),
    }
)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=6))
def test_a_row_and_a_frame_encode_to_the_same_bits(encoder: TabularEncoder, rows: list[dict[str, Any]]) -> None:
    assert_same_bits(encoder, rows)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=6))
def test_a_row_and_a_frame_encode_to_the_same_bits_without_a_target(
    encoder_without_target: TabularEncoder, rows: list[dict[str, Any]]
) -> None:
    assert_same_bits(encoder_without_target, rows)


def assert_same_bits(encoder: TabularEncoder, rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in rows[0]})
    matrix, report = encoder.transform(frame)
    by_cells, cells_report = encoder.rows(rows)
    many = rows * encoder_module.ROW_BY_ROW_LIMIT
    by_columns, columns_report = encoder.rows(many)
    one_by_one = np.array([encoder.row(row) for row in rows])

    assert one_by_one.tobytes() == matrix.tobytes() == by_cells.tobytes()
    assert by_columns[: len(rows)].tobytes() == matrix.tobytes()
    assert np.isfinite(matrix).all()
    assert report.counts() == cells_report.counts() == columns_report.part(0, len(rows)).counts()


def test_native_dtypes_and_written_rows_encode_to_the_same_bits(encoder: TabularEncoder) -> None:
    matrix, report = encoder.transform(features())
    rows = rows_of(features())
    assert np.array([encoder.row(row) for row in rows]).tobytes() == matrix.tobytes()
    assert encoder.rows(rows)[0].tobytes() == matrix.tobytes()
    assert report.counts()["coerced"] == {}
    assert report.counts()["unseen"] == {}
    assert report.counts()["missing"]["amount"] == features()["amount"].isna().sum()


def test_one_row_and_a_frame_of_a_million_encode_to_the_same_bits(encoder: TabularEncoder) -> None:
    # other lengths take other ways through numpy: what is left over behind the last full vector, say
    positions = np.random.default_rng(1).integers(0, len(features()), 1_000_003)
    frame = features().iloc[positions].reset_index(drop=True)
    frame["amount"] = frame["amount"] * np.random.default_rng(2).normal(1, 0.3, len(frame))
    chosen = [0, 1, 31, 32, 999_999, 1_000_002, *np.random.default_rng(3).integers(0, len(frame), 200).tolist()]

    matrix, _ = encoder.transform(frame)

    rows = rows_of(frame.iloc[chosen])
    assert np.array([encoder.row(row) for row in rows]).tobytes() == matrix[chosen].tobytes()


@pytest.mark.parametrize(
    "converted",
    [
        features().astype({"visits": "Float64"}),
        features().astype({"visits": "float64", "plan": "category"}),
        features().astype({"since": "datetime64[ns]", "seen": "datetime64[ms]"}),
        features().assign(seen=features()["seen"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")),
        features().astype(object),
        features().iloc[:, ::-1].set_index(np.arange(len(features())) * 3),
    ],
    ids=["nullable", "numpy", "time units", "time zones", "objects", "order and index"],
)
def test_any_dtype_of_the_same_values_encodes_to_the_same_bits(
    encoder: TabularEncoder, converted: pd.DataFrame
) -> None:
    expected, actual = encoder.transform(features())[0], encoder.transform(converted)[0]
    assert actual.tobytes() == expected.tobytes()


def test_state_comes_back_to_the_same_bits_and_holds_plain_arrays_only(encoder: TabularEncoder) -> None:
    state = encoder.state()
    for value in state.values():
        assert isinstance(value, (int, str)) or (isinstance(value, np.ndarray) and value.dtype.kind in "fiuU")
    again = TabularEncoder.from_state(state)
    assert again.transform(features())[0].tobytes() == encoder.transform(features())[0].tobytes()
    assert again.feature_names_out == encoder.feature_names_out
    assert again.columns == encoder.columns


def test_a_state_of_another_layout_is_refused(encoder: TabularEncoder) -> None:
    with pytest.raises(ValueError, match="layout"):
        TabularEncoder.from_state({**encoder.state(), "layout": 99})


def test_texts_keep_every_character_in_the_state() -> None:
    texts = ["a", "a\0", "é" * 1000, "日本", "x" * 100_000, "a\nb"]
    made = learnt(pd.DataFrame({"text": pd.Series(texts * 4, dtype=object)}), ("text", "text"))
    again = TabularEncoder.from_state(made.state())
    _, report = again.rows([{"text": text} for text in texts])
    assert report.unseen == {}
    assert len({again.row({"text": text}).tobytes() for text in texts}) == len(texts)


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

    assert made.feature_names_out == ["town: share"]
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


def test_an_encoder_without_a_target_comes_back_to_the_same_bits(encoder_without_target: TabularEncoder) -> None:
    again = TabularEncoder.from_state(encoder_without_target.state())
    rows = rows_of(features())
    expected = encoder_without_target.transform(features())[0]
    assert again.transform(features())[0].tobytes() == expected.tobytes()
    assert np.array([again.row(row) for row in rows]).tobytes() == expected.tobytes()
    assert again.feature_names_out == encoder_without_target.feature_names_out
    assert "town: share" in again.feature_names_out


def test_a_kind_of_column_that_this_release_does_not_know_is_refused(encoder: TabularEncoder) -> None:
    state = encoder.state()
    with pytest.raises(ValueError, match="does not know"):
        TabularEncoder.from_state({**state, "kinds": np.array(["hashed"] * len(state["kinds"]))})


def test_several_classes_give_one_target_mean_each() -> None:
    frame = pd.DataFrame({"code": [f"c{number % 50}" for number in range(200)]})
    made = learnt(frame, ("code", "text"), target=np.arange(200) % 3)
    assert made.feature_names_out == [f"code: share of class {code}" for code in range(3)]


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


def test_only_columns_that_were_empty_may_be_absent(encoder: TabularEncoder) -> None:
    row = rows_of(features())[5]
    without = {name: value for name, value in row.items() if name != "nothing"}
    assert encoder.row(without).tobytes() == encoder.row(row).tobytes()
    assert encoder.transform(features().drop(columns="nothing"))[0].shape[0] == len(features())
    _, report = encoder.rows([{**row, "nothing": 5}])
    assert report.counts()["unseen"] == {"nothing": 1}
    assert "nothing" not in report.coerced


def test_all_columns_that_no_row_has_are_named_at_once(encoder: TabularEncoder) -> None:
    rows = [{name: value for name, value in row.items() if name not in ("town", "plan")} for row in rows_of(features())]
    for attempt in (lambda: encoder.rows(rows[:2]), lambda: encoder.rows(rows), lambda: encoder.row(rows[0])):
        with pytest.raises(SignatureMismatch) as caught:
            attempt()
        assert [detail["where"] for detail in caught.value.details] == ["rows.*.plan", "rows.*.town"]
    with pytest.raises(SignatureMismatch) as caught:
        encoder.transform(features().drop(columns=["town", "plan"]))
    assert {detail["where"] for detail in caught.value.details} == {"rows.*.plan", "rows.*.town"}


def test_a_key_absent_from_one_row_is_named_with_the_row(encoder: TabularEncoder) -> None:
    rows = rows_of(features())[:3]
    del rows[1]["visits"]
    with pytest.raises(SignatureMismatch, match=r"rows\.1\.visits: missing column") as caught:
        encoder.rows(rows)
    assert [detail["where"] for detail in caught.value.details] == ["rows.1.visits"]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("amount", "abc", "a number"),
        ("amount", "1_000", "a number"),
        ("amount", "1,5", "a number"),
        pytest.param("amount", 10**400, "a number within", id="a huge integer"),
        ("amount", "9" * 400, "a number within"),
        ("amount", [1], "a number"),
        ("visits", "seven", "a number"),
        ("is_member", "maybe", "true or false"),
        ("is_member", 2, "true or false"),
        ("since", "31/31/2023", "a date written as %d/%m/%Y or in ISO 8601"),
        ("seen", 1700000000, "a date in ISO 8601"),
        ("seen", "yesterday", "a date in ISO 8601"),
        ("plan", {"a": 1}, "text"),
        pytest.param("plan", 10**5000, "text", id="an integer too long to write"),
    ],
)
def test_a_value_that_cannot_be_cast_is_named(encoder: TabularEncoder, column: str, value: Any, expected: str) -> None:
    rows = rows_of(features())[:40]
    rows[2][column] = value
    short = rows[2:4]
    for attempt, where in (
        (lambda: encoder.rows(rows), 2),
        (lambda: encoder.rows(short), 0),
        (lambda: encoder.row(rows[2]), 0),
    ):
        with pytest.raises(SignatureMismatch) as caught:
            attempt()
        [detail] = caught.value.details
        assert detail["where"] == f"rows.{where}.{column}"
        assert str(detail["expected"]).startswith(expected)
        assert len(caught.value.message) < 600


def test_all_faults_are_told_at_once_up_to_a_limit(encoder: TabularEncoder) -> None:
    rows = [{**row, "amount": "abc", "is_member": "perhaps"} for row in rows_of(features())]
    with pytest.raises(SignatureMismatch, match="and 477 more") as caught:
        encoder.rows(rows)
    assert len(caught.value.details) == 100


def test_what_was_coerced_is_reported_with_its_rows(encoder: TabularEncoder) -> None:
    plain = rows_of(features())[3]
    rows = [
        plain,
        {**plain, "amount": "3.5", "is_member": "yes", "visits": 2.5, "plan": 7},
        {**plain, "amount": math.inf},
    ]
    _, report = encoder.rows(rows)
    assert {column: found.tolist() for column, found in report.coerced.items()} == {
        "amount": [1, 2],
        "is_member": [1],
        "visits": [1],
        "plan": [1],
    }
    assert report.counts()["unseen"] == {"plan": 1}
    assert 2 in report.missing["amount"]


def test_a_report_splits_into_the_parts_of_a_batch(encoder: TabularEncoder) -> None:
    plain = rows_of(features())[3]
    _, report = encoder.rows([plain, {**plain, "extra": 1}, {**plain, "amount": "1"}])
    assert report.counts()["extra"] == {"extra": 1}
    assert report.part(0, 1).counts()["extra"] == {}
    later = report.part(1, 3)
    assert later.row_count == 2
    assert later.extra["extra"].tolist() == [0]
    assert later.coerced["amount"].tolist() == [1]


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


def test_training_values_that_are_not_of_their_type_are_named() -> None:
    frame = pd.DataFrame({"x": ["1", "2", "three", "4"]})
    with pytest.raises(SignatureMismatch, match="'three' is not a number") as caught:
        learnt(frame, ("x", "real"))
    assert caught.value.details[0]["where"] == "rows.2.x"


def test_no_rows_give_an_empty_matrix(encoder: TabularEncoder) -> None:
    width = len(encoder.feature_names_out)
    assert encoder.rows([])[0].shape == (0, width)
    assert encoder.transform(features().head(0))[0].shape == (0, width)
