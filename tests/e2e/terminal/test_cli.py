"""The command line against the whole stack: the round, what it prints for people and programs, and how it fails."""

import json
from typing import Any

import pytest

from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.e2e.tables import PARCEL, numbers
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.timeout(240)

UNKNOWN_ID = "0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10"


def test_the_whole_round_is_done_from_a_shell(terminal: Terminal, shop: str) -> None:
    uploaded = terminal.ok("datasets", "upload", f"{shop}.csv", "--target", "price")
    assert "40" in uploaded.out
    trained = terminal.ok("train", shop, "price", "-e", "Ridge", "-s", "alpha=0.5", "-m", shop, "--folds", "3")
    assert f"{shop}@1" in trained.out
    assert "r2" in trained.out
    predicted = terminal.ok("predict", shop, "--row", "size=2.0,color=red", "--row", '{"size": 3, "color": "green"}')
    assert "1 of 2 rows holds a value unseen in training" in predicted.err
    assert predicted.out.splitlines()[0] == "row,prediction"
    evaluated = terminal.ok("evaluate", shop, shop, "--name", f"{shop}-check")
    assert f"{shop}-check" in evaluated.out
    assert shop in terminal.ok("models", "list").out
    assert "Ridge" in terminal.ok("models", "show", shop).out
    assert "TrainModel" in terminal.ok("jobs", "list").out


def test_a_dataset_is_looked_at_saved_and_deleted(terminal: Terminal, shop: str) -> None:
    preview = terminal.json("datasets", "preview", f"{shop}.csv", "-n", "3")
    assert (preview["format"], len(preview["rows"])) == ("csv", 3)
    assert terminal.json("datasets", "upload", f"{shop}.csv")["row_count"] == 40
    assert shop in [one["name"] for one in terminal.json("datasets", "list")]
    assert terminal.json("datasets", "show", shop)["columns"][1]["type"] == "text"
    page = terminal.json("datasets", "rows", shop, "--offset", "38", "-c", "price")
    assert page["rows"] == [{"price": 266}, {"price": 273}]
    assert "rows 39 to 40 of 40" in terminal.ok("datasets", "rows", shop, "--offset", "38").out
    saved = terminal.json("datasets", "download", shop, "saved.csv")
    assert (terminal.folder / "saved.csv").stat().st_size == saved["size_bytes"]
    terminal.ok("datasets", "download", shop)
    assert (terminal.folder / f"{shop}.parquet").exists()
    assert terminal.json("datasets", "delete", shop) == {"deleted": shop}
    assert terminal.run("datasets", "show", shop).code == 1


def test_a_table_comes_from_standard_input_with_its_options(terminal: Terminal) -> None:
    name = fresh("piped")
    options = ("-o", "delimiter=|", "-o", "has_header=false", "-o", 'columns={"column_1": {"type": "text"}}')
    record = terminal.json("datasets", "upload", "-", "--name", name, "--format", "csv", *options, given="1|2\n3|4\n")
    assert [column["type"] for column in record["columns"]] == ["text", "integer"]


def test_rows_come_from_options_files_and_standard_input(terminal: Terminal, parcel_model: str) -> None:
    expected = terminal.json("predict", parcel_model, "--row", json.dumps(PARCEL))["predictions"]
    (terminal.folder / "rows.json").write_text(json.dumps([PARCEL]))
    (terminal.folder / "rows.jsonl").write_text(json.dumps(PARCEL) + "\n")
    (terminal.folder / "rows.csv").write_text("weight,city,sent_on,express\n4.5,Brno,03.02.2025,false\n")
    for name in ("rows.json", "rows.jsonl", "rows.csv"):
        assert terminal.json("predict", parcel_model, "--file", name)["predictions"] == expected, name
    assert terminal.json("predict", parcel_model, "-f", "-", given=json.dumps(PARCEL))["predictions"] == expected
    row = 'weight=4.5,city=Brno,"sent_on=03.02.2025",express=false'
    assert terminal.json("predict", parcel_model, "-r", row)["predictions"] == expected


def test_predictions_are_saved_in_the_form_that_the_file_has(
    terminal: Terminal, amount_model: str, number_dataset: str
) -> None:
    (terminal.folder / "rows.jsonl").write_text('{"a": 1, "b": 2, "c": 3}\n{"a": 2, "b": 2, "c": 3}\n')
    for name in ("few.csv", "few.jsonl", "few.parquet"):
        terminal.ok("predict", amount_model, "--file", "rows.jsonl", "--out", name)
        assert (terminal.folder / name).stat().st_size > 0
    told = terminal.json("predict", amount_model, "--dataset", number_dataset, "--out", "all.csv")
    assert (told["row_count"], told["path"]) == (400, "all.csv")
    assert len((terminal.folder / "all.csv").read_text().splitlines()) == 401


