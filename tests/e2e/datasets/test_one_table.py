"""One table, one meaning: a second file of a table, in whatever form, is read as the model's own; or it is said."""

import json
from typing import Any
from uuid import uuid4

import pytest
import redis

from tests.e2e.api import Api, form, fresh
from tests.e2e.doors import Door
from tests.waiting import wait_until

Row = dict[str, Any]


def csv_of(*columns: str, rows: list[tuple[Any, ...]]) -> str:
    """A small CSV."""
    return "".join(f"{','.join(map(str, row))}\n" for row in [columns, *rows])


FLAGS = [("Y", "yes"), ("N", "no"), ("U", "maybe")]
CODES = [("1E5", "a"), ("2B7", "b"), ("3", "c"), ("4.50", "d")]


def flags(count: int, kinds: int) -> str:
    """A table whose flag says the answer; with two of three kinds, each column looks like a boolean."""
    chosen = [FLAGS[i % kinds] for i in range(count)]
    return csv_of("flag", "x", "answer", rows=[(flag, i, answer) for i, (flag, answer) in enumerate(chosen)])


def codes(count: int, first: int) -> str:
    """A table whose code says the class; without the first ones, codes look like numbers."""
    rows = [CODES[first:][i % (4 - first)] for i in range(count)]
    return csv_of("code", "x", "y", rows=[(code, i, label) for i, (code, label) in enumerate(rows)])


def predicted(door: Door, model: str, rows: list[Row]) -> Row:
    """What a model answers for rows."""
    outcome = door.send({"command": "Predict", "model": model, "rows": rows})
    assert outcome.status == "succeeded", outcome
    return outcome.result or {}


def predicted_file(api: Api, door: Door, model: str, dataset: str) -> tuple[list[Any], Row]:
    """What a model answers for a dataset, and the job's result."""
    job_id = str(uuid4())
    outcome = door.send({"command": "PredictDataset", "model": model, "dataset": dataset}, job_id)
    assert outcome.status == "succeeded", outcome
    answer = api.get(f"/predictions/{job_id}/content?format=jsonl")
    assert answer.status == 200, answer
    return [json.loads(line)["prediction"] for line in answer.body.decode().splitlines()], outcome.result or {}


def evaluated(door: Door, model: str, dataset: str, **options: Any) -> Row:
    """An evaluation of a model on a dataset."""
    outcome = door.send({"command": "EvaluateModel", "model": model, "dataset": dataset, **options})
    assert outcome.status == "succeeded", outcome
    found: Row = (outcome.result or {})["evaluation"]
    return found


def compared(door: Door, dataset: str, **options: Any) -> Row:
    """An evaluation of predictions that a dataset holds."""
    outcome = door.send({"command": "EvaluatePredictions", "dataset": dataset, **options})
    assert outcome.status == "succeeded", outcome
    found: Row = (outcome.result or {})["evaluation"]
    return found


@pytest.fixture(scope="module")
def flag_model(api: Api) -> str:
    return str(api.train(api.dataset(flags(120, 3)), "answer", "LogisticRegression")["version"]["model"])


@pytest.fixture(scope="module")
def code_model(api: Api) -> str:
    return str(api.train(api.dataset(codes(120, 0)), "y", "DecisionTreeClassifier")["version"]["model"])


def test_a_file_of_two_kinds_is_evaluated_as_the_training_table_is_read(api: Api, door: Door, flag_model: str) -> None:
    found = evaluated(door, flag_model, api.dataset(flags(80, 2)))
    assert found["metrics"]["accuracy"] == 1.0
    assert found["report"] == {"coerced": {}, "unseen": {}, "missing": {}, "extra": {}}
    assert found["classes"] == ["maybe", "no", "yes"]
    assert any("no row has the class 'maybe'" in warning for warning in found["warnings"])


def test_a_file_of_two_kinds_is_predicted_with_labels_as_they_came(api: Api, door: Door, flag_model: str) -> None:
    file, result = predicted_file(api, door, flag_model, api.dataset(flags(80, 2)))
    assert (result["report"], result["warnings"]) == ({}, [])
    assert file == ["yes", "no"] * 40
    rows = predicted(door, flag_model, [{"flag": "Y", "x": 0}, {"flag": "N", "x": 1}])
    assert rows["predictions"] == ["yes", "no"]


def test_a_champion_is_not_replaced_by_a_model_of_another_reading(api: Api, door: Door, flag_model: str) -> None:
    held_out = api.dataset(flags(80, 2))
    trained = api.train(api.dataset(flags(120, 3)), "answer", "LogisticRegression", hold_out={"dataset": held_out})
    assert trained["version"]["metrics"]["accuracy"] == 1.0


