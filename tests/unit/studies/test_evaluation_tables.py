"""What the command line prints of an evaluation: never its whole record, always what the metrics are of."""

from typing import Any

import pytest

from modelbus.commands.tasks.evaluation_tables import CLASS_LIMIT, SLICE_LIMIT, print_evaluation
from modelbus.commands.terminal.printing import Printer
from modelbus.gateway.description.examples import EVALUATION
from modelbus.shared.contracts import EvaluationRecord
from modelbus.shared.contracts.metric_names import CLASSIFICATION_METRICS


def shown(capsys: pytest.CaptureFixture[str], *, is_all: bool = False, **more: Any) -> str:
    capsys.readouterr()
    print_evaluation(Printer(), EvaluationRecord.model_validate({**EVALUATION, **more}), is_all=is_all)
    return capsys.readouterr().out


def classes(count: int) -> dict[str, Any]:
    labels = [f"c{number}" for number in range(count)]
    counts = [[3 if row == column else 1 for column in range(count)] for row in range(count)]
    per_class = [
        {"label": label, "support": 3.0, "precision": 0.5, "recall": 0.5, "f1": place / count}
        for place, label in enumerate(labels)
    ]
    return {
        "task": "classification", "metrics": dict.fromkeys(CLASSIFICATION_METRICS, 0.5), "classes": labels,
        "confusion": {"labels": labels, "counts": counts, "fractions": counts, "left_out": 0}, "per_class": per_class,
        "positive_class": labels[1] if count == 2 else None,
    }  # fmt: skip


def test_two_classes_name_the_positive_one_beside_baseline_and_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    intervals = {"balanced_accuracy": {"low": 0.25, "high": 0.75, "rounds": 50}}
    best = {"metric": "f1", "threshold": 0.25, "f1": 0.625, "precision": 0.5, "recall": 0.75}
    options = {"intervals": {"confidence": 0.9}, "best_threshold": {"metric": "f1"}}
    text = shown(capsys, **classes(2), intervals=intervals, best_threshold=best, options=options, plots=["roc", "gain"])
    assert "positive class  c1" in text
    head = next(line for line in text.splitlines() if line.startswith("metric"))
    assert head.split() == ["metric", "value", "baseline", "90", "%", "interval"]
    assert "0.25 to 0.75" in text
    assert "best threshold  0.25: f1 is highest, 0.625; precision 0.5; recall 0.75" in text
    assert "2 plots. Save with: modelbus plots first" in text
    assert f"--all-metrics shows {len(CLASSIFICATION_METRICS) - 6} more metrics." in text
    assert len(text.splitlines()) < 30


def test_a_threshold_by_costs_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    best = {"costs": {"false_positive": 1, "false_negative": 5}, "threshold": 0.25, "precision": None, "recall": 1.0}
    assert "0.25: errors cost least; recall 1" in shown(capsys, **classes(2), best_threshold=best)


def test_many_classes_do_not_flood_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    count = CLASS_LIMIT + 20
    text = shown(capsys, **classes(count))
    assert f"The confusion matrix has {count} classes" in text
    assert f"The {CLASS_LIMIT} classes with the lowest f1 of {count}" in text
    assert "c29" not in text
    assert len(text.splitlines()) < 40
    assert "c29" in shown(capsys, is_all=True, **classes(count))
    assert "true \\ predicted" in shown(capsys, **classes(3))


def test_slices_are_shown_by_value_by_bin_and_where_they_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {"balanced_accuracy": 0.75, "roc_auc": None}
    by_value = [{"value": f"v{number}", "row_count": 5, "metrics": metrics} for number in range(SLICE_LIMIT + 1)]
    by_bin = [
        {"low": 1, "high": 2.5, "row_count": 4, "metrics": metrics},
        {"value": None, "row_count": 1, "metrics": {}},
    ]
    slices = [{"column": "plan", "slices": by_value}, {"column": "age", "slices": by_bin}]
    text = shown(capsys, **classes(2), slices=slices)
    assert "slice by plan" in text
    assert "1 more slice: --all-metrics" in text
    assert f"v{SLICE_LIMIT}" not in text
    assert "1 to 2.5" in text
    assert "(missing)" in text
    assert f"v{SLICE_LIMIT}" in shown(capsys, is_all=True, **classes(2), slices=slices)


def test_numbers_show_their_residuals_and_what_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, residuals={"mean": 0.123456, "minimum": -1.0}, dropped={"truth": 2, "weight": 0})
    assert "residuals  mean=0.1235, minimum=-1" in text
    assert "left out    2 without truth" in text
    assert "positive class" not in text


def test_an_evaluation_that_is_not_computed_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, status="running", metrics=None)
    assert "No metrics: the evaluation's job is running." in text
    failed = {"code": "crashed", "message": "the process crashed", "details": []}
    assert "the process crashed" in shown(capsys, status="failed", metrics=None, error=failed)


def test_unusual_rows_are_noted_and_ordinary_ones_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    report = {"unseen": {"plan": 3}, "missing": {"city": 9}, "extra": {"id": 30}, "coerced": {}}
    text = shown(capsys, report=report)
    assert text.count("note:") == 1
    assert "'plan'" in text
