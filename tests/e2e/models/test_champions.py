"""Champions, by either door: what moves them, on which rows that is decided, and what a version tells of its rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.api import Api, fresh
from tests.e2e.doors import Door
from tests.e2e.tables import numbers

SPLIT = {"hold_out": {"fraction": 0.25}}


def command(dataset: str, model: str, estimator: str, **fields: Any) -> dict[str, Any]:
    given = {"command": "TrainModel", "model": model, "dataset": dataset, "target": "kind", "estimator": estimator}
    return {**given, "features": ["a", "b", "c"], **fields}


def made(door: Door, said: dict[str, Any]) -> dict[str, Any]:
    """The result of a training that must succeed."""
    outcome = door.send(said)
    assert outcome.result is not None, outcome
    return outcome.result


def champion_of(api: Api, model: str) -> int:
    return int(api.get(f"/models/{model}").document["aliases"]["champion"])


@pytest.fixture(scope="module")
def newer_dataset(api: Api) -> str:
    """The rows of the clean dataset in another order, and 200 more."""
    header, *rows = numbers(400).splitlines()
    more = numbers(200, seed=12).splitlines()[1:]
    order = np.random.default_rng(0).permutation(600).tolist()
    every = [*rows, *more]
    return api.dataset("\n".join([header, *(every[place] for place in order)]) + "\n", "newer")


def test_a_better_version_replaces_the_champion_on_rows_that_neither_was_trained_on(
    api: Api, door: Door, number_dataset: str, newer_dataset: str
) -> None:
    model = fresh("model")
    first = made(door, command(number_dataset, model, "DummyClassifier", promote="if_better"))
    assert (first["is_champion"], first.get("comparison")) == (True, None)

    better = command(newer_dataset, model, "DecisionTreeClassifier", promote="if_better", promote_metric="accuracy")
    result = made(door, better)

    comparison = result["comparison"]
    assert (result["is_champion"], comparison["is_better"], comparison["reason"]) == (True, True, None)
    assert (comparison["metric"], comparison["champion_version"]) == ("accuracy", 1)
    # of 120 held-out rows some 40 are new, and a fifth of the 80 others was held out of the champion's training too
    assert comparison["row_count"] + comparison["excluded_row_count"] == 120
    assert 35 < comparison["row_count"] < 85
    assert result["version"]["comparison"] == comparison
    kept = api.get(f"/models/{model}/versions/2").document
    assert kept["comparison"] == comparison
    assert (kept["held_out"]["method"], kept["held_out"]["row_count"]) == ("stratified", 120)
    assert champion_of(api, model) == 2


def test_a_champion_that_has_seen_all_rows_stays_and_the_record_says_why(
    api: Api, door: Door, number_dataset: str, newer_dataset: str
) -> None:
    model = fresh("model")
    whole = {"hold_out": {"dataset": number_dataset}}
    made(door, command(newer_dataset, model, "DummyClassifier", **whole))

    result = made(door, command(number_dataset, model, "DecisionTreeClassifier", promote="if_better"))

    assert result["is_champion"] is False
    comparison = result["comparison"]
    assert (comparison["row_count"], comparison["own"], comparison["champion"]) == (0, None, None)
    assert comparison["metric"] == "balanced_accuracy"
    no_row = "no row is new to both versions"
    assert comparison["reason"] == f"{no_row}: 80 rows were held out, and version 1 was trained on 80 of them"
    assert champion_of(api, model) == 1


def test_a_dummy_does_not_replace_a_champion_that_answers_other_classes(api: Api, door: Door, cases: Path) -> None:
    training, scoring = (
        api.dataset((cases / f"01-type-flip-boolean-{name}.csv").read_bytes(), name) for name in ("train", "score")
    )
    said = {"target": "answer", "features": ["flag", "x"]}
    model = fresh("model")
    made(door, command(training, model, "LogisticRegression", **said))

    for promote in ("if_better", "if_comparable"):
        result = made(door, command(scoring, model, "DummyClassifier", **said, promote=promote))
        assert result["is_champion"] is False
        assert "have different classes" in result["comparison"]["reason"]
    assert champion_of(api, model) == 1


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables of one kind: in the second no answer is open."""
    folder = tmp_path_factory.mktemp("cases")
    rows = [("YNU"[place % 3], place, ("yes", "no", "maybe")[place % 3]) for place in range(120)]
    for name, some in (("train", rows), ("score", [row for row in rows if row[0] != "U"])):
        lines = ["flag,x,answer", *(",".join(map(str, row)) for row in some)]
        (folder / f"01-type-flip-boolean-{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_labels_blank_leaves_the_champion(api: Api, door: Door, number_dataset: str) -> None:
    model = fresh("model")
    made(door, command(number_dataset, model, "DummyClassifier"))
    padded = api.dataset(numbers(200, seed=21).replace("low\n", "low \n"), "padded")

    result = made(
        door,
        command(
            number_dataset,
            model,
            "DecisionTreeClassifier",
            promote="if_better",
            hold_out={"dataset": padded},
        ),
    )

    assert result["is_champion"] is False
    comparison = result["comparison"]
    assert "have labels unknown to the model: 'low '" in comparison["reason"]
    assert len(comparison["warnings"]) == 2
    assert comparison["own"] > comparison["champion"], "they were measured, and are shown"


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"target": "amount", "estimator": "Ridge"}, "target", "predicts 'amount' (regression)"),
        ({"target": None, "estimator": "KMeans"}, "target", "performs clustering"),
        ({"target": "amount", "estimator": "auto"}, "target", "predicts 'amount' (regression)"),
    ],
)
def test_another_target_is_refused_unless_it_is_allowed_and_then_no_default_moves_the_champion(
    api: Api, door: Door, number_dataset: str, changes: dict[str, Any], place: str, words: str
) -> None:
    model = fresh("model")
    made(door, command(number_dataset, model, "DummyClassifier"))
    said = {**command(number_dataset, model, ""), **changes}
    if said["target"] is None:
        del said["target"]
    if said["estimator"] == "auto":
        said["auto"] = {"max_models": 1, "include": ["Ridge"]}

    for name in ("TrainModel", "CheckTraining"):
        refused = door.send({**said, "command": name})
        assert (refused.status, refused.code, refused.places) == ("failed", "invalid_command", (place,)), refused
        assert words in str(refused.message)
        assert f"version 1 of model '{model}' predicts 'kind' (classification)" in str(refused.message)
        assert "allow_target_change" in str(refused.message)

    allowed = made(door, {**said, "allow_target_change": True})
    assert allowed["is_champion"] is False
    assert allowed["comparison"]["reason"].startswith("the champion cannot be compared: version 1 ")
    assert champion_of(api, model) == 1
    moved = made(door, {**said, "allow_target_change": True, "promote": "always"})
    assert moved["is_champion"] is True


