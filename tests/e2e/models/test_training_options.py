"""What can be said of a training, by either door: weights, hold-outs, cross-validation, limits, tags."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from tests.e2e.api import Api, fresh
from tests.e2e.commands import train_command
from tests.e2e.doors import Door
from tests.e2e.tables import numbers, weighted


@pytest.fixture(scope="module")
def weighted_dataset(api: Api) -> str:
    """Numbers with a weight, a day, and an id that tells nothing."""
    return api.dataset(weighted(), "weighted")


def command(dataset: str, **changes: Any) -> dict[str, Any]:
    return train_command(dataset, **{"estimator": "DecisionTreeClassifier", **changes})


def test_all_that_can_be_said_of_a_training_is_kept_and_said_again(api: Api, door: Door, weighted_dataset: str) -> None:
    said = command(
        weighted_dataset,
        exclude=["id", "amount"],
        sample_weight="weight",
        class_weight="balanced",
        hold_out={"fraction": 0.25, "time_column": "day"},
        cross_validation={"folds": 3},
        limits={"time_s": 60, "memory_bytes": 2**31},
        tags={"team": "risk"},
        note="the first",
    )

    outcome = door.send(said)

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    version = outcome.result["version"]
    assert [column["name"] for column in version["signature"]["columns"]] == ["a", "b", "c", "day"]
    assert (version["row_count"], version["hold_out"]["time_column"]) == (150, "day")
    assert len(version["cross_validation"]["metrics"]["accuracy"]["values"]) == 3
    assert (version["tags"], version["note"]) == ({"team": "risk"}, "the first")

    again = api.post(f"/models/{version['model']}/retrain?wait=60", {"seed": 5, "note": "the second"})

    assert again.status == 201, again
    second = again.document["version"]
    kept = ("class_weight", "sample_weight", "exclude", "hold_out", "cross_validation", "limits", "estimator")
    assert {name: second["specification"][name] for name in kept} == {
        name: version["specification"][name] for name in kept
    }
    assert (second["seed"], second["tags"], second["note"]) == (5, {}, "the second")


def test_another_dataset_can_be_measured_on(api: Api, door: Door, number_dataset: str) -> None:
    other = api.dataset(numbers(150, seed=77), "other")

    outcome = door.send(
        command(number_dataset, target="amount", estimator="Ridge", exclude=["kind"], hold_out={"dataset": other})
    )

    assert outcome.result is not None, outcome
    version = outcome.result["version"]
    assert version["row_count"] == 400
    evaluation = api.post("/evaluations?wait=60", {"model": f"{version['model']}@1", "dataset": other})
    assert evaluation.document["metrics"] == version["metrics"]


def test_what_cannot_be_is_refused_alike_by_the_training_and_its_check(door: Door, weighted_dataset: str) -> None:
    trained, checked = (
        door.send(command(weighted_dataset, command=name, sample_weight="id"))
        for name in ("TrainModel", "CheckTraining")
    )

    assert (trained.status, trained.code, trained.places) == ("failed", "invalid_command", ("sample_weight",)), trained
    assert checked == trained


def test_a_check_says_what_a_training_would_take(door: Door, weighted_dataset: str) -> None:
    outcome = door.send(command(weighted_dataset, command="CheckTraining", exclude=["id"], sample_weight="weight"))

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    result = outcome.result
    assert (result["is_valid"], result["task"], result["classes"]) == (True, "classification", ["high", "low", "mid"])
    assert (result["row_count"], result["hold_out_row_count"]) == (160, 40)
    assert result["features"] == ["a", "b", "c", "amount", "day"]
    assert 0 < result["minimum_memory_bytes"] < result["expected_memory_bytes"] < result["memory_limit_bytes"]
    assert outcome.result.keys().isdisjoint({"version", "comparison"})


def test_a_training_keeps_to_its_own_time_limit(api: Api, endless_training: dict[str, Any]) -> None:
    answer = api.post("/models", {**endless_training, "model": fresh("endless"), "limits": {"time_s": 1}})

    job = api.ended_job(answer.correlation_id)

    assert job["error"]["code"] == "timed_out"
    assert job["error"]["message"] == "the job exceeded its time limit of 1 s (limits.time_s)"


def test_a_training_keeps_to_its_own_memory_limit(api: Api, number_dataset: str) -> None:
    said = command(
        number_dataset,
        estimator="RandomForestRegressor",
        target="amount",
        hyperparameters={"n_estimators": 10_000},
        limits={"memory_bytes": 64 * 2**20},
    )
    del said["command"]

    job = api.ended_job(api.post("/models", said).correlation_id)

    assert (job["status"], job["error"]["code"]) == ("failed", "out_of_memory")


def test_a_training_tells_its_steps(api: Api, endless_training: dict[str, Any]) -> None:
    model, key = fresh("endless"), str(uuid4())
    api.post("/models", {**endless_training, "model": model}, headers={"X-Correlation-ID": key})

    job = api.running_job(key, doing="step ")

    assert " of 10000, about " in job["progress"]["message"]
    api.delete(f"/jobs/{key}")


def test_tags_and_note_of_a_version_can_be_changed(api: Api, number_dataset: str) -> None:
    model = api.train(number_dataset, "kind", "GaussianNB", features=["a"], tags={"a": "1", "b": "2"})["version"][
        "model"
    ]
    path = f"/models/{model}/versions/1"
    before = api.get(path)

    answer = api.call("PATCH", path, {"tags": {"b": None, "c": "3"}, "note": "good"})

    assert answer.status == 200, answer
    assert (answer.document["tags"], answer.document["note"]) == ({"a": "1", "c": "3"}, "good")
    assert api.get(path).document == answer.document
    assert api.get(path).headers["ETag"] == answer.headers["ETag"] != before.headers["ETag"]
    changed = {"tags", "note"}
    assert {k: v for k, v in answer.document.items() if k not in changed} == {
        k: v for k, v in before.document.items() if k not in changed
    }
    assert api.call("PATCH", path, {}).document == answer.document


def test_many_different_numbers_to_predict_are_not_taken_for_classes(api: Api) -> None:
    random = np.random.default_rng(0)
    rows = zip(random.integers(0, 100, 15_000).tolist(), random.normal(size=15_000).tolist(), strict=True)
    dataset = api.dataset("town,amount\n" + "".join(f"t{town},{amount!r}\n" for town, amount in rows), "towns")

    trained = api.train(dataset, "amount", "Ridge", limits={"memory_bytes": 2**30})

    assert trained["version"]["row_count"] == 12_000
