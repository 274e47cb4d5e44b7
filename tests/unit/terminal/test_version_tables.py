"""What the command line prints of a version: how rows were held out, folds in a mean, and the champion beside it."""

import pytest

from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.version_tables import held_out_words, print_comparison, print_metrics
from modelbus.gateway.description.examples import VERSION
from modelbus.shared.contracts import VersionRecord
from modelbus.shared.contracts.records.model_records import Comparison, HeldOutRows


def test_a_comparison_is_a_table_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    told = Comparison(
        metric="roc_auc", champion_version=2, own=0.75, champion=0.5, row_count=40, reason="the class 'b' has no row"
    )
    print_comparison(Printer(), told)
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("compared by", "this version", "champion (version 2)", "roc_auc", "0.75", "0.5", "40"):
        assert words in shown
    assert "The champion, version 2, was not replaced: the class 'b' has no row." in shown


def test_what_was_not_measured_has_no_table_and_nothing_is_said_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(Printer(), Comparison(champion_version=2, row_count=0, reason="there is no row"))
    assert "compared by" not in capsys.readouterr().out
    print_comparison(Printer(), None)
    assert capsys.readouterr().out == ""


def test_means_of_folds_say_of_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    folds = {"mean": 0.5, "standard_deviation": 0.25, "values": [0.25, None, 0.75]}
    validated = {"folds": 3, "metrics": {"r2": {**folds, "count": 2}, "mean_absolute_error": folds}}
    print_metrics(Printer(), VersionRecord.model_validate({**VERSION, "cross_validation": validated}))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["r2", "mean_absolute_error"]
    assert all(line.rstrip().endswith("2 of 3") for line in lines[1:]), "older records count for themselves"
    print_metrics(Printer(), VersionRecord.model_validate(VERSION))
    assert "folds" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        (None, None),
        (HeldOutRows(method="by_time", row_count=1200), "1,200, the latest"),
        (HeldOutRows(method="by_group", row_count=40, group_count=7), "40, whole groups (7 of them)"),
        (
            HeldOutRows(method="partly_stratified", row_count=20),
            "20, stratified by those classes that have rows enough",
        ),
    ],
)
def test_how_rows_were_held_out_is_said_in_words(held_out: HeldOutRows | None, words: str | None) -> None:
    assert held_out_words(held_out) == words