def test_the_refusal_is_422_at_once(api: Api, number_dataset: str) -> None:
    model = str(api.train(number_dataset, "kind", "DummyClassifier", features=["a"])["version"]["model"])
    said = {"model": model, "dataset": number_dataset, "target": "amount", "estimator": "Ridge"}

    answer = api.post("/models", said)

    assert (answer.status, answer.code) == (422, "invalid_command")
    assert answer.document["errors"][0]["expected"] == "kind"


def test_auto_that_would_do_another_task_on_another_dataset_is_refused(
    api: Api, door: Door, number_dataset: str
) -> None:
    numbered = (
        numbers(150, seed=3).replace(",low\n", ",1.25\n").replace(",mid\n", ",2.5\n").replace(",high\n", ",3.75\n")
    )
    other = api.dataset(numbered, "numbered")
    model = fresh("model")
    chosen = {"auto": {"max_models": 1, "include": ["GaussianNB"], "time_budget_s": 20}}
    made(door, command(number_dataset, model, "auto", **chosen))

    refused = door.send({"command": "RetrainModel", "model": model, "dataset": other})

    assert (refused.code, refused.places) == ("invalid_command", ("task",)), refused
    assert "predicts 'kind' (regression), but version 1" in str(refused.message)


def test_retraining_keeps_the_metric_that_versions_are_compared_by(api: Api, door: Door, number_dataset: str) -> None:
    model = fresh("model")
    said = {"promote": "if_better", "promote_metric": "log_loss", "promote_margin": 0.01}
    made(door, command(number_dataset, model, "GaussianNB", **said))

    again = made(door, {"command": "RetrainModel", "model": model})

    comparison = again["comparison"]
    assert (again["is_champion"], comparison["metric"], comparison["margin"]) == (False, "log_loss", 0.01)
    assert comparison["own"] == comparison["champion"]
    assert "not better by more than 0.01" in comparison["reason"]
    other = made(door, {"command": "RetrainModel", "model": model, "promote_metric": "roc_auc", "promote_margin": 0})
    assert (other["comparison"]["metric"], other["comparison"]["margin"]) == ("roc_auc", 0)
    made(door, {"command": "RetrainModel", "model": model, "promote": "never"})


