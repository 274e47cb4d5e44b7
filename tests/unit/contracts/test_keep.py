"""Columns that a prediction keeps: refused where they are not there, called by a free name, back as they came."""

from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from modelbus.predictor.kept_columns import with_kept, without_kept
from modelbus.predictor.prediction_table import with_kept_columns
from modelbus.shared.contracts import Predict, PredictDataset, command_spec, parse_command
from modelbus.shared.contracts.checks.command_checks import check_kept_columns, check_kept_in_rows
from modelbus.shared.contracts.commands.prediction import kept_names
from modelbus.shared.errors import InvalidCommand

ROWS: list[dict[str, Any]] = [
    {"customer_id": "007", "a": 1},
    {"a": 2.5, "note": None},
    {"customer_id": True, "a": None},
]


def predict(*keep: str) -> Predict:
    return Predict(model="m", rows=ROWS, keep=list(keep) or None)


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]])
def test_kept_values_come_back_as_they_came(rows: list[dict[str, Any]]) -> None:
    command = Predict(model="m", rows=rows, keep=["customer_id", "a"])
    result = {"predictions": [1] * len(rows), "report": {"extra": {"customer_id": 2, "note": 1}}}
    found = with_kept(result, command)
    assert found["kept"] == {name: [row.get(name) for row in rows] for name in ("customer_id", "a")}
    assert [type(one) for one in found["kept"]["a"]] == [type(row.get("a")) for row in rows]
    assert found["report"] == {"extra": {"note": 1}}, "what is kept was not ignored"
    assert "kept" not in result
    assert with_kept(result, predict()) is result


def test_a_report_keeps_what_else_was_done_to_kept_columns() -> None:
    report = {"extra": {"id": 3}, "coerced": {"id": 1, "a": 2}}
    assert without_kept(report, ["id"]) == {"coerced": {"id": 1, "a": 2}}


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (("custmer_id",), r"keep\.0: no column 'custmer_id' in the rows \(did you mean 'customer_id'\?\)"),
        (("a", "zzz"), r"keep\.1: no column 'zzz' in the rows"),
        (("a", "a"), r"keep\.1: column 'a' is named twice"),
    ],
)
def test_a_column_that_is_not_in_the_rows_is_refused(keep: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidCommand, match=said):
        check_kept_in_rows(predict(*keep))


def test_a_column_of_some_rows_is_kept() -> None:
    check_kept_in_rows(predict("note", "customer_id"))
    check_kept_in_rows(predict())


def test_a_column_that_is_not_in_the_dataset_is_refused() -> None:
    dataset: Any = {"columns": [{"name": "customer_id"}, {"name": "a"}]}
    check_kept_columns(PredictDataset(model="m", dataset="d", keep=["a", "customer_id"]), dataset)
    check_kept_columns(PredictDataset(model="m", dataset="d"), dataset)
    with pytest.raises(
        InvalidCommand, match=r"keep\.0: dataset 'd' has no column 'custmer_id' \(did you mean 'customer_id'\?\)"
    ):
        check_kept_columns(PredictDataset(model="m", dataset="d", keep=["custmer_id"]), dataset)
    with pytest.raises(InvalidCommand, match=r"keep\.1: column 'a' is named twice"):
        check_kept_columns(PredictDataset(model="m", dataset="d", keep=["a", "a"]), dataset)


@pytest.mark.parametrize("keep", [[], [""], "a", [1]])
def test_the_field_is_a_list_of_names(keep: Any) -> None:
    with pytest.raises(ValidationError):
        Predict(model="m", rows=ROWS, keep=keep)


def test_the_field_is_part_of_the_specification() -> None:
    spec = command_spec(predict("customer_id"))
    assert spec["keep"] == ["customer_id"]
    again = parse_command(spec)
    assert isinstance(again, Predict)
    assert again.keep == ["customer_id"]


@pytest.mark.parametrize(
    ("keep", "own", "names"),
    [
        (["id"], ["row", "prediction"], ["id"]),
        (["row", "prediction"], ["row", "prediction"], ["row_kept", "prediction_kept"]),
        (["row", "row_kept"], ["row"], ["row_kept_kept", "row_kept"]),
    ],
)
def test_a_kept_column_with_the_name_of_another_gets_a_free_one(
    keep: list[str], own: list[str], names: list[str]
) -> None:
    assert list(kept_names(keep, own).values()) == names
    assert list(kept_names(keep, own)) == keep


def test_kept_columns_of_a_dataset_have_their_types_and_follow_the_number_of_the_row() -> None:
    answer = pa.table({"row": pa.array([0, 1]), "prediction": pa.array(["x", "y"])})
    kept = pa.table({"id": pa.array(["007", None]), "row": pa.array([True, False])})
    table = with_kept_columns(answer, kept)
    assert table.column_names == ["row", "id", "row_kept", "prediction"]
    assert (table.schema.field("id").type, table.schema.field("row_kept").type) == (pa.string(), pa.bool_())
    assert table["id"].to_pylist() == ["007", None]
