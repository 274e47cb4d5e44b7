"""Commands checked against their dataset: columns that are missing or named twice."""

from typing import Any

import pytest

from modelbus.shared.contracts import ReadRows, TrainModel
from modelbus.shared.contracts.checks.command_checks import check_columns, check_training_columns
from modelbus.shared.errors import InvalidCommand
from tests.unit.commands import TRAIN

DATASET = {"columns": [{"name": name} for name in ("age", "balance", "country", "left")]}


def train(**fields: Any) -> TrainModel:
    return TrainModel.model_validate({**TRAIN, **fields})


def test_target_and_features_that_are_columns_pass() -> None:
    check_training_columns(train(features=["age", "country"]), DATASET)


def test_each_missing_column_is_named_with_the_likeliest_ones_meant() -> None:
    with pytest.raises(InvalidCommand) as caught:
        check_training_columns(train(target="lefd", features=["agee", "xyz"]), DATASET)
    details = {detail["where"]: detail for detail in caught.value.details}
    assert details["target"]["expected"] == ["left"]
    assert details["features.0"]["expected"] == ["age"]
    assert details["features.1"]["expected"] == ["age", "balance", "country", "left"]
    assert "dataset 'customers' has no column 'lefd' (did you mean 'left'?)" in caught.value.message


def test_a_dataset_without_anything_to_learn_from_is_refused() -> None:
    with pytest.raises(InvalidCommand, match="no column besides the target"):
        check_training_columns(train(), {"columns": [{"name": "left"}]})


def test_columns_to_read_that_are_there_pass_in_any_order() -> None:
    check_columns(ReadRows(dataset="customers"), DATASET)
    check_columns(ReadRows(dataset="customers", columns=["left", "age"]), DATASET)


def test_each_column_to_read_that_is_missing_is_named_with_the_likeliest_ones_meant() -> None:
    with pytest.raises(InvalidCommand) as caught:
        check_columns(ReadRows(dataset="customers", columns=["agee", "left", "xyz"]), DATASET)
    assert [detail["where"] for detail in caught.value.details] == ["columns.0", "columns.2"]
    assert caught.value.details[0]["expected"] == ["age"]
    assert "dataset 'customers' has no column 'agee' (did you mean 'age'?)" in caught.value.message


def test_a_column_to_read_twice_is_refused() -> None:
    with pytest.raises(InvalidCommand, match=r"columns\.2: column 'age' is named twice"):
        check_columns(ReadRows(dataset="customers", columns=["age", "left", "age"]), DATASET)


def test_many_missing_columns_are_told_in_part() -> None:
    columns = [f"nowhere {number}" for number in range(5000)]
    with pytest.raises(InvalidCommand) as caught:
        check_columns(ReadRows(dataset="customers", columns=columns), DATASET)
    assert len(caught.value.details) == 100
    assert sum("expected" in detail for detail in caught.value.details) == 10