def test_a_champion_with_columns_that_the_new_version_leaves_out_is_measured(
    api: Api, door: Door, number_dataset: str
) -> None:
    model = fresh("model")
    made(door, command(number_dataset, model, "DecisionTreeClassifier", features=["a", "b", "c", "d"]))
    result = made(door, command(number_dataset, model, "DummyClassifier", features=["a"], promote="if_better"))
    comparison = result["comparison"]
    assert (comparison["row_count"], result["is_champion"]) == (80, False)
    assert comparison["champion"] > comparison["own"]


def test_which_rows_were_trained_on_is_deleted_with_the_version(
    api: Api, door: Door, number_dataset: str, database: Any
) -> None:
    model = fresh("model")
    made(door, command(number_dataset, model, "DummyClassifier"))
    blob_id = database["versions"].find_one({"_id": f"{model}@1"})["rows_blob_id"]
    assert database["fs.files"].find_one({"_id": blob_id})["metadata"]["state"] == "live"
    assert api.delete(f"/models/{model}").status == 204
    assert database["fs.files"].find_one({"_id": blob_id}) is None


# --- what a version tells of its rows ---


def test_a_class_of_one_row_and_row_numbers_stand_in_the_version(api: Api, door: Door) -> None:
    labels = sorted(["a"] * 75 + ["b"] * 74 + ["c"])
    random = np.random.default_rng(1)
    rows = [f"{place},{random.random():.3f},{label}" for place, label in enumerate(labels)]
    dataset = api.dataset("\n".join([",x,kind", *rows]) + "\n", "numbered")
    said = command(dataset, fresh("model"), "DecisionTreeClassifier")
    del said["features"]

    version = made(door, said)["version"]

    told = " | ".join(version["warnings"])
    assert "looks like row numbers (150 distinct whole numbers from 0 to 149)" in told
    assert "the class 'c' (1 row) has too few" in told
    assert version["held_out"] == {
        "method": "partly_stratified",
        "row_count": 30,
        "unmeasured_classes": ["c"],
        "unmeasured_class_count": 1,
        "group_count": None,
    }
    checked = door.send({**said, "command": "CheckTraining"})
    assert checked.result is not None, checked
    assert any("looks like row numbers" in one for one in checked.result["warnings"])


def test_rows_are_held_out_by_group(api: Api, door: Door) -> None:
    random = np.random.default_rng(1)
    rows = [f"c{place % 25},{random.random():.3f},{'ab'[place % 2]}" for place in range(200)]
    dataset = api.dataset("\n".join(["customer,x,kind", *rows]) + "\n", "grouped")
    said = command(dataset, fresh("model"), "GaussianNB", hold_out={"group_column": "customer"}, threshold={})
    del said["features"]

    version = made(door, said)["version"]

    assert [column["name"] for column in version["signature"]["columns"]] == ["x"]
    assert (version["held_out"]["method"], version["held_out"]["group_count"]) == ("by_group", 5)
    missing = door.send({**said, "hold_out": {"group_column": "nobody"}})
    assert (missing.code, missing.places) == ("invalid_command", ("hold_out.group_column",))