def test_probabilities_and_scores_are_shown(terminal: Terminal, parcel_model: str) -> None:
    asked = ("predict", parcel_model, "--row", json.dumps(PARCEL), "--probabilities")
    assert "probability_heavy" in terminal.ok(*asked).out
    assert "P(heavy)" in terminal.looked_at(*asked).out


def test_a_training_is_checked_before_it_is_done(terminal: Terminal, number_dataset: str) -> None:
    check = ("train", number_dataset, "amount", "-e", "Ridge", "--feature", "a", "--feature", "b", "--check")
    assert terminal.json(*check)["features"] == ["a", "b"]
    assert "MiB" in terminal.ok(*check).out


def test_a_model_is_kept_from_a_shell(terminal: Terminal, number_dataset: str) -> None:
    model = fresh("model")
    asked = ("-m", model, "--exclude", "kind", "--tag", "team=risk", "--tag", "year=2026", "--note", "first")
    trained = terminal.json(
        "train", number_dataset, "amount", "-e", "Ridge", *asked, "-o", 'hold_out={"fraction": 0.3}'
    )
    assert (trained["version"]["tags"], trained["version"]["hold_out"]["fraction"]) == (
        {"team": "risk", "year": "2026"},
        0.3,
    )
    again = terminal.json("models", "retrain", model, "--set", "alpha=2.5", "--promote", "never")
    assert (again["version"]["version"], again["is_champion"]) == (2, False)
    assert [one["version"] for one in terminal.json("models", "versions", model)] == [1, 2]
    assert terminal.json("models", "alias", model, "candidate", "2")["aliases"] == {"champion": 1, "candidate": 2}
    assert "candidate" in terminal.ok("models", "versions", model).out
    assert terminal.json("models", "tag", f"{model}@1", "team=null", "good=yes")["tags"] == {
        "year": "2026",
        "good": "yes",
    }
    artifact = terminal.json("models", "artifact", f"{model}@candidate")
    assert (terminal.folder / artifact["path"]).stat().st_size == artifact["size_bytes"]
    assert terminal.run("models", "delete", f"{model}@2").code == 1
    terminal.ok("models", "alias", model, "candidate", "--remove")
    terminal.ok("models", "delete", f"{model}@2")
    assert terminal.run("models", "delete", model).code == 2
    assert terminal.json("models", "delete", model, "--force") == {"deleted": model}


def test_a_job_is_started_watched_cancelled_and_replayed(
    terminal: Terminal, api: Api, endless_training: dict[str, Any]
) -> None:
    options = [f"{name}={json.dumps(value)}" for name, value in endless_training["hyperparameters"].items()]
    started = terminal.json(
        "train",
        endless_training["dataset"],
        "kind",
        "-e",
        endless_training["estimator"],
        *(part for option in options for part in ("-s", option)),
        *(part for name in "abcdef" for part in ("--feature", name)),
        "--no-wait",
    )
    job = started["correlation_id"]
    api.running_job(job)
    waited = terminal.run("jobs", "wait", job, "--timeout", "0.2")
    assert waited.code == 1
    assert f"Wait for it with: modelbus jobs wait {job}" in waited.err
    terminal.ok("jobs", "cancel", job)
    assert api.ended_job(job)["status"] == "cancelled"
    ended = terminal.run("jobs", "wait", job)
    assert (ended.code, "was cancelled" in ended.err) == (1, True)
    lines = [json.loads(line) for line in terminal.ok("jobs", "events", job, "--json").out.splitlines()]
    assert [line["status"] for line in lines] == ["cancelled"]
    assert terminal.json("jobs", "replay", job)["status"] == "queued"
    terminal.ok("jobs", "cancel", job)
    assert "cancelled" in terminal.ok("jobs", "show", job).out


def test_estimators_are_listed_and_explained(terminal: Terminal) -> None:
    assert "IsolationForest" in terminal.ok("estimators", "list", "--task", "outlier_detection").out
    shown = terminal.ok("estimators", "show", "RandomForestClassifier").out
    assert "max_depth" in shown
    assert terminal.json("estimators", "show", "Ridge")["hyperparameters"]["properties"]["alpha"]


