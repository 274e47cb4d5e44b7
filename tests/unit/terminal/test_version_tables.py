"""What the command line prints of a version: metrics beside baseline and folds, what was chosen, and the champion."""

from typing import Any

import pytest

from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.version_tables import (
    choice_facts,
    class_facts,
    held_out_words,
    print_comparison,
    print_metrics,
)
from modelbus.gateway.description.examples import VERSION
from modelbus.shared.contracts import VersionRecord
from modelbus.shared.contracts.metric_names import CLASSIFICATION_METRICS
from modelbus.shared.contracts.records.model_records import Comparison, HeldOutRows

TUNING = {
    "method": "random", "scoring": "roc_auc", "candidate_count": 12, "failed_count": 2, "measured_count": 10,
    "best": 7, "mean": 0.8125, "elapsed_s": 3.14,
}  # fmt: skip


def classifier(classes: list[Any], **more: Any) -> VersionRecord:
    signature = {**VERSION["signature"], "task": "classification", "classes": classes}
    return VersionRecord.model_validate({**VERSION, "signature": signature, **more})


def test_a_comparison_is_a_table_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    told = Comparison(
        metric="roc_auc", champion_version=2, own=0.75, champion=0.5, row_count=40, reason="the class 'b' has no row"
    )
    print_comparison(Printer(), told)
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("compared by", "this version", "champion (version 2)", "roc_auc", "0.75", "0.5", "40 held-out rows"):
        assert words in shown
    assert "The champion, version 2, was not replaced: the class 'b' has no row." in shown
    assert "less is better" not in shown
    print_comparison(
        Printer(), told.model_copy(update={"metric": "log_loss", "row_count": 1, "warnings": ["doubtful"]})
    )
    shown = capsys.readouterr().out
    assert "1 held-out row that" in shown
    assert "(less is better)" in shown
    assert "note: doubtful" in shown


def test_what_was_not_measured_has_no_table_and_nothing_is_said_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(Printer(), Comparison(champion_version=2, row_count=0, reason="there is no row"))
    assert "compared by" not in capsys.readouterr().out
    print_comparison(Printer(), None)
    assert capsys.readouterr().out == ""


def test_means_of_folds_stand_beside_their_deviation_and_say_of_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    folds = {"mean": 0.5, "standard_deviation": 0.25, "values": [0.25, None, 0.75]}
    validated = {"folds": 3, "metrics": {"r2": {**folds, "count": 2}, "mean_absolute_error": folds}}
    print_metrics(Printer(), VersionRecord.model_validate({**VERSION, "cross_validation": validated}))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["metric", "held", "out", "baseline", "3", "folds:", "mean", "±", "std"]
    assert [line.split()[0] for line in lines[1:3]] == ["r2", "mean_absolute_error"]
    assert all(line.rstrip().endswith("0.5 ± 0.25 (2 of 3 folds)") for line in lines[1:3]), "older records too"
    print_metrics(Printer(), VersionRecord.model_validate(VERSION))
    assert "folds" not in capsys.readouterr().out


def test_many_metrics_never_flood_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    found = {name: None if name == "roc_auc_ovo" else 0.25 for name in CLASSIFICATION_METRICS}
    version = classifier(["no", "yes"], metrics=found, tuning={**TUNING, "scoring": "cohen_kappa"})
    print_metrics(Printer(), version)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["balanced_accuracy", "cohen_kappa"], "what was searched by"
    assert len(lines) == 9
    assert lines[-2:] == [
        "baseline: the best constant prediction on the same rows",
        f"--all-metrics shows {len(CLASSIFICATION_METRICS) - 7} more metrics.",
    ]
    print_metrics(Printer(), version, is_all=True)
    shown = capsys.readouterr().out
    assert all(f"\n{name} " in shown for name in CLASSIFICATION_METRICS if name != "roc_auc_ovo")
    assert shown.endswith("Not defined for these rows: roc_auc_ovo.\n")


@pytest.mark.parametrize(
    ("classes", "facts"),
    [
        (["no", "yes"], {"positive class": "yes (the other one: no)"}),
        ([False, True], {"positive class": "true (the other one: false)"}),
        ([0, 1], {"positive class": "1 (the other one: 0)"}),
        (["a", "b", "c"], {"classes": ["a", "b", "c"]}),
    ],
)
def test_the_positive_class_is_named(classes: list[Any], facts: dict[str, Any]) -> None:
    assert class_facts(classifier(classes)) == facts


def test_numbers_have_no_classes() -> None:
    assert class_facts(VersionRecord.model_validate(VERSION)) == {"classes": None}


def test_what_a_search_chose_and_why() -> None:
    threshold = {"value": 0.25, "aim": "f1", "at_value": 0.5, "at_half": 0.375}
    calibration = {"method": "sigmoid", "cross_validation": {"folds": 5}}
    version = classifier(["no", "yes"], tuning=TUNING, threshold=threshold, calibration=calibration)
    assert {name: fact for name, fact in choice_facts(version).items() if fact is not None} == {
        "chosen by": "random search, roc_auc on the folds",
        "best candidate": "number 7 of 12: Ridge, mean 0.8125",
        "candidates": "12 tried, 10 measured, 2 failed, in 3.1 s",
        "calibration": "sigmoid, on 5 folds",
        "threshold": "0.25: f1 is 0.5 there and 0.375 at 0.5",
    }


def test_what_auto_chose_says_what_stopped_it() -> None:
    tuning = {**TUNING, "method": "auto", "failed_count": 0, "stopped_early": "time_budget"}
    facts = choice_facts(classifier(["no", "yes"], tuning=tuning, specification={"class_weight": "balanced"}))
    assert (facts["chosen by"], facts["class weight"]) == ("auto, roc_auc on the folds", "balanced")
    assert facts["stopped early"] == "the time budget was used up; the best candidate so far was kept"
    assert choice_facts(classifier(["a"], tuning=TUNING), "cancelled")["stopped early"].startswith("it was cancelled")
    assert set(choice_facts(VersionRecord.model_validate(VERSION)).values()) == {None}


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        (None, None),
        (HeldOutRows(method="by_time", row_count=1200), "1,200, the latest"),
        (HeldOutRows(method="by_group", row_count=40, group_count=7), "40, whole groups (7)"),
        (HeldOutRows(method="partly_stratified", row_count=20), "20, stratified by the classes that have enough rows"),
    ],
)
def test_how_rows_were_held_out_is_said_in_words(held_out: HeldOutRows | None, words: str | None) -> None:
    assert held_out_words(held_out) == words
