"""Predictions: a first page on a terminal, CSV in a pipe, and files in their own formats."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from modelbus.client.typed_answers import Predictions
from modelbus.commands.tasks.shown_predictions import PAGE, notes, print_predictions, save_predictions
from modelbus.commands.terminal.printing import Printer

ROWS = [{"size": number / 2, "color": "red", "id": f"00{number}"} for number in range(30)]
FOUND = Predictions(
    model="prices",
    version=3,
    predictions=["yes" if number % 2 else "no" for number in range(30)],
    classes=["no", "yes"],
    probabilities=[[0.25, 0.75]] * 30,
    report={"coerced": {"size": 1}, "unseen": {"color": 2}, "extra": {"id": 30}},
    kept={"id": [row["id"] for row in ROWS], "prediction": list(range(30))},
)


def on_terminal(found: Predictions) -> list[str]:
    file = io.StringIO()
    printer = Printer(console=Console(file=file, force_terminal=True, width=80, color_system=None))
    print_predictions(printer, ROWS, found, is_text=False)
    return file.getvalue().splitlines()


def test_a_terminal_shows_the_first_page() -> None:
    lines = on_terminal(FOUND)
    assert lines[0].split() == ["id", "prediction", "prediction", "P(no)", "P(yes)"]
    assert lines[1].split() == ["000", "0", "no", "0.25", "0.75"]
    assert [line.split()[0] for line in lines[1 : PAGE + 1]] == [row["id"] for row in ROWS[:PAGE]]
    assert f"first {PAGE} of 30 rows" in lines[PAGE + 1]


def test_without_kept_columns_the_first_inputs_are_shown() -> None:
    lines = on_terminal(FOUND.model_copy(update={"kept": None, "probabilities": None}))
    assert lines[0].split() == ["prediction", "size", "color", "id"]


def test_a_pipe_gets_all_rows_as_csv_and_notes_apart(capsys: pytest.CaptureFixture[str]) -> None:
    print_predictions(Printer(), ROWS, FOUND, is_text=True)
    shown = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(shown.out)))
    assert len(rows) == 30
    assert rows[7] == {
        "row": "7",
        "id": "007",
        "prediction_kept": "7",
        "prediction": "yes",
        "probability_no": "0.25",
        "probability_yes": "0.75",
    }
    assert shown.err.splitlines() == [
        "note: 'color': 2 rows with values unseen in training",
        "note: 'id': ignored in 30 rows: not a feature of the model",
    ]


def test_files_have_what_a_frame_has(tmp_path: Path) -> None:
    frame = FOUND.to_frame()
    names = ["id", "prediction_kept", "prediction", "probability_no", "probability_yes"]
    assert list(frame.columns) == names
    for suffix in ("csv", "jsonl", "parquet"):
        save_predictions(FOUND, tmp_path / f"saved.{suffix}")
    lines = (tmp_path / "saved.csv").read_text().splitlines()
    assert lines[0] == ",".join(["row", *names])
    assert json.loads((tmp_path / "saved.jsonl").read_text().splitlines()[3]) == frame.iloc[3].to_dict()
    assert pq.read_table(tmp_path / "saved.parquet").to_pylist()[3] == frame.iloc[3].to_dict()


def test_scores_have_names_and_missing_answers_are_empty(capsys: pytest.CaptureFixture[str]) -> None:
    one = Predictions(model="m", version=1, predictions=[None, True], scores=[0.5, -1.0], report={})
    print_predictions(Printer(), [{"a": 1}, {"a": 2}], one, is_text=False)
    assert capsys.readouterr().out == "row,prediction,score\n0,,0.5\n1,true,-1.0\n"
    many = one.model_copy(update={"classes": ["x", "y"], "scores": [[1, 2], [3, 4]]})
    print_predictions(Printer(), [{"a": 1}, {"a": 2}], many, is_text=False)
    assert capsys.readouterr().out.startswith("row,prediction,score_x,score_y\n0,,1,2\n")


def test_notes_are_plural_where_they_should_be_and_say_nothing_twice() -> None:
    assert notes({"unseen": {"c": 1}, "missing": {"d": 2}}) == [
        "'c': 1 row with values unseen in training",
        "'d': 2 rows without a value",
    ]
    assert notes({"unseen": {"c": 1}}, ["column 'c' is odd"]) == ["column 'c' is odd"]
    assert notes({"later": {"c": 1}}) == ["'c': later in 1 row"]
