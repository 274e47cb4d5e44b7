"""A job is done on the table that it was accepted for, and on no other of its name; or it is ended and says why."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from modelbus.queue_door import QueueDoor
from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.e2e.tables import numbers, scored
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

TRAINING = {"target": "amount", "features": ["a", "b", "c"], "estimator": "Ridge"}
REPLACED = "was replaced after the job was accepted; replay the job to use the new table"


@pytest.fixture(params=["http", "queue"])
def submit(request: pytest.FixtureRequest, api: Api, stack: LocalStack) -> Iterator[Any]:
    """Has a training accepted, by each door in turn, and gives its job's id."""
    with QueueDoor(bus_url=stack.bus_url, mongo_url=stack.mongo_url) as door:

        def submit(**command: Any) -> str:
            command = {"model": fresh("bound"), **TRAINING, **command}
            if request.param == "http":
                answer = api.post("/models", command)
                assert answer.status == 202, answer
                return answer.correlation_id
            return door.publish({"command": "TrainModel", **command})[0]

        yield submit


@pytest.fixture
def busy_trainer(api: Api, endless_training: dict[str, Any]) -> Iterator[str]:
    """A job that keeps the trainer from all others until it is cancelled; its id."""
    correlation_id = api.post("/models", {"model": fresh("busy"), **endless_training}).correlation_id
    api.running_job(correlation_id)
    yield correlation_id
    api.delete(f"/jobs/{correlation_id}")


@pytest.fixture
def frozen(stack: LocalStack) -> Iterator[Any]:
    """Consumers that take nothing until they are released."""
    names = ("trainer", "predictor", "evaluator")
    for name in names:
        stack.kill(name, signal.SIGSTOP)

    def release() -> None:
        for name in names:
            stack.kill(name, signal.SIGCONT)

    yield release
    release()
    for name in names:
        stack.wait_until_ready(name)


def replace(api: Api, database: Database[Document], name: str, table: str) -> None:
    """Give a dataset's name to another table behind the doors' backs, as a deletion that a job slips past does."""
    database["datasets"].delete_one({"_id": name})
    assert api.upload(name, table).status == 201


def test_a_job_that_waits_is_not_done_on_another_table_of_the_name(
    api: Api, database: Database[Document], submit: Any, busy_trainer: str
) -> None:
    name = api.dataset(numbers(120), "bound")
    before = api.get(f"/datasets/{name}").document["sha256"]
    waiting = submit(dataset=name)
    replace(api, database, name, numbers(90, seed=5))
    after = api.get(f"/datasets/{name}").document["sha256"]
    assert before != after

    api.delete(f"/jobs/{busy_trainer}")
    job = api.ended_job(waiting)

    assert (job["status"], job["error"]["code"]) == ("failed", "dataset_changed")
    assert f"dataset {name!r} {REPLACED}" in job["error"]["message"]
    assert job["datasets"] == [{"name": name, "sha256": before}]
    assert api.post(f"/jobs/{waiting}/replay").status == 202
    again = api.ended_job(waiting)
    assert again["status"] == "succeeded", again
    assert again["datasets"] == [{"name": name, "sha256": after}]
    assert again["result"]["version"]["dataset_sha256"] == after


def test_the_table_that_a_job_is_measured_on_is_bound_too(
    api: Api, database: Database[Document], submit: Any, busy_trainer: str, number_dataset: str
) -> None:
    name = api.dataset(numbers(120), "apart")
    waiting, held_out = submit(dataset=number_dataset), submit(dataset=number_dataset, hold_out={"dataset": name})
    replace(api, database, name, numbers(90, seed=5))

    api.delete(f"/jobs/{busy_trainer}")

    assert api.ended_job(waiting)["status"] == "succeeded"
    job = api.ended_job(held_out)
    assert (job["status"], job["error"]["code"]) == ("failed", "dataset_changed")
    assert repr(name) in job["error"]["message"]


def test_the_same_table_under_the_same_name_is_the_same(
    api: Api, database: Database[Document], submit: Any, busy_trainer: str
) -> None:
    name = api.dataset(numbers(120), "bound")
    waiting = submit(dataset=name)
    replace(api, database, name, numbers(120))

    api.delete(f"/jobs/{busy_trainer}")

    assert api.ended_job(waiting)["status"] == "succeeded"


