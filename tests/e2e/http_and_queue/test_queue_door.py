"""The queue's door, by nothing but a Redis client: minimal envelopes, replies, events, arrays, garbage."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
import redis

from modelbus.shared.bus import QUEUES, Publisher, poison_queue
from modelbus.shared.contracts.commands.prediction import rows_of_spec
from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.e2e.heard_events import HeardEvents
from tests.e2e.tables import PARCEL, parcels
from tests.waiting import wait_until

Broker = redis.Redis
SERVICES = ("gateway", "trainer", "predictor", "evaluator")


def _push(broker: Broker, queue: str, body: Any, **properties: Any) -> None:
    """Put the least on a queue that is a message: a body as JSON text, and properties if there are any."""
    envelope: dict[str, Any] = {"body": json.dumps(body)}
    if properties:
        envelope["properties"] = properties
    broker.lpush(queue, json.dumps(envelope))


def _body(raw: bytes | str) -> Any:
    """The JSON inside a message as kombu writes it."""
    envelope = json.loads(raw)
    is_encoded = envelope["properties"].get("body_encoding") == "base64"
    return json.loads(base64.b64decode(envelope["body"]) if is_encoded else envelope["body"])


def _ended(api: Api, correlation_id: str) -> dict[str, Any]:
    wait_until(lambda: api.get(f"/jobs/{correlation_id}").status == 200, "the command is recorded", 60)
    return api.ended_job(correlation_id)


def test_the_whole_pipeline_runs_by_plain_pushes(api: Api, broker: Broker) -> None:
    dataset, model, evaluation = fresh("pushed"), fresh("pushed"), fresh("pushed")
    steps: list[tuple[str, Mapping[str, Any]]] = [
        (
            "profile",
            {"command": "ProfileDataset", "dataset": dataset, "source": {"kind": "inline", "text": parcels(150)}},
        ),
        (
            "train",
            {
                "command": "TrainModel",
                "model": model,
                "dataset": dataset,
                "target": "tariff",
                "features": ["weight", "city", "sent_on", "express"],
                "estimator": "RandomForestClassifier",
                "hyperparameters": {"n_estimators": 10},
            },
        ),
        ("predict", {"command": "Predict", "model": model, "rows": [PARCEL, {**PARCEL, "weight": 29}]}),
        ("predict.bulk", {"command": "PredictDataset", "model": model, "dataset": dataset}),
        ("evaluate", {"command": "EvaluateModel", "model": model, "dataset": dataset, "evaluation": evaluation}),
    ]
    results = []
    for queue, command in steps:
        correlation_id = str(uuid4())
        _push(broker, queue, {**command, "correlation_id": correlation_id})
        job = _ended(api, correlation_id)
        assert job["status"] == "succeeded", job
        results.append(job["result"])

    assert results[0]["dataset"]["row_count"] == 150
    assert results[2]["predictions"] == ["light", "heavy"]
    assert results[3]["row_count"] == 150
    assert api.get(f"/evaluations/{evaluation}").document["metrics"]["accuracy"] > 0.8


def test_the_correlation_id_may_be_the_messages_property(api: Api, broker: Broker, amount_model: str) -> None:
    correlation_id = str(uuid4())
    command = {"command": "Predict", "model": amount_model, "rows": [{"a": 1, "b": 2, "c": 3}]}

    _push(broker, "predict", command, correlation_id=correlation_id.upper())

    assert _ended(api, correlation_id)["status"] == "succeeded"


def test_a_command_without_an_id_gets_one(api: Api, broker: Broker, amount_model: str, events: HeardEvents) -> None:
    value = 0.123456
    _push(broker, "predict", {"command": "Predict", "model": amount_model, "rows": [{"a": value, "b": 2, "c": 3}]})

    def jobs() -> list[dict[str, Any]]:
        listed = api.get("/jobs?command=Predict&limit=5").document["jobs"]
        found = [api.job(job["correlation_id"]) for job in listed]
        return [job for job in found if rows_of_spec(job["spec"])[0].get("a") == value]

    assert [job["status"] for job in wait_until(jobs, "the prediction is recorded")] == ["succeeded"]


@pytest.mark.parametrize("kind", ["succeeds", "fails"])
@pytest.mark.parametrize("queue", ["predict", "evaluate", "train"])
def test_the_final_event_comes_to_the_queue_that_was_named(
    broker: Broker, api: Api, amount_model: str, number_dataset: str, queue: str, kind: str
) -> None:
    model = amount_model if kind == "succeeds" else "nowhere"
    commands: dict[str, dict[str, Any]] = {
        "predict": {"command": "Predict", "model": model, "rows": [{"a": 1, "b": 2, "c": 3}]},
        "evaluate": {"command": "EvaluateModel", "model": model, "dataset": number_dataset},
        "train": {"command": "RetrainModel", "model": model, "promote": "never"},
    }
    correlation_id, replies = str(uuid4()), fresh("replies")

    _push(broker, queue, commands[queue], correlation_id=correlation_id, reply_to=replies)

    popped = broker.brpop([replies], timeout=60)
    assert popped, "no reply came"
    event = _body(popped[1])
    assert (event["event"], event["correlation_id"]) == ("JobChanged", correlation_id)
    assert event["status"] == ("succeeded" if kind == "succeeds" else "failed")
    assert (event.get("error") or {}).get("code") == (None if kind == "succeeds" else "unknown_model")
    assert broker.llen(replies) == 0
    # what the job found out is told to its sender
    assert event.get("result") == api.job(correlation_id)["result"]


def test_a_result_that_is_kept_apart_is_not_sent_but_read(broker: Broker, api: Api) -> None:
    replies, text = fresh("replies"), "x" * 2000
    dataset = api.dataset("text\n" + f"{text}\n" * 1000, "wide")

    _push(broker, "read", {"command": "ReadRows", "dataset": dataset, "limit": 1000}, reply_to=replies)

    popped = broker.brpop([replies], timeout=60)
    assert popped, "no reply came"
    event = _body(popped[1])
    assert (event["status"], "result" in event) == ("succeeded", False)
    assert api.job(event["correlation_id"])["result"]["rows"] == [{"text": text}] * 1000


def test_a_command_that_breaks_its_contract_is_answered_too(broker: Broker) -> None:
    replies = fresh("replies")

    _push(broker, "train", {"command": "TrainModel"}, reply_to=replies)

    popped = broker.brpop([replies], timeout=60)
    assert popped, "no reply came"
    assert _body(popped[1])["error"]["code"] == "invalid_command"


def test_everyone_who_listens_hears_how_a_job_ends(
    api: Api, broker: Broker, amount_model: str, number_dataset: str, events: HeardEvents
) -> None:
    correlation_id = str(uuid4())

    _push(
        broker,
        "evaluate",
        {"command": "EvaluateModel", "model": amount_model, "dataset": number_dataset},
        correlation_id=correlation_id,
    )

    wait_until(lambda: [e for e in events.of(correlation_id) if e["status"] == "succeeded"], "the event is heard", 60)
    last = events.of(correlation_id)[-1]
    assert (last["command"], last["service"]) == ("EvaluateModel", "evaluator")
    assert api.job(correlation_id)["status"] == "succeeded"


@pytest.mark.parametrize("queue", ["predict", "evaluate"])
def test_an_array_of_commands_is_that_many_jobs(
    api: Api, broker: Broker, amount_model: str, number_dataset: str, queue: str
) -> None:
    ids = [str(uuid4()) for _ in range(5)]
    commands: dict[str, dict[str, Any]] = {
        "predict": {"command": "Predict", "rows": [{"a": 1, "b": 2, "c": 3}]},
        "evaluate": {"command": "EvaluateModel", "dataset": number_dataset},
    }
    models = [amount_model, amount_model, "nowhere", amount_model, amount_model]

    _push(
        broker,
        queue,
        [{**commands[queue], "model": model, "correlation_id": one} for model, one in zip(models, ids, strict=True)],
    )

    jobs = [_ended(api, one) for one in ids]
    assert [job["status"] for job in jobs] == ["succeeded", "succeeded", "failed", "succeeded", "succeeded"]
    assert jobs[2]["error"]["code"] == "unknown_model"


def test_one_bad_element_of_an_array_spares_the_others(api: Api, broker: Broker, amount_model: str) -> None:
    good, bad = str(uuid4()), str(uuid4())
    rows = [{"a": 1, "b": 2, "c": 3}]

    _push(
        broker,
        "predict",
        [
            {"command": "Predict", "model": amount_model, "rows": rows, "colour": "red", "correlation_id": bad},
            {"command": "Predict", "model": amount_model, "rows": rows, "correlation_id": good},
        ],
    )

    assert _ended(api, good)["status"] == "succeeded"
    assert _ended(api, bad)["error"]["code"] == "invalid_command"


def test_a_command_on_a_queue_of_another_is_refused(api: Api, broker: Broker, amount_model: str) -> None:
    correlation_id = str(uuid4())

    _push(
        broker,
        "train",
        {"command": "Predict", "model": amount_model, "rows": [{"a": 1}], "correlation_id": correlation_id},
    )

    job = _ended(api, correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_command")
    assert "'predict'" in job["error"]["message"]


def test_an_id_that_is_reused_for_something_else_leaves_the_job_as_it_was(
    api: Api, broker: Broker, amount_model: str, events: HeardEvents
) -> None:
    first = api.post(f"/models/{amount_model}/predict", {"rows": [{"a": 1, "b": 2, "c": 3}]})
    before = api.job(first.correlation_id)
    other, later = {"command": "RetrainModel", "model": amount_model}, str(uuid4())

    _push(broker, "train", {**other, "correlation_id": first.correlation_id})
    _push(broker, "train", {**other, "colour": "red", "correlation_id": later})

    wait_until(lambda: events.of(later), "the refusal of the later one is told")
    assert [event["status"] for event in events.of(first.correlation_id)] in ([], ["succeeded"])
    assert api.job(first.correlation_id) == before


GARBAGE: dict[str, bytes] = {
    "no JSON": b"hello there",
    "nothing": b"",
    "no UTF-8": b"\xff\xfe\x00\x01",
    "a number": b"7",
    "an array": b"[1, 2]",
    "no body": b"{}",
    "a body that is no text": b'{"body": 7}',
    "a body that is no JSON": b'{"body": "hello"}',
    "a body that is a number": b'{"body": "7"}',
    "an array of numbers": b'{"body": "[1, 2]"}',
    "broken base64": b'{"body": "?", "properties": {"body_encoding": "base64"}}',
    "unknown encoding": b'{"body": "{}", "properties": {"body_encoding": "rot13"}}',
    "properties that are no object": b'{"body": "{}", "properties": 7}',
    "a pickle": b'{"body": "gASVCg==", "content-type": "application/x-python-serialize"}',
    "a compressed body": b'{"body": "eJw=", "headers": {"compression": "application/x-gzip"}}',
    "too large": b'{"body": "' + b"x" * 5_000_000 + b'"}',
    "too deep": b'{"body": ' + b"[" * 5000 + b"]" * 5000 + b"}",
}


def _poison_counts(api: Api) -> dict[str, int]:
    counted = api.get("/services").document["dead_letters"]
    return {one["queue"]: one["count"] for one in counted if one["kind"] == "message"}


def test_garbage_ends_no_service_and_is_kept_aside(
    api: Api, stack: LocalStack, broker: Broker, publisher: Publisher, amount_model: str, number_dataset: str
) -> None:
    pids = {name: stack.service(name).pid for name in SERVICES}
    before = _poison_counts(api)

    for queue in QUEUES:
        broker.lpush(queue, *GARBAGE.values())

    def kept_of(queue: str) -> int:
        return _poison_counts(api).get(queue, 0) - before.get(queue, 0)

    wait_until(
        lambda: all(kept_of(queue) == len(GARBAGE) for queue in QUEUES),
        "the garbage of every queue is kept aside",
        60,
        lambda: {queue: kept_of(queue) for queue in QUEUES},
    )
    assert not any(publisher.queue_depth(poison_queue(queue)) for queue in QUEUES)
    listed = api.get(f"/dead-letters?kind=message&queue=train&limit={len(GARBAGE)}").document["dead_letters"]
    kept = [api.get(f"/dead-letters/{letter['id']}").document for letter in listed]
    assert {record["queue"] for record in kept} == {"train"}
    assert all(record["reason"] for record in kept)
    assert "hello there" in {record["text"] for record in kept}
    assert {name: stack.service(name).pid for name in SERVICES} == pids
    assert api.post(f"/models/{amount_model}/retrain?wait=60", {"promote": "never"}).status == 201
    assert api.post("/evaluations?wait=60", {"model": amount_model, "dataset": number_dataset}).status == 201
    assert api.post(f"/models/{amount_model}/predict?wait=60", {"dataset": number_dataset}).status == 200


HOSTILE: dict[str, Any] = {
    "no command": {},
    "an unknown command": {"command": "DropTables"},
    "a command that is no text": {"command": ["TrainModel"]},
    "huge integers": {"command": "Predict", "model": "m", "rows": [{"a": 2**64 - 1}]},
    "an id that is no id": {"command": "Predict", "correlation_id": "../../etc"},
    "an id that is an object": {"command": "Predict", "correlation_id": {"$ne": None}},
    "operators": {"$where": "sleep(1000)", "command": "$status"},
    "a NUL in a name": {"command": "Predict", "model": "m", "rows": [{"a\x00b": 1}]},
    "a future contract": {"contract": 99, "command": "Predict"},
    "a file as a source": {
        "command": "ProfileDataset",
        "dataset": "d",
        "source": {"kind": "file", "path": "/etc/passwd"},
    },
}


@pytest.mark.parametrize("queue", QUEUES)
def test_hostile_commands_are_refused_and_end_no_service(stack: LocalStack, broker: Broker, queue: str) -> None:
    pids = {name: stack.service(name).pid for name in SERVICES}
    replies = fresh("replies")

    for body in HOSTILE.values():
        _push(broker, queue, body, reply_to=replies)

    for _ in HOSTILE:
        popped = broker.brpop([replies], timeout=60)
        assert popped, "no reply came"
        event = _body(popped[1])
        assert (event["status"], event["error"]["code"]) == ("failed", "invalid_command")
    assert {name: stack.service(name).pid for name in SERVICES} == pids
