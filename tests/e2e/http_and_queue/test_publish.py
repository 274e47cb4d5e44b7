"""The queue's door as a person uses it: jobs are recorded before their messages leave."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from modelbus import QueueDoor, errors, publish
from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.e2e.commands import train_command
from tests.e2e.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def door(stack: LocalStack) -> Iterator[QueueDoor]:
    """A door that stays open."""
    with QueueDoor(bus_url=stack.bus_url, mongo_url=stack.mongo_url) as door:
        yield door


@pytest.fixture
def terminal(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A shell in the folder of the stack."""
    return Terminal(None, stack.layout.root.parent, monkeypatch, capsys)


def _training(dataset: str, **fields: Any) -> dict[str, Any]:
    return train_command(dataset, estimator="GaussianNB", features=["a", "b"], **fields)


def test_a_published_command_is_recorded_at_once_and_done(door: QueueDoor, api: Api, number_dataset: str) -> None:
    (job,) = door.publish(_training(number_dataset))
    assert api.job(job)["status"] in ("queued", "running", "succeeded")
    assert api.ended_job(job)["status"] == "succeeded"


def test_several_commands_for_several_queues_are_published_together(
    door: QueueDoor, api: Api, number_dataset: str, amount_model: str
) -> None:
    commands = [
        {"command": "Predict", "model": amount_model, "rows": [{"a": 1, "b": 2, "c": 3}]},
        {"command": "EvaluateModel", "model": amount_model, "dataset": number_dataset},
    ]
    ended = [api.ended_job(job) for job in door.publish(commands)]
    assert [(job["command"], job["status"]) for job in ended] == [
        ("Predict", "succeeded"),
        ("EvaluateModel", "succeeded"),
    ]


def test_of_several_commands_none_is_recorded_when_one_is_wrong(door: QueueDoor, api: Api, number_dataset: str) -> None:
    right, wrong = _training(number_dataset, correlation_id=str(uuid4())), _training(number_dataset, sed=3)
    with pytest.raises(errors.InvalidCommand, match="command 1") as caught:
        door.publish([right, wrong])
    assert [detail["where"] for detail in caught.value.details] == ["1.sed"]
    assert api.get(f"/jobs/{right['correlation_id']}").status == 404


def test_a_command_that_is_published_again_is_the_same_job(door: QueueDoor, api: Api, number_dataset: str) -> None:
    command = _training(number_dataset, correlation_id=str(uuid4()))
    assert door.publish(command) == door.publish(command) == [command["correlation_id"]]
    assert api.ended_job(command["correlation_id"])["result"]["version"]["version"] == 1
    with pytest.raises(errors.CorrelationIdReused) as caught:
        door.publish({**command, "seed": 7})
    assert caught.value.correlation_id == command["correlation_id"]


def test_a_job_is_done_even_if_the_broker_was_away(stack: LocalStack, api: Api, number_dataset: str) -> None:
    (job,) = publish(_training(number_dataset), bus_url="redis://127.0.0.1:1/0", mongo_url=stack.mongo_url)
    assert api.ended_job(job)["status"] == "succeeded"


def test_the_end_is_told_to_the_queue_that_was_named(door: QueueDoor, broker: redis.Redis, number_dataset: str) -> None:
    queue = fresh("replies")
    (job,) = door.publish(_training(number_dataset), reply_to=queue)
    told = wait_until(lambda: broker.lpop(queue), "the event is there", 60)
    assert job in str(told)
    assert json.loads(told)["properties"]["correlation_id"] == job  # type: ignore[arg-type]


def test_commands_are_published_from_the_shell(
    terminal: Terminal, api: Api, number_dataset: str, tmp_path: Path
) -> None:
    command = json.dumps(_training(number_dataset))
    (tmp_path / "commands.json").write_text(json.dumps([_training(number_dataset), _training(number_dataset)]))
    jobs = [
        *terminal.json("publish", command)["correlation_ids"],
        *terminal.json("publish", "-", given=command)["correlation_ids"],
        *terminal.ok("publish", "--file", str(tmp_path / "commands.json")).out.split(),
    ]
    assert len(set(jobs)) == 4
    assert {api.ended_job(job)["status"] for job in jobs} == {"succeeded"}


def test_a_command_that_breaks_its_contract_is_refused_in_the_shell(terminal: Terminal) -> None:
    done = terminal.run("publish", '{"command": "TrainModel", "model": "m"}')
    assert (done.code, done.out) == (1, "")
    assert "dataset: is required" in done.err
