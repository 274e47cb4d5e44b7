"""The predictor's interactive lane: many requests together, and none that spoils its neighbours'."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson
import pytest
import redis
from prometheus_client import REGISTRY
from structlog.typing import EventDict

from modelbus.shared.bus import EventSubscriber, send_recorded
from modelbus.shared.bus.queues import SENT_AT_HEADER
from modelbus.shared.contracts import Predict, new_correlation_id
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.stack import LocalStack
from tests.integration.conftest import MakeConsumer
from tests.integration.lane_bench import ROW, ROWS_LIMIT, LaneBench, lane_settings, predict, predicting
from tests.integration.messages import receive
from tests.integration.stored_models import make_model
from tests.integration.worker_bench import opened
from tests.unit.tables import features, rows_of
from tests.waiting import wait_until

BAD_ROW = {**ROW, "amount": "a lot"}


@pytest.fixture(scope="module")
def expected() -> dict[str, list[Any]]:
    """What the models predict for the rows of the table, once they are there."""
    return {}


@pytest.fixture(scope="module")
def bench(
    servers: LocalStack, raw_redis: redis.Redis, fork_server: None, expected: dict[str, list[Any]]
) -> Iterator[LaneBench]:
    """One lane for all tests: each ends only if the lane outlives what it does."""
    raw_redis.flushall()
    with opened(lane_settings(servers, 2)) as (tools, _):
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


def test_a_row_is_answered_and_recorded_as_a_job(bench: LaneBench, expected: dict[str, list[Any]]) -> None:
    job = bench.answer(predict())
    assert (job["status"], job["attempt"], job["error"], job["door"]) == ("succeeded", 1, None, "queue")
    assert job["result"]["predictions"] == expected["churn"][:1]
    assert (job["result"]["model"], job["result"]["version"]) == ("churn", 1)
    assert job["expires_at"] > job["finished_at"]


def test_probabilities_are_answered_where_they_are_asked_for(bench: LaneBench) -> None:
    result = bench.answer(predict(has_probabilities=True))["result"]
    assert sorted(result["classes"]) == ["no", "yes"]
    assert sum(result["probabilities"][0]) == pytest.approx(1)
    assert "probabilities" not in bench.answer(predict())["result"]


def test_many_requests_of_one_model_are_computed_as_one_group(bench: LaneBench, expected: dict[str, list[Any]]) -> None:
    rows = rows_of(features())[:40]
    with counted_groups() as counted:
        ids = bench.send(*(predict(row) for row in rows))
        jobs = [bench.wait_for(correlation_id) for correlation_id in ids]
    assert counted() == (1, 40)
    assert [job["result"]["predictions"][0] for job in jobs] == expected["churn"][:40]


def test_each_model_and_each_wish_for_probabilities_is_a_group_of_its_own(
    bench: LaneBench, expected: dict[str, list[Any]]
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


def test_requests_of_several_rows_get_their_own_rows_back(bench: LaneBench, expected: dict[str, list[Any]]) -> None:
    rows = rows_of(features())[:9]
    ids = bench.send(predict(*rows[:2]), predict(*rows[2:3]), predict(*rows[3:]))
    answers = [bench.wait_for(correlation_id)["result"]["predictions"] for correlation_id in ids]
    assert answers == [expected["churn"][:2], expected["churn"][2:3], expected["churn"][3:9]]


def test_a_bad_row_fails_its_own_request_alone(bench: LaneBench, expected: dict[str, list[Any]]) -> None:
    good_before, bad, good_after = bench.send(predict(), predict(ROW, BAD_ROW), predict())
    job = bench.wait_for(bad)
    assert (job["status"], job["error"]["code"]) == ("failed", "signature_mismatch")
    assert [detail["where"] for detail in job["error"]["details"]] == ["rows.1.amount"]
    for correlation_id in (good_before, good_after):
        assert bench.wait_for(correlation_id)["result"]["predictions"] == expected["churn"][:1]


def test_a_command_that_breaks_its_contract_fails_alone(bench: LaneBench) -> None:
    bad, good = bench.send(predict(rows=[]), predict())
    assert bench.wait_for(bad)["error"]["code"] == "invalid_command"
    assert bench.wait_for(good)["status"] == "succeeded"


@pytest.mark.parametrize("model", ["nobody", "churn@99", "churn@staging"])
def test_a_model_that_is_not_there_is_named(bench: LaneBench, model: str) -> None:
    job = bench.answer(predict(model=model))
    assert (job["status"], job["error"]["code"]) == ("failed", "unknown_model")
    assert model.partition("@")[0] in job["error"]["message"]


def test_a_command_on_the_wrong_queue_is_refused(bench: LaneBench) -> None:
    job = bench.answer({"command": "PredictDataset", "model": "churn", "dataset": "customers"})
    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_command")
    assert "'predict.bulk'" in job["error"]["message"]


def test_more_rows_than_the_limit_are_refused(bench: LaneBench) -> None:
    job = bench.answer(predict(*[ROW] * (ROWS_LIMIT + 1)))
    assert (job["status"], job["error"]["code"]) == ("failed", "limit_exceeded")


def test_a_damaged_artifact_is_refused_and_the_lane_goes_on(bench: LaneBench) -> None:
    make_model(bench.tools.database, "damaged")
    bench.tools.database["versions"].update_one({"model": "damaged"}, {"$set": {"artifact_sha256": "0" * 64}})
    damaged, good = bench.send(predict(model="damaged"), predict())
    assert bench.wait_for(damaged)["error"]["code"] == "artifact_refused"
    assert bench.wait_for(good)["status"] == "succeeded"


def test_a_fault_of_the_predictors_own_ends_the_job_with_its_words_and_the_lane_goes_on(
    bench: LaneBench, consume: MakeConsumer
) -> None:
    make_model(bench.tools.database, "incomplete")
    bench.tools.database["versions"].update_one({"model": "incomplete"}, {"$unset": {"libraries": ""}})
    url, answers = bench.tools.settings.bus_url.get_secret_value(), f"answers-{uuid4()}"
    [faulty] = bench.send(predict(model="incomplete"), reply_to=answers)
    error = bench.wait_for(faulty)["error"]
    [told] = receive(consume(answers, url=url))
    assert (told.correlation_id, told.documents[0]["error"]["code"]) == (faulty, "internal")
    assert error["code"] == "internal"
    assert "KeyError: 'libraries'" in error["message"]
    assert bench.answer(predict())["status"] == "succeeded"


def test_what_a_waiting_caller_asked_is_recorded_as_come_by_http(bench: LaneBench) -> None:
    [correlation_id] = bench.send(predict(), is_interactive=True)
    assert bench.wait_for(correlation_id)["door"] == "http"


def test_a_job_that_was_accepted_meanwhile_is_finished(bench: LaneBench) -> None:
    command = predict(correlation_id=new_correlation_id())
    job = new_job(Predict.model_validate(command), command["correlation_id"], door="http")
    bench.tools.ledger.accept(job)
    ended = bench.answer(command)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
    assert [entry["event"] for entry in ended["history"]] == ["accepted", "succeeded"]


def test_a_job_that_was_cancelled_meanwhile_stays_cancelled(bench: LaneBench) -> None:
    command = predict(correlation_id=new_correlation_id())
    job = new_job(Predict.model_validate(command), command["correlation_id"], door="http")
    bench.tools.ledger.accept(job)
    bench.tools.ledger.request_cancel(job.correlation_id)
    before = bench.job(job.correlation_id)
    bench.send(command)
    bench.answer(predict())
    assert bench.job(job.correlation_id) == before


def test_a_job_that_its_message_names_is_answered(bench: LaneBench, expected: dict[str, list[Any]]) -> None:
    rows = rows_of(features())[:3]
    jobs = [new_job(Predict.model_validate(predict(*rows)), new_correlation_id(), door="http", owner="ada")]
    jobs += [new_job(Predict.model_validate(predict(BAD_ROW)), new_correlation_id(), door="http")]
    for job in jobs:
        bench.tools.ledger.accept(job)
    bench.tools.publisher.send("predict", [{"job": job.correlation_id} for job in jobs])
    good, bad = (bench.wait_for(job.correlation_id) for job in jobs)
    assert (good["status"], good["attempt"], good["owner"], good["door"]) == ("succeeded", 1, "ada", "http")
    assert good["result"]["predictions"] == expected["churn"][:3]
    assert good["spec"] == jobs[0].spec
    assert (bad["status"], bad["error"]["code"]) == ("failed", "signature_mismatch")


def test_a_message_that_names_no_job_or_one_that_has_ended_changes_nothing(bench: LaneBench) -> None:
    ended = bench.answer(predict())
    with counted_groups() as counted:
        for named in (ended["_id"], new_correlation_id(), "", "no id at all"):
            bench.tools.publisher.send("predict", {"job": named})
        bench.answer(predict())
    assert counted() == (1, 1)
    assert bench.job(ended["_id"]) == ended


def test_a_message_that_was_sent_again_is_answered_by_a_claimed_job(bench: LaneBench) -> None:
    job = new_job(Predict.model_validate(predict()), new_correlation_id(), door="http")
    bench.tools.ledger.accept(job)
    send_recorded(bench.tools.publisher, "predict", job.correlation_id, is_again=True)
    assert "claimed" in [entry["event"] for entry in bench.wait_for(job.correlation_id)["history"]]


@pytest.mark.parametrize("headers", [{SENT_AT_HEADER: 0}, {SENT_AT_HEADER: None}, {SENT_AT_HEADER: "now"}])
def test_of_old_messages_what_was_answered_is_not_computed_again(bench: LaneBench, headers: Document) -> None:
    known, new = predict(correlation_id=new_correlation_id()), predict(correlation_id=new_correlation_id())
    first = bench.answer(dict(known))
    with counted_groups() as counted:
        bench.tools.publisher.send("predict", [known, new], headers=headers)
        bench.wait_for(new["correlation_id"])
    assert counted() == (1, 1)
    assert bench.job(first["_id"]) == first


def test_whoever_asks_again_by_an_old_message_is_told_the_first_answer(bench: LaneBench, consume: MakeConsumer) -> None:
    command, answers = predict(correlation_id=new_correlation_id()), f"answers-{uuid4()}"
    first = bench.answer(dict(command))
    bench.tools.publisher.send("predict", command, headers={SENT_AT_HEADER: 0}, reply_to=answers)
    [told] = receive(consume(answers, url=bench.tools.settings.bus_url.get_secret_value()))
    assert told.documents[0]["result"] == first["result"]


def test_the_same_request_again_is_the_same_job(bench: LaneBench) -> None:
    command = predict(correlation_id=new_correlation_id())
    first = bench.answer(command)
    bench.send(dict(command))
    bench.answer(predict())
    assert bench.job(first["_id"]) == first


def test_two_copies_in_one_message_are_one_job(bench: LaneBench) -> None:
    command = predict(correlation_id=new_correlation_id())
    job = bench.wait_for(bench.send(command, dict(command))[0])
    assert (job["status"], job["attempt"]) == ("succeeded", 1)


def test_a_large_result_is_stored_apart(bench: LaneBench, expected: dict[str, list[Any]]) -> None:
    rows = (rows_of(features()) * 2)[:ROWS_LIMIT]
    job = bench.answer(predict(*rows, has_probabilities=True))
    assert job["result"].keys() == {"stored_result", "size_bytes"}
    stored = orjson.loads(bench.tools.blobs.read(job["result"]["stored_result"]))
    assert stored["predictions"] == expected["churn"][:ROWS_LIMIT]
    assert bench.tools.blobs.remove_orphans(-1) == 0, "it belongs to its job"


def test_the_answer_is_told_to_everybody_and_to_its_sender(bench: LaneBench, consume: MakeConsumer) -> None:
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


def test_an_answer_has_the_id_as_its_sender_spelt_it(bench: LaneBench, consume: MakeConsumer) -> None:
    url, answers = bench.tools.settings.bus_url.get_secret_value(), f"answers-{uuid4()}"
    given = new_correlation_id().upper()
    bench.tools.publisher.send("predict", predict(), correlation_id=given, reply_to=answers)
    bench.tools.publisher.send("predict", predict(), correlation_id="order-17", reply_to=answers)
    told = {delivery.correlation_id: delivery.documents[0] for delivery in receive(consume(answers, url=url), 2)}
    assert (told[given]["correlation_id"], told[given]["status"]) == (given.lower(), "succeeded")
    assert (told["order-17"]["given_correlation_id"], told["order-17"]["status"]) == ("order-17", "failed")


def test_a_prediction_that_fails_is_logged_as_a_warning(bench: LaneBench, logged: list[EventDict]) -> None:
    [good, bad] = bench.send(predict(), predict(BAD_ROW))

    def levels() -> dict[str, str]:
        return {
            line["correlation_id"]: line["level"]
            for line in list(logged)
            if line["event"] == "job.finished" and "correlation_id" in line
        }

    wait_until(lambda: {good, bad} <= levels().keys(), "both are logged", state=lambda: logged)
    assert (levels()[good], levels()[bad]) == ("info", "warning")


def test_another_request_under_the_id_of_a_prediction_is_refused_to_its_sender_alone(
    bench: LaneBench, consume: MakeConsumer
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


def test_everything_is_acknowledged_when_it_is_answered(bench: LaneBench, raw_redis: redis.Redis) -> None:
    bench.answer(predict())
    url = bench.tools.settings.bus_url.get_secret_value()
    with redis.Redis.from_url(url) as client:
        wait_until(lambda: client.hlen(f"unacked.{bench.tools.service}") == 0, "nothing is left unacknowledged")
        assert client.llen("predict") == 0


def test_a_message_that_comes_again_is_answered_by_a_claimed_job(
    servers: LocalStack, broker: redis.Redis, fork_server: None, consume: MakeConsumer
) -> None:
    settings = lane_settings(servers, 3)
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
    assert all("claimed" in [entry["event"] for entry in job["history"]] for job in jobs)