def test_the_services_behind_a_gateway_are_shown(terminal: Terminal, stack: LocalStack) -> None:
    assert {one["service"] for one in terminal.json("status")["services"]} == {"trainer", "predictor", "evaluator"}
    shown = terminal.ok("status", "--url", stack.gateway_url).out
    assert "trainer" in shown


def test_the_local_stack_of_the_folder_is_found(
    stack: LocalStack, number_dataset: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = Terminal(None, stack.layout.root.parent, monkeypatch, capsys)
    assert number_dataset in [one["name"] for one in there.json("datasets", "list")]
    assert there.json("status")["gateway_url"] == stack.gateway_url


@pytest.mark.parametrize(
    "arguments",
    [
        ("datasets", "list"),
        ("datasets", "show", "{dataset}"),
        ("datasets", "rows", "{dataset}"),
        ("estimators", "list"),
        ("estimators", "show", "HistGradientBoostingClassifier"),
        ("models", "list"),
        ("models", "versions", "{model}"),
        ("models", "show", "{model}"),
        ("jobs", "list"),
        ("status",),
    ],
    ids=" ".join,
)
def test_everything_fits_into_eighty_columns(
    terminal: Terminal, arguments: tuple[str, ...], parcel_dataset: str, parcel_model: str
) -> None:
    shown = terminal.looked_at(*(part.format(dataset=parcel_dataset, model=parcel_model) for part in arguments)).out
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_a_table_of_many_columns_is_shown_in_part(terminal: Terminal, api: Api) -> None:
    columns = [f"a rather long name, number {number}" for number in range(30)]
    name = api.dataset(",".join(f'"{one}"' for one in columns) + "\n" + ",".join("x" * 50 for _ in columns) + "\n")
    shown = terminal.looked_at("datasets", "rows", name).out
    assert "more columns; --columns chooses" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    heading, row = terminal.ok("datasets", "rows", name).out.splitlines()[:2]
    assert all(column in heading for column in columns), "a pipe gets all of them"
    assert row.split() == ["x" * 50] * 30


def test_a_strangers_data_cannot_speak_to_the_terminal(terminal: Terminal, api: Api) -> None:
    name, line = fresh("strange"), b'{"a": "\\u001b]0;owned\\u0007[bold]x"}\n'
    assert api.upload(name, line, Content_Type="application/x-ndjson").status == 201
    shown = terminal.ok("datasets", "rows", name).out
    assert "\x1b" not in shown
    assert "[bold]x" in shown


def test_an_error_names_the_field_and_the_id_on_standard_error(terminal: Terminal, number_dataset: str) -> None:
    done = terminal.run("train", number_dataset, "amount", "-e", "Ridge", "-o", "sed=3", "-s", "alpha=wide")
    assert (done.code, done.out) == (1, "")
    assert "train has no option 'sed'; did you mean --seed?" in done.err
    assert "Traceback" not in done.err
    told = terminal.run("train", number_dataset, "amount", "-e", "Ridge", "-o", "sed=3", "--json")
    assert (told.code, told.out) == (1, "")
    error = json.loads(told.err)["error"]
    assert (error["code"], error["details"][0]["where"]) == ("wrong_argument", "sed")


def test_wrong_usage_is_told_before_anything_is_asked(terminal: Terminal) -> None:
    done = terminal.run("train", "shop")
    assert (done.code, done.out) == (2, "")
    assert done.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("datasets", "show", "there-is-none"), 1),
        (("jobs", "show", UNKNOWN_ID), 1),
        (("datasets", "list", "--url", "http://127.0.0.1:1"), 3),
        (("datasets", "list", "--url", "localhost"), 3),
    ],
)
def test_exit_codes_tell_what_went_wrong(terminal: Terminal, arguments: tuple[str, ...], code: int) -> None:
    done = terminal.run(*arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")


def test_an_upload_that_is_malformed_names_its_lines(terminal: Terminal) -> None:
    (terminal.folder / "bad.csv").write_text("a,b\n1,2\n3\n")
    done = terminal.run("datasets", "upload", "bad.csv", "--name", fresh("bad"))
    assert done.code == 1
    assert "line 3" in done.err
    assert "expected" in done.err


def test_numbers_of_any_size_are_uploaded_and_named_after_the_file(terminal: Terminal) -> None:
    name = fresh("numbers")
    (terminal.folder / f"{name}.csv").write_text(numbers(2000))
    assert terminal.json("datasets", "upload", f"{name}.csv")["name"] == name
