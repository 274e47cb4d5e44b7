"""The predictor's interactive lane: many requests together, and none that spoils its neighbours'."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
import pytest
import redis
from prometheus_client import REGISTRY

from modelbus.predictor.__main__ import make_lanes
from modelbus.shared.bus import EventSubscriber
from modelbus.shared.bus.queues import INTERACTIVE_HEADER
from modelbus.shared.contracts import Predict, new_correlation_id
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.worker.service import Lane, Tools
from modelbus.stack import LocalStack
from tests.integration.conftest import MakeConsumer
from tests.integration.messages import receive
from tests.integration.stored_models import make_model
from tests.integration.worker_bench import opened, quick_settings
from tests.unit.tables import features, rows_of
from tests.waiting import wait_until

RESULT_LIMIT_BYTES = 2048
ROWS_LIMIT = 50
ROW = rows_of(features())[0]
BAD_ROW = {**ROW, "amount": "a lot"}


@dataclass
class Bench:
    """The lane at work, and what a test wants to know of it."""

    tools: Tools
    lane: Lane

    def send(self, *commands: Document, is_interactive: bool = False, **properties: Any) -> list[str]:
        """Publish commands as one message, an array; returns their jobs' ids."""
        ids = [command.setdefault("correlation_id", new_correlation_id()) for command in commands]
        headers = {INTERACTIVE_HEADER: True} if is_interactive else {}
        self.tools.publisher.send("predict", list(commands), headers=headers, **properties)
        return ids

    def job(self, correlation_id: str) -> Document:
        return self.tools.ledger.find(correlation_id) or {}

    def wait_for(self, correlation_id: str) -> Document:
        return wait_until(
            lambda: job if (job := self.job(correlation_id)).get("finished_at") else None,
            "the prediction is recorded",
            state=lambda: self.job(correlation_id),
        )

    def answer(self, command: Document) -> Document:
        return self.wait_for(self.send(command)[0])


def predict(*rows: Document, model: str = "churn", **fields: Any) -> Document:
    return {"command": "Predict", "model": model, "rows": list(rows or [ROW]), **fields}


def settings_of(servers: LocalStack, database_number: int) -> Settings:
    """Settings with a Redis database of the lane's own, so that it takes no other's messages."""
    return quick_settings(
        servers,
        bus_url=servers.bus_url.removesuffix("/0") + f"/{database_number}",
        result_inline_bytes=RESULT_LIMIT_BYTES,
        predict_rows_limit=ROWS_LIMIT,
    )


@contextmanager
def predicting(tools: Tools) -> Iterator[Bench]:
    lane = make_lanes(tools)[0]
    thread = threading.Thread(target=lane.run, name="lane-of-test", daemon=True)
    thread.start()
    try:
        yield Bench(tools, lane)
    finally:
        lane.stop()
        thread.join(10)
        assert not thread.is_alive(), "the lane has stopped"


@pytest.fixture(scope="module")
def expected() -> dict[str, list[Any]]:
    """What the models predict for the rows of the table, once they are there."""
    return {}


@pytest.fixture(scope="module")
def bench(servers: LocalStack, raw_redis: redis.Redis, expected: dict[str, list[Any]]) -> Iterator[Bench]:
    """One lane for all tests: each ends only if the lane outlives what it does."""
    raw_redis.flushall()
    with opened(settings_of(servers, 2)) as (tools, _):
        expected["churn"] = make_model(tools.database, "churn")
        expected["other"] = make_model(tools.database, "other", "DecisionTreeClassifier")
        with predicting(tools) as bench:
            yield bench


@contextmanager
def counted_groups() -> Iterator[Callable[[], tuple[float, float]]]:
    """How many groups were computed inside the block, and how many requests were in them."""

    def now() -> tuple[float, float]:
        names = ("modelbus_predict_batch_requests_count", "modelbus_predict_batch_requests_sum")
        groups, requests = (REGISTRY.get_sample_value(name) or 0 for name in names)
        return groups, requests

    before = now()
    yield lambda: (now()[0] - before[0], now()[1] - before[1])


def test_a_row_is_answered_and_recorded_as_a_job(bench: Bench, expected: dict[str, list[Any]]) -> None:
    job = bench.answer(predict())
    assert (job["status"], job["attempt"], job["error"], job["door"]) == ("succeeded", 1, None, "queue")
    assert job["result"]["predictions"] == expected["churn"][:1]
    assert (job["result"]["model"], job["result"]["version"]) == ("churn", 1)
    assert job["expires_at"] > job["finished_at"]


def test_probabilities_are_answered_where_they_are_asked_for(bench: Bench) -> None:
    result = bench.answer(predict(has_probabilities=True))["result"]
    assert sorted(result["classes"]) == ["no", "yes"]
    assert sum(result["probabilities"][0]) == pytest.approx(1)
    assert "probabilities" not in bench.answer(predict())["result"]


