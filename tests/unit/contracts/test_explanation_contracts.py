"""What may be asked of explanations and drift, and what of a version's record it must fit."""

from typing import Any, get_args

import pytest

from modelbus.shared.contracts import ExplainModel, parse_command
from modelbus.shared.contracts.base import TASKS
from modelbus.shared.contracts.checks.explanation_checks import (
    check_explanation,
    explained_dataset,
    require_training_table,
)
from modelbus.shared.contracts.commands.explanation import IMPORTANCE_METRICS, ImportanceMetric
from modelbus.shared.errors import InvalidCommand, UnknownDataset

VERSION: dict[str, Any] = {
    "model": "churn",
    "version": 3,
    "dataset": "customers",
    "dataset_sha256": "abc",
    "hold_out": {"dataset": None},
    "signature": {"task": "classification", "columns": [{"name": "age"}, {"name": "town"}]},
}


def command(**fields: Any) -> ExplainModel:
    parsed = parse_command({"command": "ExplainModel", "model": "churn", **fields})
    assert isinstance(parsed, ExplainModel)
    return parsed


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"command": "ExplainModel", "kinds": ["importance", "importance"]}, "kinds must not repeat a kind"),
        ({"command": "ExplainModel", "columns": ["a", "a"]}, "columns must not repeat a column"),
        (
            {"command": "MeasureLearningCurve", "fractions": [0.5, 0.5]},
            "fractions must be in ascending order without duplicates",
        ),
        ({"command": "ReportDrift"}, "give either dataset, or since to compare predicted rows"),
        (
            {"command": "ReportDrift", "since": "2026-01-31T12:00:00"},
            "since: must be a time in ISO 8601 with a time zone",
        ),
        ({"command": "ReportDrift", "since": 1700000000}, "since: must be a time in ISO 8601 with a time zone"),
        ({"command": "ReportDrift", "dataset": "d", "thresholds": {"psi": 0}}, "thresholds.psi"),
        ({"command": "ExplainPrediction", "rows": [{"a": 1}] * 11}, "rows: must have at most 10 items, not 11"),
        ({"command": "ExplainPrediction", "data": {"a": [1], "b": []}}, r"data\.b has 0 values, but data\.a has 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidCommand, match=problem):
        parse_command({"model": "churn", **fields})


def test_every_metric_is_of_one_task() -> None:
    named = [metric for task in TASKS for metric in IMPORTANCE_METRICS[task]]

    assert set(named) == set(get_args(ImportanceMetric))
    assert named.count("agreement") == 2, "both tasks without a target"


def test_columns_and_metric_must_be_the_versions_own() -> None:
    check_explanation(command(columns=["age"], metric="roc_auc"), VERSION)

    with pytest.raises(InvalidCommand) as refusal:
        check_explanation(command(columns=["age", "towns"], metric="r2"), VERSION)

    assert [detail["where"] for detail in refusal.value.details] == ["columns.1", "metric"]
    assert refusal.value.details[0]["expected"] == ["town"]
    assert "balanced_accuracy" in refusal.value.details[1]["expected"]


def test_the_rows_are_those_of_the_hold_out_dataset_if_there_is_one() -> None:
    measured = {**VERSION, "hold_out": {"dataset": "later"}}

    assert explained_dataset(command(), VERSION) == "customers"
    assert explained_dataset(command(), {**VERSION, "hold_out": {}}) == "customers"
    assert explained_dataset(command(), measured) == "later"
    assert explained_dataset(command(dataset="other"), measured) == "other"


def test_another_dataset_of_the_training_tables_name_is_not_it() -> None:
    require_training_table(VERSION, {"sha256": "abc"})
    with pytest.raises(
        UnknownDataset, match="dataset 'customers', the training data of churn version 3, has been replaced"
    ):
        require_training_table(VERSION, {"sha256": "other"})