def test_a_dataset_that_jobs_use_is_deleted_by_force_only_which_ends_them(
    api: Api, submit: Any, slow_training: dict[str, Any]
) -> None:
    name = api.dataset(numbers(3000, seed=3), "used")
    endless = {**slow_training, "hyperparameters": {"n_estimators": 10_000, "learning_rate": 0.001}, "dataset": name}
    running = submit(**endless)
    api.running_job(running)
    waiting = submit(dataset=name)

    refused = api.delete(f"/datasets/{name}")

    assert (refused.status, refused.code) == (409, "still_in_use")
    assert f"2 jobs use dataset {name!r}: TrainModel {running} (running), TrainModel {waiting} (queued)" in (
        refused.detail
    )
    assert refused.detail.endswith("?force=true to delete it anyway and cancel the jobs")
    assert [each["given"] for each in refused.document["errors"]] == [running, waiting]
    assert api.job(waiting)["status"] == "queued"

    assert api.delete(f"/datasets/{name}?force=true").status == 204

    for job in (api.ended_job(running), api.ended_job(waiting)):
        assert (job["status"], job["error"]["code"]) == ("cancelled", "cancelled")
        assert f"dataset {name!r} was deleted with force while this job used it" in job["error"]["message"]
    assert api.get(f"/datasets/{name}").code == "unknown_dataset"
    assert api.upload(name, numbers(50)).status == 201, "the name is free again"
    assert api.delete(f"/datasets/{name}").status == 204, "what has ended uses nothing"


def test_a_search_that_would_keep_its_best_ends_with_nothing_when_its_dataset_is_deleted(api: Api) -> None:
    name = api.dataset(numbers(2000, seed=3), "searched")
    space = {"n_estimators": {"distribution": "int_uniform", "low": 100, "high": 900}}
    search = {"method": "random", "space": space, "candidates": 60, "keep_best_on_cancel": True}
    command = {"dataset": name, "target": "amount", "estimator": "GradientBoostingRegressor", "search": search}
    job = api.post("/models", {"model": fresh("searched"), **command})
    assert job.status == 202, job
    wait_until(lambda: _candidates_done(api.job(job.correlation_id)) > 0, "the search has a best", 60)

    assert api.delete(f"/datasets/{name}?force=true").status == 204

    ended = api.ended_job(job.correlation_id, 20)
    assert (ended["status"], ended["result"]) == ("cancelled", None)
    assert repr(name) in ended["error"]["message"]


def test_no_command_is_done_on_another_table_of_the_name(
    api: Api, stack: LocalStack, database: Database[Document], frozen_commands: Any
) -> None:
    names, commands, release = frozen_commands
    with QueueDoor(bus_url=stack.bus_url, mongo_url=stack.mongo_url) as door:
        jobs = dict(zip((command["command"] for command in commands), door.publish(commands), strict=True))
    for name in names:
        sha256 = "0" * 64  # as of another table; to upload one, the evaluator would have to run
        database["datasets"].update_one({"_id": name}, {"$set": {"sha256": sha256}})

    release()

    ended = {command: api.ended_job(job) for command, job in jobs.items()}
    codes = {command: (job["error"] or {}).get("code") for command, job in ended.items()}
    assert codes == dict.fromkeys(jobs, "dataset_changed")


@pytest.fixture
def frozen_commands(api: Api, request: pytest.FixtureRequest) -> Any:
    """Commands that read datasets, one of each kind; the datasets; what lets them be done."""
    features, judged = api.dataset(numbers(200, seed=21), "features"), api.dataset(scored(), "judged")
    model = api.train(features, "amount", "Ridge", features=["a", "b", "c"])["version"]["model"]
    of_dataset = {"dataset": features}
    commands: list[dict[str, Any]] = [
        {"command": "TrainModel", "model": fresh("model"), **TRAINING, **of_dataset},
        {"command": "CheckTraining", "model": fresh("model"), **TRAINING, **of_dataset},
        {"command": "RetrainModel", "model": model},
        {"command": "PredictDataset", "model": model, **of_dataset},
        {"command": "EvaluateModel", "model": model, **of_dataset},
        {"command": "EvaluatePredictions", "dataset": judged, "task": "classification", **_COLUMNS},
        {"command": "ExplainModel", "model": model},
        {"command": "ExplainPrediction", "model": model, "rows": [{"a": 1, "b": 2, "c": 3}]},
        {"command": "MeasureLearningCurve", "model": model},
        {"command": "ReportDrift", "model": model, **of_dataset},
        {"command": "ReadRows", **of_dataset},
        {"command": "ExportDataset", "format": "csv", **of_dataset},
    ]
    return (features, judged), commands, request.getfixturevalue("frozen")


def _candidates_done(job: dict[str, Any]) -> int:
    return int(((job["progress"] or {}).get("tuning") or {"done": 0})["done"])


_COLUMNS = {"truth": "truth", "prediction": "guess"}
