"""Everything about a model from a shell: explain, drift, learning curve, evaluations, candidates, promote, diff."""

import json
from pathlib import Path

import pytest

from modelbus.stack import LocalStack
from tests.e2e.api import fresh
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.timeout(240)

ROW = "a=1,b=2,c=3,d=4,e=5,f=6"


@pytest.fixture
def terminal(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A shell in an empty folder, told where the gateway is."""
    return Terminal(stack.gateway_url, tmp_path, monkeypatch, capsys)


@pytest.fixture
def kinds(terminal: Terminal, number_dataset: str) -> str:
    """A classifier with two versions, the second by a search."""
    model = fresh("kinds")
    asked = ("train", number_dataset, "kind", "-e", "LogisticRegression", "-m", model, "--exclude", "amount")
    terminal.ok(*asked, "--folds", "3")
    search = ("--search", "grid", "--space", "C=0.01,1.0", "--promote", "never")
    shown = terminal.ok(*asked, *search, "--calibrate", "sigmoid").out
    assert "best candidate" in shown
    assert "grid search, balanced_accuracy on the folds" in shown
    assert "calibration" in shown
    return model


def test_versions_are_compared_and_promoted(terminal: Terminal, kinds: str, number_dataset: str) -> None:
    board = terminal.json("models", "candidates", f"{kinds}@2")
    assert [one["rank"] for one in board["candidates"]] == [1, 2]
    assert "C=0.01" in terminal.ok("models", "candidates", f"{kinds}@2", "-n", "2").out
    assert "trained without a search" in terminal.run("models", "candidates", f"{kinds}@1").err
    changes = {one["field"] for one in terminal.json("models", "diff", f"{kinds}@2")["fields"]}
    assert {"hyperparameters.C", "search.method", "calibration.method"} <= changes
    assert "accuracy" in terminal.ok("models", "diff", f"{kinds}@1", f"{kinds}@2").out
    assert terminal.run("models", "diff", f"{kinds}@1", f"{kinds}@1").code == 2
    assert terminal.run("models", "promote", kinds).code == 2
    told = terminal.json("models", "promote", f"{kinds}@2")
    assert (told["replaced"], told["aliases"]["champion"]) == (1, 2)
    terminal.ok("models", "alias", kinds, "trial", "1")
    shown = terminal.ok("models", "promote", f"{kinds}@champion", "--alias", "trial").out
    assert f"it replaced version 1. To go back: modelbus models promote {kinds}@1 --alias trial" in shown
    assert "was trial already" in terminal.ok("models", "promote", f"{kinds}@2", "--alias", "trial").out
    assert "no alias 'trail'" in terminal.run("models", "promote", f"{kinds}@trail").err


def test_evaluations_are_listed_compared_drawn_and_deleted(terminal: Terminal, kinds: str, number_dataset: str) -> None:
    ids = [f"{kinds}-{number}" for number in (1, 2)]
    for number, name in enumerate(ids, start=1):
        terminal.ok("evaluate", f"{kinds}@{number}", number_dataset, "--name", name, "--slice", "b", "--intervals")
    listed = terminal.ok("evaluations", "list", "--model", kinds).out
    assert all(name in listed for name in ids)
    shown = terminal.ok("evaluations", "show", ids[0])
    assert "slice by b" in shown.out
    assert "95 % interval" in shown.out
    compared = terminal.json("evaluations", "compare", *ids)
    assert [one["id"] for one in compared["evaluations"]] == ids
    assert "B - A" in terminal.ok("evaluations", "compare", *ids).out
    assert terminal.run("evaluations", "compare", ids[0]).code == 2
    assert terminal.run("evaluations", "compare", ids[0], ids[0]).code == 2
    assert f"did you mean {ids[0]}" in terminal.run("evaluations", "show", f"{ids[0]}x").err
    names = terminal.json("evaluations", "plots", ids[0])["plots"]
    saved = terminal.json("plots", ids[0], "pictures", "--name", names[0], "--name", names[1])["paths"]
    assert [Path(path).name for path in saved] == [f"{name}.svg" for name in names[:2]]
    assert all("<svg" in (terminal.folder / path).read_text() for path in saved)
    points = terminal.json("evaluations", "plots", ids[0], "--out", "points", "--format", "json")["paths"]
    assert json.loads((terminal.folder / points[0]).read_text())["name"] == names[0]
    assert "its plots: " in terminal.run("plots", ids[0], "--name", "nothing").err
    assert terminal.run("plots", ids[0], "--format", "png").code == 2
    assert terminal.json("evaluations", "delete", ids[0]) == {"deleted": ids[0]}
    assert terminal.run("evaluations", "show", ids[0]).code == 1
    terminal.ok("evaluations", "delete", ids[1])
    assert "No evaluations" in terminal.ok("evaluations", "list", "--model", kinds).out
    assert "does not exist" in terminal.run("evaluations", "list", "--model", f"{kinds}x").err


def test_a_model_and_its_rows_are_explained(terminal: Terminal, kinds: str) -> None:
    shown = terminal.ok("explain", kinds, "--column", "a", "--plots", "pictures").out
    assert "balanced_accuracy falls by" in shown
    assert "saved to pictures" in shown
    assert list((terminal.folder / "pictures").glob("*.svg"))
    found = terminal.json("explain", kinds, "--kind", "importance", "--metric", "accuracy")
    assert (found["importance"]["metric"], found["partial_dependence"]) == ("accuracy", None)
    row = terminal.ok("explain", kinds, "--row", ROW).out
    assert "contribution" in row
    assert "row 1: predicted" in row
    (terminal.folder / "rows.csv").write_text("a,b,c,d,e,f\n1,2,3,4,5,6\n6,5,4,3,2,1\n")
    rows = terminal.json("explain", kinds, "--file", "rows.csv", "--outputs", "all")["rows"]
    assert [len(one["explanations"]) for one in rows] == [len(rows[0]["explanations"])] * 2
    job = terminal.json("explain", kinds, "--no-wait")["correlation_id"]
    terminal.ok("jobs", "wait", job)
    assert "saved to" in terminal.ok("plots", job).out
    assert (terminal.folder / job / "importance.svg").exists()


def test_drift_and_a_learning_curve_are_shown(terminal: Terminal, kinds: str, number_dataset: str) -> None:
    shown = terminal.ok("drift", kinds, "--dataset", number_dataset, "--threshold", "psi=0.1", "-t", "missing_rate=0.5")
    assert "psi=0.1, missing_rate=0.5" in shown.out
    assert "(predictions)" in shown.out
    assert terminal.json("drift", kinds, "--dataset", number_dataset)["has_drifted"] is False
    assert "no rows to compare" in terminal.ok("drift", f"{kinds}@1", "--since", "1s").out
    assert "--threshold psy" in terminal.run("drift", kinds, "-d", number_dataset, "-t", "psy=1").err
    curve = terminal.json("learning-curve", f"{kinds}@1", "--fraction", "1", "--fraction", "0.5")
    assert len(curve["x"]) == 2
    assert curve["x"] == sorted(curve["x"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("drift", "m"),
        ("drift", "m", "--dataset", "d", "--since", "7d"),
        ("explain", "m", "--row", "a=1", "--file", "rows.csv"),
        ("explain", "m", "--row", "a=1", "--column", "a"),
        ("explain", "m", "--outputs", "all"),
        ("explain", "m", "--no-wait", "--plots", "pictures"),
        ("drift", "m", "-d", "d", "--no-wait", "--plots", "pictures"),
        ("learning-curve", "m", "--no-wait", "--plots", "pictures"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_wrong_usage(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    done = terminal.run(*arguments)
    assert (done.code, done.out) == (2, "")


def test_an_unknown_id_of_plots_is_neither_an_evaluation_nor_a_job(terminal: Terminal) -> None:
    unknown = "0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10"
    assert "neither an evaluation nor a job" in terminal.run("plots", unknown).err


def test_errors_speak_of_options_and_commands(terminal: Terminal, kinds: str, number_dataset: str) -> None:
    asked = ("train", number_dataset, "kind", "-e", "LogisticRegression", "-m", kinds)
    assert terminal.run(*asked, "--exclude", "aa").err.startswith("error: --exclude: dataset")
    assert "give either --feature or --exclude" in terminal.run(*asked, "--exclude", "a", "--feature", "b").err
    assert "--set CC" in terminal.run(*asked, "--set", "CC=1", "--set", "max_itr=3").err
    assert "--force" in terminal.run("models", "delete", f"{kinds}@1").err
    assert "?force" not in terminal.run("datasets", "delete", number_dataset).err
    assert "--promote-metric" in terminal.run(*asked, "--promote", "if_better", "--promote-metric", "roc_au").err
    told = terminal.run(*asked, "--exclude", "aa", "--json")
    assert json.loads(told.err)["error"]["details"][0]["where"] == "exclude.0", "programs read the API's words"
