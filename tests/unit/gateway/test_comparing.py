"""Evaluations side by side: what is better, by how much, and what makes it doubtful."""

from typing import Any

import pytest

from modelbus.gateway.views.evaluation_comparison import compare


def record(name: str, metrics: dict[str, float | None], **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "model": "m",
        "version": 1,
        "dataset": "d",
        "dataset_sha256": "abc",
        "task": "classification",
        "row_count": 10,
        "dropped_row_count": 0,
        "positive_class": "yes",
        "created_at": "2026-01-01T00:00:00Z",
        "options": {},
        "metrics": metrics,
        **changes,
    }


@pytest.mark.parametrize(
    ("metric", "values", "differences", "best"),
    [
        ("accuracy", [0.5, 0.75, 0.25], [0, 0.25, -0.25], ["b"]),
        ("log_loss", [0.5, 0.75, 0.25], [0, 0.25, -0.25], ["c"]),
        ("accuracy", [0.5, 0.5, None], [0, 0, None], ["a", "b"]),
        ("accuracy", [None, 0.5, 0.25], [None, None, None], ["b"]),
        ("accuracy", [None, 0.5, None], [None, None, None], []),
        ("cluster_count", [3, 5, 4], [0, 2, 1], []),
    ],
)
def test_the_best_is_marked_and_differences_are_to_the_first(
    metric: str, values: list[float | None], differences: list[float | None], best: list[str]
) -> None:
    records = [record(name, {metric: value}) for name, value in zip("abc", values, strict=True)]
    assert compare(records)["metrics"] == [
        {
            "metric": metric,
            "is_higher_better": {"accuracy": True, "log_loss": False}.get(metric),
            "values": values,
            "differences": differences,
            "best": best,
        }
    ]


def test_a_metric_that_only_one_has_is_there_too() -> None:
    found = compare([record("a", {"accuracy": 1.0}), record("b", {"r2": 0.5})])["metrics"]
    assert [(one["metric"], one["values"]) for one in found] == [("accuracy", [1.0, None]), ("r2", [None, 0.5])]


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({}, []),
        ({"dataset_sha256": None}, []),
        ({"dataset_sha256": "def"}, ["the datasets have different contents: a abc, b def"]),
        ({"dataset": "e", "dataset_sha256": "def"}, ["the datasets differ: a d, b e"]),
        ({"row_count": 9}, ["the numbers of rows differ: a 10, b 9"]),
        ({"task": "regression"}, ["the tasks differ: a classification, b regression"]),
        ({"options": {"weight": "w"}}, ["the weights of the rows differ: none, 'w'"]),
    ],
)
def test_what_makes_a_comparison_doubtful_is_said(changes: dict[str, Any], warnings: list[str]) -> None:
    assert compare([record("a", {}), record("b", {}, **changes)])["warnings"] == warnings
