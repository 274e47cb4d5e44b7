"""What comes to a worker by the queue: done once, or refused in its record and answered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from modelbus.shared.bus import EventSubscriber, Publisher, poison_queue
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.worker.service_faults import end_with_fault
from modelbus.stack import LocalStack
from tests.integration.conftest import MakeConsumer
from tests.integration.messages import receive, unacknowledged
from tests.integration.samples import train_command, train_job
from tests.integration.worker_bench import Bench, bench_url
from tests.waiting import wait_until


def test_an_array_of_commands_is_done_command_by_command(bench: Bench) -> None:
    ids = [new_correlation_id() for _ in range(5)]
    good = train_command(hyperparameters={"do": "nothing"}).model_dump(mode="json")
    array = [{**good, "correlation_id": correlation_id} for correlation_id in ids]
    array[2] = {"command": "TrainModel", "correlation_id": ids[2]}
    bench.tools.publisher.send("train", array)
    jobs = [bench.wait_for(correlation_id) for correlation_id in ids]
    assert [job["status"] for job in jobs] == ["succeeded", "succeeded", "failed", "succeeded", "succeeded"]


def test_a_command_that_breaks_its_contract_is_recorded_and_answered(
    bench: Bench, consume: MakeConsumer, servers: LocalStack
) -> None:
    answers = f"answers-{uuid4()}"
    correlation_id = new_correlation_id()
    bench.tools.publisher.send(
        "train", {"command": "TrainModel", "seed": 2**63}, correlation_id=correlation_id, reply_to=answers
    )
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["error"]["code"], job["command"]) == ("failed", "invalid_command", "TrainModel")
    # Whether there must be a target is only known with the estimator.
    assert {"model", "dataset", "estimator", "seed"} == {d["where"] for d in job["error"]["details"]}
    [answer] = receive(consume(answers, url=bench_url(servers)))
    assert answer.correlation_id == correlation_id
    assert (answer.documents[0]["status"], answer.documents[0]["error"]["code"]) == ("failed", "invalid_command")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"command": "$$unheard_of"},
        {"command": {"$gt": ""}},
        {"command": "TrainModel", "a\x00b": 1},
        {"command": "TrainModel", "seed": 2**64 - 1, "model": {"$ne": None}},
        {"command": "TrainModel", "hyperparameters": {"a": [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}},
        {"command": "TrainModel", "contract": "$$NOW"},
        {"command": "Train\ud7ff\U0001f4a5" * 200},
    ],
    ids=lambda document: str(document)[:40],
)
def test_no_command_however_odd_stops_the_worker(bench: Bench, document: Document) -> None:
    correlation_id = new_correlation_id()
    bench.tools.publisher.send("train", document, correlation_id=correlation_id)
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_command")
    assert bench.run("nothing")["status"] == "succeeded"


def test_a_command_on_the_wrong_queue_is_refused_and_told_the_right_one(bench: Bench) -> None:
    correlation_id = new_correlation_id()
    command = {"command": "EvaluateModel", "model": "churn", "dataset": "customers"}
    bench.tools.publisher.send("train", command, correlation_id=correlation_id)
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_command")
    assert job["error"]["message"] == "EvaluateModel belongs to queue 'evaluate', not 'train'"


def test_an_id_that_is_no_uuid_is_refused_under_a_fresh_one_that_the_answer_names(
    bench: Bench, consume: MakeConsumer, servers: LocalStack
) -> None:
    answers = f"answers-{uuid4()}"
    command = train_command(hyperparameters={"do": "nothing"}).model_dump(mode="json")
    bench.tools.publisher.send("train", command, correlation_id="job number 7", reply_to=answers)
    [answer] = receive(consume(answers, url=bench_url(servers)))
    job = bench.wait_for(answer.documents[0]["correlation_id"])
    assert (job["status"], job["error"]["details"][0]["given"]) == ("failed", "job number 7")


def test_a_command_that_is_sent_many_times_is_done_once(bench: Bench, tmp_path: Path) -> None:
    record = tmp_path / "runs"
    correlation_id = new_correlation_id()
    command = train_command(hyperparameters={"do": "nothing", "record": str(record)}).model_dump(mode="json")
    for _ in range(10):
        bench.tools.publisher.send("train", command, correlation_id=correlation_id)
    bench.wait_for(correlation_id)
    assert bench.run("nothing")["status"] == "succeeded", "all copies have come"
    assert record.read_text() == f"{correlation_id} 1\n"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"model": "prices"}, "correlation_id_reused"), ({"seed": -1}, "invalid_command")],
    ids=["another command", "one that breaks its contract"],
)
def test_what_is_refused_under_the_id_of_a_job_is_told_to_its_sender_alone(
    bench: Bench, consume: MakeConsumer, servers: LocalStack, changes: dict[str, Any], code: str
) -> None:
    correlation_id = bench.send("nothing")
    before = bench.wait_for(correlation_id)
    heard: list[dict[str, Any]] = []
    subscriber = EventSubscriber(bench_url(servers), "test", heard.extend)
    subscriber.start()
    assert subscriber.wait_subscribed(10)
    answers = f"answers-{uuid4()}"
    other = {**train_command().model_dump(mode="json"), **changes}

    bench.tools.publisher.send("train", other, correlation_id=correlation_id, reply_to=answers)

    [answer] = receive(consume(answers, url=bench_url(servers)))
    assert answer.documents[0]["error"]["code"] == code
    assert bench.job(correlation_id) == before
    later = bench.send("reject")  # its events come behind those of the refusal, if there were any
    wait_until(lambda: {later} <= {event["correlation_id"] for event in heard}, "a later job is told of")
    assert [event for event in heard if event["correlation_id"] == correlation_id] == []
    subscriber.stop()


def test_the_end_of_a_job_is_told_to_everybody_and_to_its_sender(bench: Bench, servers: LocalStack) -> None:
    heard: list[dict[str, Any]] = []
    subscriber = EventSubscriber(bench_url(servers), "test", heard.extend)
    subscriber.start()
    assert subscriber.wait_subscribed(10)
    correlation_id = bench.send("reject")
    bench.wait_for(correlation_id)
    wait_until(lambda: any(event["status"] == "failed" for event in heard), "the end is told", state=lambda: heard)
    assert {event["correlation_id"] for event in heard} == {correlation_id}
    subscriber.stop()


@pytest.mark.parametrize("place", ["property", "command"])
@pytest.mark.parametrize("respelt", [str.upper, "{{{}}}".format, lambda known: known.replace("-", "")])
def test_a_reply_has_the_id_as_its_sender_spelt_it(
    bench: Bench, consume: MakeConsumer, servers: LocalStack, respelt: Callable[[str], str], place: str
) -> None:
    answers, correlation_id = f"answers-{uuid4()}", new_correlation_id()
    given = respelt(correlation_id)
    command = train_command(hyperparameters={"do": "nothing"}).model_dump(mode="json", exclude_none=True)
    if place == "command":
        bench.tools.publisher.send("train", {**command, "correlation_id": given}, reply_to=answers)
    else:
        bench.tools.publisher.send("train", command, correlation_id=given, reply_to=answers)
    [answer] = receive(consume(answers, url=bench_url(servers)))
    event = answer.documents[0]
    assert (answer.correlation_id, event["given_correlation_id"]) == (given, given)
    assert (event["correlation_id"], event["status"]) == (correlation_id, "succeeded")


@pytest.mark.parametrize("given", ["order-17", 17, {"$ne": None}, "", "x" * 500], ids=repr)
def test_a_refusal_of_an_id_that_is_none_can_be_found_by_it(
    bench: Bench, consume: MakeConsumer, servers: LocalStack, given: object
) -> None:
    answers, found_by = f"answers-{uuid4()}", given if isinstance(given, str) else json.dumps(given)
    command = train_command(hyperparameters={"do": "nothing"}).model_dump(mode="json", exclude_none=True)
    bench.tools.publisher.send("train", {**command, "correlation_id": given}, reply_to=answers)
    [answer] = receive(consume(answers, url=bench_url(servers)))
    event = answer.documents[0]
    assert (event["given_correlation_id"], event["error"]["code"]) == (found_by, "invalid_command")
    assert answer.correlation_id == (found_by or event["correlation_id"])
    assert bench.wait_for(event["correlation_id"])["status"] == "failed"


def test_the_commands_of_an_array_without_ids_are_answered_under_the_messages(
    bench: Bench, consume: MakeConsumer, servers: LocalStack
) -> None:
    answers, own = f"answers-{uuid4()}", new_correlation_id()
    command = train_command(hyperparameters={"do": "nothing"}).model_dump(mode="json", exclude_none=True)
    array = [command, {"command": "TrainModel"}, {**command, "correlation_id": own}]
    bench.tools.publisher.send("train", array, correlation_id="batch-3", reply_to=answers)
    received = receive(consume(answers, url=bench_url(servers)), 3)
    ends = sorted((answer.correlation_id or "", answer.documents[0]["status"]) for answer in received)
    assert ends == sorted([("batch-3", "succeeded"), ("batch-3", "failed"), (own, "succeeded")])


def test_a_refused_command_is_recorded_however_deep_it_is(bench: Bench) -> None:
    deep: Document = {"command": "TrainModel"}
    for _ in range(60):
        deep = {"command": "TrainModel", "inner": deep}
    correlation_id = new_correlation_id()
    bench.tools.publisher.send("train", deep, correlation_id=correlation_id)
    assert bench.wait_for(correlation_id)["error"]["code"] == "invalid_command"


@pytest.mark.parametrize("count", [1, 3])
def test_a_fault_of_the_service_ends_the_jobs_that_its_message_only_names(
    ledger: JobLedger, publisher: Publisher, consume: MakeConsumer, broker: redis.Redis, count: int
) -> None:
    jobs = [train_job() for _ in range(count)]
    for job in jobs:
        ledger.accept(job)
    publisher.send("train", [{"job": job.correlation_id} for job in jobs])
    consumer, told = consume("train"), []
    [delivery] = receive(consumer)
    end_with_fault(delivery, KeyError("x"), ledger, consumer, lambda ended, known: told.append((ended, known)))
    ended = [ledger.find(job.correlation_id) or {} for job in jobs]
    assert [(job["status"], job["error"]["code"]) for job in ended] == [("failed", "internal")] * count
    [(finished, known)] = told
    assert [one.job.correlation_id for one in finished] == list(known) == [job.correlation_id for job in jobs]
    assert (unacknowledged(broker), broker.llen(poison_queue("train"))) == (0, 0), "the message is done with"