def test_a_table_of_json_lines_is_evaluated_as_csv(api: Api, door: Door) -> None:
    rows = [{"smoker": ("yes", "no")[i % 2], "x": i, "left": ("yes", "no")[i % 2]} for i in range(80)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    name = fresh("lines")
    body, headers = form(name=name, file=("t.jsonl", "application/x-ndjson", lines))
    assert api.post("/datasets?wait=60", body, headers=headers).status == 201
    model = api.train(name, "left", "LogisticRegression")["version"]["model"]
    table = csv_of("smoker", "x", "left", rows=[tuple(row.values()) for row in rows])
    assert evaluated(door, model, api.dataset(table))["metrics"]["accuracy"] == 1.0


def test_predictions_of_which_one_column_has_fewer_labels_are_compared_by_label(api: Api, door: Door) -> None:
    truth, guess = ("yes", "no", "maybe"), ("yes", "no", "no")
    table = csv_of("truth", "guess", rows=[(truth[i % 3], guess[i % 3]) for i in range(120)])
    found = compared(door, api.dataset(table), truth="truth", prediction="guess", task="classification")
    assert found["metrics"]["accuracy"] == pytest.approx(80 / 120)


def test_labels_that_are_booleans_in_one_column_alone_are_compared_as_they_stand(api: Api, door: Door) -> None:
    truth, guess = ("True", "False", "unknown"), ("True", "False", "False")
    table = csv_of("truth", "guess", rows=[(truth[i % 3], guess[i % 3]) for i in range(120)])
    found = compared(door, api.dataset(table), truth="truth", prediction="guess", task="classification")
    assert found["metrics"]["accuracy"] == pytest.approx(80 / 120)


def test_codes_that_look_like_numbers_in_the_second_file_are_the_codes(api: Api, door: Door, code_model: str) -> None:
    second = api.dataset(codes(60, 2))
    found = evaluated(door, code_model, second)
    assert found["metrics"]["accuracy"] == 1.0
    assert any(
        "column 'code' is real in this dataset and text in the training table" in warning
        for warning in found["warnings"]
    )
    outcome = door.send({"command": "PredictDataset", "model": code_model, "dataset": second})
    assert outcome.result is not None
    assert outcome.result["report"] == {}
    assert any("column 'code'" in warning for warning in outcome.result["warnings"])
    rows = predicted(door, code_model, [{"code": "3", "x": 0}, {"code": "4.50", "x": 1}, {"code": 4.5, "x": 2}])
    assert rows["predictions"] == ["c", "d", "d"]


def test_a_mark_of_missing_values_means_the_same_in_a_row(api: Api, door: Door) -> None:
    rows = [("NA" if i == 60 else f"c{i % 60:02d}", i % 60 + (1000 if i == 60 else 0)) for i in range(610)]
    model = api.train(api.dataset(csv_of("c", "y", rows=rows)), "y", "Ridge")["version"]["model"]
    found = predicted(door, model, [{"c": "NA"}, {"c": None}, {"c": ""}])
    assert len(set(found["predictions"])) == 1
    assert found["report"] == {"missing": {"c": 3}}
    file = api.dataset("c,other\nNA,1\n,2\nc01,3\n")
    again, result = predicted_file(api, door, model, file)
    assert result["report"]["missing"] == {"c": 2}
    assert again[:2] == found["predictions"][:2]


def test_labels_beyond_exact_doubles_are_compared_digit_by_digit(api: Api, door: Door) -> None:
    numbers = [9007199254740992, 9007199254740993, 9007199254740995]
    table = csv_of("truth", "guess", rows=[(numbers[i % 3], numbers[(i + 1) % 3]) for i in range(90)])
    found = compared(door, api.dataset(table), truth="truth", prediction="guess", task="classification")
    assert found["metrics"]["accuracy"] == 0.0
    assert found["classes"] == numbers


@pytest.mark.parametrize("text_format", ["csv", "jsonl", "parquet"])
def test_a_download_is_the_same_table(api: Api, text_format: str) -> None:
    rows = [
        {"zip": "98765", "code": "1E5", "flag": "true", "na": "NA", "n": "1.50"},
        {"zip": "12345", "code": "2E5", "flag": "false", "na": "NA", "n": "2.50"},
    ]
    name, again = fresh("first"), fresh("again")
    body, headers = form(
        name=name, file=("t.jsonl", "application/x-ndjson", "".join(json.dumps(row) + "\n" for row in rows))
    )
    assert api.post("/datasets?wait=60", body, headers=headers).status == 201
    content = api.get(f"/datasets/{name}/content?format={text_format}&formulas=kept&wait=60")
    assert content.status == 200
    file_format = {"csv": "text/csv", "jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
    answer = api.post(
        f"/datasets?name={again}&wait=60", content.body, headers={"Content-Type": file_format[text_format]}
    )
    assert answer.status == 201, answer
    first, second = (api.get(f"/datasets/{one}").document for one in (name, again))
    assert [(column["name"], column["type"]) for column in first["columns"]] == [(key, "text") for key in rows[0]]
    assert [(column["name"], column["type"]) for column in second["columns"]] == [(key, "text") for key in rows[0]]
    assert first["sha256"] == second["sha256"]


def test_labels_that_match_no_class_are_named(api: Api, door: Door) -> None:
    table = csv_of("x", "label", rows=[(i, ("ham", "spam")[i % 2]) for i in range(80)])
    model = api.train(api.dataset(table), "label", "LogisticRegression")["version"]["model"]
    blank = csv_of("x", "label", rows=[(i, ("ham ", "spam ")[i % 2]) for i in range(40)])
    found = evaluated(door, model, api.dataset(blank))
    assert any("'ham ' (20)" in warning and "looks like 'ham'" in warning for warning in found["warnings"])


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("age ", "age "),
        (" age", "age"),
        ("re\u0301sume\u0301", "re\u0301sume\u0301"),
        ("re\u0301sume\u0301", "r\u00e9sum\u00e9"),
    ],
)
def test_a_name_is_matched_as_the_upload_names_it(api: Api, door: Door, header: str, key: str) -> None:
    table = csv_of(header, "y", rows=[(i, i) for i in range(40)])
    model = api.train(api.dataset(table), "y", "Ridge")["version"]["model"]
    assert predicted(door, model, [{key: 3}])["predictions"][0] == pytest.approx(3, abs=1)