def test_many_requests_of_one_model_are_computed_as_one_group(bench: Bench, expected: dict[str, list[Any]]) -> None:
    rows = rows_of(features())[:40]
    with counted_groups() as counted:
        ids = bench.send(*(predict(row) for row in rows))
        jobs = [bench.wait_for(correlation_id) for correlation_id in ids]
    assert counted() == (1, 40)
    assert [job["result"]["predictions"][0] for job in jobs] == expected["churn"][:40]


def test_each_model_and_each_wish_for_probabilities_is_a_group_of_its_own(
    bench: Bench, expected: dict[str, list[Any]]
) -> None:
    with counted_groups() as counted:
        ids = bench.send(
            predict(), predict(model="other"), predict(has_probabilities=True), predict(), predict(model="churn@1")
        )
        jobs = [bench.wait_for(correlation_id) for correlation_id in ids]
    assert counted() == (4, 5)
    names = [job["result"]["model"] for job in jobs]
    assert names == ["churn", "other", "churn", "churn", "churn"]
    assert [job["result"]["predictions"][0] for job in jobs] == [expected[name][0] for name in names]


def test_requests_of_several_rows_get_their_own_rows_back(bench: Bench, expected: dict[str, list[Any]]) -> None:
    rows = rows_of(features())[:9]
    ids = bench.send(predict(*rows[:2]), predict(*rows[2:3]), predict(*rows[3:]))
    answers = [bench.wait_for(correlation_id)["result"]["predictions"] for correlation_id in ids]
    assert answers == [expected["churn"][:2], expected["churn"][2:3], expected["churn"][3:9]]


def test_a_bad_row_fails_its_own_request_alone(bench: Bench, expected: dict[str, list[Any]]) -> None:
    good_before, bad, good_after = bench.send(predict(), predict(ROW, BAD_ROW), predict())
    job = bench.wait_for(bad)
    assert (job["status"], job["error"]["code"]) == ("failed", "signature_mismatch")
    assert [detail["where"] for detail in job["error"]["details"]] == ["rows.1.amount"]
    for correlation_id in (good_before, good_after):
        assert bench.wait_for(correlation_id)["result"]["predictions"] == expected["churn"][:1]


def test_a_command_that_breaks_its_contract_fails_alone(bench: Bench) -> None:
    bad, good = bench.send(predict(rows=[]), predict())
    assert bench.wait_for(bad)["error"]["code"] == "invalid_command"
    assert bench.wait_for(good)["status"] == "succeeded"


@pytest.mark.parametrize("model", ["nobody", "churn@99", "churn@staging"])
def test_a_model_that_is_not_there_is_named(bench: Bench, model: str) -> None:
    job = bench.answer(predict(model=model))
    assert (job["status"], job["error"]["code"]) == ("failed", "unknown_model")
    assert model.partition("@")[0] in job["error"]["message"]


def test_a_command_on_the_wrong_queue_is_refused(bench: Bench) -> None:
    job = bench.answer({"command": "PredictDataset", "model": "churn", "dataset": "customers"})
    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_command")
    assert "'predict.bulk'" in job["error"]["message"]


def test_more_rows_than_the_limit_are_refused(bench: Bench) -> None:
    job = bench.answer(predict(*[ROW] * (ROWS_LIMIT + 1)))
    assert (job["status"], job["error"]["code"]) == ("failed", "limit_exceeded")


def test_a_damaged_artifact_is_refused_and_the_lane_goes_on(bench: Bench) -> None:
    make_model(bench.tools.database, "damaged")
    bench.tools.database["versions"].update_one({"model": "damaged"}, {"$set": {"artifact_sha256": "0" * 64}})
    damaged, good = bench.send(predict(model="damaged"), predict())
    assert bench.wait_for(damaged)["error"]["code"] == "artifact_refused"
    assert bench.wait_for(good)["status"] == "succeeded"


def test_a_fault_of_the_predictors_own_ends_the_job_with_its_words_and_the_lane_goes_on(bench: Bench) -> None:
    make_model(bench.tools.database, "incomplete")
    bench.tools.database["versions"].update_one({"model": "incomplete"}, {"$unset": {"libraries": ""}})
    [faulty] = bench.send(predict(model="incomplete"))
    error = bench.wait_for(faulty)["error"]
    assert error["code"] == "internal"
    assert "KeyError: 'libraries'" in error["message"]
    assert bench.answer(predict())["status"] == "succeeded"


def test_what_a_waiting_caller_asked_is_recorded_as_come_by_http(bench: Bench) -> None:
    [correlation_id] = bench.send(predict(), is_interactive=True)
    assert bench.wait_for(correlation_id)["door"] == "http"


def test_a_job_that_was_accepted_meanwhile_is_finished(bench: Bench) -> None:
    command = predict(correlation_id=new_correlation_id())
    job = new_job(Predict.model_validate(command), command["correlation_id"], door="http")
    bench.tools.ledger.accept(job)
    ended = bench.answer(command)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
    assert [entry["what"] for entry in ended["history"]] == ["accepted", "succeeded"]


def test_a_job_that_was_cancelled_meanwhile_stays_cancelled(bench: Bench) -> None:
    command = predict(correlation_id=new_correlation_id())
    job = new_job(Predict.model_validate(command), command["correlation_id"], door="http")
    bench.tools.ledger.accept(job)
    bench.tools.ledger.request_cancel(job.correlation_id)
    before = bench.job(job.correlation_id)
    bench.send(command)
    bench.answer(predict())
    assert bench.job(job.correlation_id) == before


