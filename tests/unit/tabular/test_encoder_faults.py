"""Nothing that the encoder does is silent: faults name row and column, and what was coerced is reported."""

import math
from typing import Any

import pandas as pd
import pytest

from modelbus.shared.errors import SignatureMismatch
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from tests.unit.encoders import learnt
from tests.unit.tables import features, rows_of


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
        ("since", "31/31/2023", "a date in the format %d/%m/%Y or in ISO 8601"),
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


def test_training_values_that_are_not_of_their_type_are_named() -> None:
    frame = pd.DataFrame({"x": ["1", "2", "three", "4"]})
    with pytest.raises(SignatureMismatch, match="'three' is not a number") as caught:
        learnt(frame, ("x", "real"))
    assert caught.value.details[0]["where"] == "rows.2.x"
