"""What a fit tells of the rows that it trains on."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.trainer.rows.row_numbering import RowNumbering
from tests.unit.tables import fit

ROWS = 200
RANDOM = np.random.default_rng(7)
NUMBER = RANDOM.normal(size=ROWS)
QUANTITY = RANDOM.normal(100, 15, ROWS)
YES_NO = RANDOM.permutation(["yes"] * 60 + ["no"] * 140)


def column(name: str, kind: Any) -> ColumnSchema:
    return ColumnSchema(name=name, type=kind, missing=0, distinct=1)


def notes(frame: pd.DataFrame, kinds: dict[str, Any], estimator: str = "DecisionTreeClassifier") -> list[str]:
    """The notes of a fit on the columns, of which the last one is the target."""
    *features, target = (column(name, kind) for name, kind in kinds.items())
    outcome = fit(estimator, target.name, frame=frame, features=features, target_schema=target)
    return outcome.warnings


def test_a_fit_tells_of_a_column_that_gives_the_target_away() -> None:
    frame = pd.DataFrame({"x": NUMBER, "copy": YES_NO, "id": [f"id {n}" for n in range(ROWS)], "y": YES_NO})
    told = notes(frame, {"x": "real", "copy": "text", "id": "text", "y": "text"})
    leak = "column 'copy' leaks the target 'y': it determines the class in 100 % of rows"
    identifier = "column 'id' is unique in every row, like an id"
    assert told == [
        f"{leak}; exclude it unless its value is known before the target's",
        f"{identifier}; exclude it",
    ]


def test_a_fit_of_numbers_tells_of_a_number_in_another_unit() -> None:
    frame = pd.DataFrame({"x": NUMBER, "fahrenheit": QUANTITY * 1.8 + 32, "y": QUANTITY})
    [told] = notes(frame, {"x": "real", "fahrenheit": "real", "y": "real"}, "DecisionTreeRegressor")
    assert told.startswith("column 'fahrenheit' leaks the target 'y': it correlates with the target (Pearson 1.0000")


def test_a_fit_tells_of_unequal_and_rare_classes_among_the_rows_that_it_trains_on() -> None:
    frame = pd.DataFrame({"x": NUMBER, "y": ["rare"] * 5 + ["common"] * 195})
    unequal, rare = notes(frame, {"x": "real", "y": "text"})
    assert "'rare' has 2.5 % of the rows (4 of 160)" in unequal
    assert "'rare' (4)" in rare


def test_a_fit_without_anything_to_tell_tells_nothing() -> None:
    frame = pd.DataFrame({"x": NUMBER, "when": pd.date_range("2020-01-01", periods=ROWS), "y": YES_NO})
    assert notes(frame, {"x": "real", "when": "datetime", "y": "text"}) == []


def test_what_a_fit_tells_is_bounded() -> None:
    copies = {f"c{number}": QUANTITY * number for number in range(1, 80)}
    frame = pd.DataFrame({**copies, "y": QUANTITY})
    assert len(notes(frame, dict.fromkeys(frame.columns, "real"), "DecisionTreeRegressor")) == 20


# --- what the upload would have said, too ---

NUMBERED = "looks like row numbers (200 distinct whole numbers from"


@pytest.mark.parametrize(
    "numbers",
    [
        range(ROWS),
        range(ROWS, 0, -1),
        range(10, 10 + 7 * ROWS, 7),
        RANDOM.permutation(range(1000, 1000 + ROWS)),
        [*range(150), *range(155, 205)],
    ],
)
@pytest.mark.parametrize("target", ["classes", "numbers", "none"])
def test_a_fit_tells_of_a_column_that_numbers_the_rows_however_they_are_split(numbers: Any, target: str) -> None:
    frame = pd.DataFrame({"row": list(numbers), "x": NUMBER, "y": sorted(YES_NO)})
    if target == "classes":
        told = notes(frame, {"row": "integer", "x": "real", "y": "text"})
    elif target == "numbers":
        told = notes(frame.assign(y=QUANTITY), {"row": "integer", "x": "real", "y": "real"}, "DecisionTreeRegressor")
    else:
        told = fit("KMeans", None, frame=frame, features=[column("row", "integer"), column("x", "real")]).warnings
    assert any(f"column 'row' {NUMBERED}" in one for one in told), told


@pytest.mark.parametrize(
    "numbers", [RANDOM.integers(0, 100, ROWS), RANDOM.integers(0, 10**6, ROWS), np.sort(RANDOM.integers(0, 150, ROWS))]
)
def test_whole_numbers_that_number_no_rows_are_not_told_of(numbers: Any) -> None:
    frame = pd.DataFrame({"age": numbers, "x": NUMBER, "y": YES_NO})
    assert not any(
        "looks like row numbers" in one for one in notes(frame, {"age": "integer", "x": "real", "y": "text"})
    )


@given(cuts=st.lists(st.integers(0, 120), max_size=4), step=st.integers(-3, 3), first=st.integers(-(10**6), 10**6))
def test_a_table_in_parts_numbers_its_rows_as_a_whole_one_does(cuts: list[int], step: int, first: int) -> None:
    numbers = pd.Series(first + step * np.arange(120), dtype="Int64")
    whole, parts = RowNumbering("row"), RowNumbering("row")
    whole.feed(numbers)
    for begin, end in pairwise([0, *sorted(cuts), 120]):
        parts.feed(numbers.iloc[begin:end])
    assert whole.alert() == parts.alert()
    assert (whole.alert() is not None) == (step != 0)


def test_blanks_at_the_ends_of_labels_are_told() -> None:
    frame = pd.DataFrame({"x": NUMBER, "y": ["yes", "yes ", "no", "no"] * 50})
    [told] = notes(frame, {"x": "real", "y": "text"})
    assert told == (
        "labels of the target 'y' have leading or trailing spaces: 'yes ' (40); labels that differ only in spaces, "
        "such as 'yes ', count as different classes; remove the spaces"
    )
    frame = pd.DataFrame({"x": NUMBER, "y": [" yes", "no"] * 100})
    [told] = notes(frame, {"x": "real", "y": "text"})
    assert "' yes' (80); the same label without them would be a different class" in told


def test_a_class_of_one_row_is_told() -> None:
    frame = pd.DataFrame({"x": NUMBER, "y": ["once", *["a", "b"] * 99, "a"]})
    told = " ".join(notes(frame, {"x": "real", "y": "text"}))
    assert "'once' (1)" in told
    assert "the class 'once' (1 row) has too few" in told


def alert(code: Any, name: str) -> Alert:
    return Alert(code=code, column=name, message=f"{code} of {name}")


def test_what_the_upload_found_in_the_columns_that_are_learnt_from_stands_in_the_version() -> None:
    upload = [
        alert("identifier_like", "uuid"),
        alert("date_like_text", "when"),
        alert("constant", "left_out"),
        alert("date_like_text", "y"),
        alert("identifier_like", "y"),
        *(alert(code, "y") for code in ("class_imbalance", "rare_classes", "missing_target", "whitespace_in_labels")),
        alert("target_leak", "uuid"),
    ]
    frame = pd.DataFrame({"uuid": ["a", "b"] * 100, "when": ["1.2.20", "3.4.20"] * 100, "y": YES_NO})
    kinds = {"uuid": "text", "when": "text"}
    outcome = fit(
        "DecisionTreeClassifier",
        "y",
        frame=frame,
        features=[column(name, kind) for name, kind in kinds.items()],
        target_schema=column("y", "text"),
        alerts=upload,
    )
    assert outcome.warnings == ["identifier_like of uuid", "date_like_text of when", "date_like_text of y"]


def test_what_the_fit_finds_itself_is_not_said_twice() -> None:
    frame = pd.DataFrame({"id": [f"id {n}" for n in range(ROWS)], "row": range(ROWS), "y": YES_NO})
    upload = [alert("identifier_like", "id"), alert("identifier_like", "row")]
    outcome = fit(
        "DecisionTreeClassifier",
        "y",
        frame=frame,
        features=[column("id", "text"), column("row", "integer")],
        target_schema=column("y", "text"),
        alerts=upload,
    )
    assert len(outcome.warnings) == 2
    assert not set(outcome.warnings) & {one.message for one in upload}