def test_the_same_request_again_is_the_same_job(bench: Bench) -> None:
    command = predict(correlation_id=new_correlation_id())
    first = bench.answer(command)
    bench.send(dict(command))
    bench.answer(predict())
    assert bench.job(first["_id"]) == first


def test_two_copies_in_one_message_are_one_job(bench: Bench) -> None:
    command = predict(correlation_id=new_correlation_id())
    job = bench.wait_for(bench.send(command, dict(command))[0])
    assert (job["status"], job["attempt"]) == ("succeeded", 1)


def test_a_large_result_is_stored_apart(bench: Bench, expected: dict[str, list[Any]]) -> None:
    rows = (rows_of(features()) * 2)[:ROWS_LIMIT]
    job = bench.answer(predict(*rows, has_probabilities=True))
    assert job["result"].keys() == {"stored_result", "size_bytes"}
    stored = orjson.loads(bench.tools.blobs.read(job["result"]["stored_result"]))
    assert stored["predictions"] == expected["churn"][:ROWS_LIMIT]
    assert bench.tools.blobs.remove_orphans(-1) == 0, "it belongs to its job"


def test_the_answer_is_told_to_everybody_and_to_its_sender(bench: Bench, consume: MakeConsumer) -> None:
    url = bench.tools.settings.bus_url.get_secret_value()
    heard: list[dict[str, Any]] = []
    subscriber = EventSubscriber(url, "test", heard.extend)
    subscriber.start()
    assert subscriber.wait_subscribed(10)
    answers = f"answers-{uuid4()}"
    ids = bench.send(predict(), predict(BAD_ROW), reply_to=answers)
    told = receive(consume(answers, url=url), 2)
    assert {delivery.correlation_id for delivery in told} == set(ids)
    results = {delivery.correlation_id: delivery.documents[0].get("result") for delivery in told}
    assert results == {ids[0]: bench.job(ids[0])["result"], ids[1]: None}
    wait_until(lambda: {event["correlation_id"] for event in heard} == set(ids), "both are told", state=lambda: heard)
    assert {event["correlation_id"]: event["status"] for event in heard} == dict(
        zip(ids, ["succeeded", "failed"], strict=True)
    )
    subscriber.stop()


def test_another_request_under_the_id_of_a_prediction_is_refused_to_its_sender_alone(
    bench: Bench, consume: MakeConsumer
) -> None:
    url = bench.tools.settings.bus_url.get_secret_value()
    first = bench.answer(predict())
    heard: list[dict[str, Any]] = []
    subscriber = EventSubscriber(url, "test", heard.extend)
    subscriber.start()
    assert subscriber.wait_subscribed(10)
    answers = f"answers-{uuid4()}"

    bench.send(predict(BAD_ROW, correlation_id=first["_id"]), reply_to=answers)

    [told] = receive(consume(answers, url=url))
    assert (told.documents[0]["status"], told.documents[0]["error"]["code"]) == ("failed", "correlation_id_reused")
    later = bench.answer(predict())["_id"]
    wait_until(
        lambda: later in {event["correlation_id"] for event in heard}, "the later one is told", state=lambda: heard
    )
    assert {event["status"] for event in heard if event["correlation_id"] == first["_id"]} == {"succeeded"}
    assert bench.job(first["_id"]) == first
    subscriber.stop()


def test_everything_is_acknowledged_when_it_is_answered(bench: Bench, raw_redis: redis.Redis) -> None:
    bench.answer(predict())
    url = bench.tools.settings.bus_url.get_secret_value()
    with redis.Redis.from_url(url) as client:
        wait_until(lambda: client.hlen(f"unacked.{bench.tools.service}") == 0, "nothing is left unacknowledged")
        assert client.llen("predict") == 0


def test_a_message_that_comes_again_is_answered_by_a_claimed_job(
    servers: LocalStack, broker: redis.Redis, consume: MakeConsumer
) -> None:
    settings = settings_of(servers, 3)
    with opened(settings) as (tools, _):
        make_model(tools.database, "churn")
        fresh, known, bad = (
            predict(correlation_id=new_correlation_id()),
            predict(correlation_id=new_correlation_id()),
            predict(BAD_ROW, correlation_id=new_correlation_id()),
        )
        tools.ledger.accept(new_job(Predict.model_validate(known), known["correlation_id"], door="http"))
        tools.publisher.send("predict", [fresh, known, bad, {"command": "Predict"}])
        # Another predictor took it and went away without an answer.
        other = consume("predict", url=settings.bus_url.get_secret_value())
        receive(other)
        other.close()
        with predicting(tools) as bench:
            jobs = [bench.wait_for(command["correlation_id"]) for command in (fresh, known, bad)]
    assert [job["status"] for job in jobs] == ["succeeded", "succeeded", "failed"]
    assert all("claimed" in [entry["what"] for entry in job["history"]] for job in jobs)