def test_a_near_name_is_given(api: Api, door: Door) -> None:
    table = csv_of("age", "y", rows=[(i, i) for i in range(40)])
    model = api.train(api.dataset(table), "y", "Ridge")["version"]["model"]
    outcome = door.send({"command": "Predict", "model": model, "rows": [{"Age": 3}]})
    assert outcome.status == "failed"
    assert "'Age'" in str(outcome.message)


def test_integers_beyond_64_bits_are_refused(api: Api, amount_model: str) -> None:
    answer = api.post(
        f"/models/{amount_model}/predict",
        b'{"rows": [{"id": 99999999999999999999, "x": 1}]}',
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status, answer.code) == (422, "invalid_command")
    assert "64 bits" in answer.detail


def test_a_key_that_occurs_twice_is_refused(api: Api, amount_model: str) -> None:
    answer = api.post(
        f"/models/{amount_model}/predict", b'{"rows": [{"x": 1, "x": 2}]}', headers={"Content-Type": "application/json"}
    )
    assert answer.status == 400
    assert "duplicate key 'x'" in answer.detail


def test_the_queue_refuses_the_same(api: Api, broker: redis.Redis, amount_model: str) -> None:
    correlation_id = str(uuid4())
    body = f'{{"command": "Predict", "model": "{amount_model}", "rows": [{{"id": 99999999999999999999, "x": 1}}]}}'
    broker.lpush("predict", json.dumps({"body": body, "properties": {"correlation_id": correlation_id}}))
    wait_until(lambda: api.get(f"/jobs/{correlation_id}").status == 200, "the command is recorded", 60)
    job = api.ended_job(correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_command")
    assert "64 bits" in job["error"]["message"]

    mark = fresh("twice")
    broker.lpush("predict", json.dumps({"body": f'{{"command": "Predict", "model": "{mark}", "model": "{mark}"}}'}))

    def reasons() -> list[str]:
        letters = api.get("/dead-letters?kind=message&queue=predict").document["dead_letters"]
        found = [api.get(f"/dead-letters/{one['id']}").document for one in letters]
        return [str(letter["reason"]) for letter in found if mark in letter["text"]]

    [reason] = wait_until(reasons, "the message becomes a dead letter") or []
    assert "duplicate key 'model'" in reason


def test_a_truth_of_nothing_but_one_is_doubtful_for_outliers(api: Api, door: Door) -> None:
    rows = [(i % 7 / 7, i % 5 / 5, 1) for i in range(60)]
    name = api.dataset(csv_of("a", "b", "known", rows=rows))
    command = {"model": fresh("model"), "dataset": name, "estimator": "IsolationForest", "exclude": ["known"]}
    assert api.post("/models?wait=60", command).status == 201
    found = evaluated(door, command["model"], name, truth="known")
    assert any("is 1, which is read as outlier" in warning for warning in found["warnings"])


def test_many_unseen_values_are_warned_of(door: Door, flag_model: str) -> None:
    found = predicted(door, flag_model, [{"flag": "Q", "x": 1}])
    assert found["report"] == {"unseen": {"flag": 1}}
    assert found["warnings"] == ["column 'flag': 1 of 1 row holds a value unseen in training (100 %)"]


def test_labels_come_back_as_they_came(api: Api, door: Door) -> None:
    words = ("TRUE", "FALSE")
    table = csv_of("x", "late", rows=[(i % 2, words[i % 2]) for i in range(60)])
    model = api.train(
        api.dataset(table), "late", "LogisticRegression", class_weight={"TRUE": 2}, hyperparameters={"C": 10}
    )["version"]["model"]
    assert predicted(door, model, [{"x": 0}, {"x": 1}])["predictions"] == ["TRUE", "FALSE"]
    found = evaluated(door, model, api.dataset(table), positive_class="TRUE")
    assert (found["classes"], found["positive_class"], found["metrics"]["accuracy"]) == (["FALSE", "TRUE"], "TRUE", 1.0)
    assert found["confusion"]["labels"] == ["FALSE", "TRUE"]
