"""Dead letters over HTTP: dead jobs and messages that cannot be read, of one list."""

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from pymongo.database import Database

from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def dead_job(
    api: Api, stack: LocalStack, database: Database[Document], endless_training: dict[str, Any]
) -> dict[str, Any]:
    """A training whose worker died with its last attempt."""
    correlation_id = str(uuid4())
    command = {"model": fresh("dead"), **endless_training}
    api.post("/models", command, headers={"X-Correlation-ID": correlation_id})
    database["jobs"].update_one({"_id": correlation_id}, {"$set": {"max_attempts": 1}})
    api.running_job(correlation_id)
    stack.kill("trainer")
    job = api.ended_job(correlation_id)
    stack.wait_until_ready("trainer", 180)
    assert job["status"] == "dead"
    return job


@pytest.fixture
def spared(api: Api) -> Iterator[None]:
    """Nothing of the test's own is left behind."""
    yield
    api.delete("/dead-letters?kind=message")


def poison(api: Api, broker: redis.Redis, queue: str, body: object, **properties: Any) -> dict[str, Any]:
    """Lay something on a queue that nobody can read; the dead letter that becomes of it."""
    mark = f"marked {uuid4()}"
    text = body if isinstance(body, str) else json.dumps(body)
    envelope = {"body": text + mark, "properties": properties}
    broker.lpush(queue, json.dumps(envelope))

    def found() -> list[dict[str, Any]]:
        listed = api.get(f"/dead-letters?kind=message&queue={queue}").document["dead_letters"]
        letters = [api.get(f"/dead-letters/{one['id']}").document for one in listed]
        return [letter for letter in letters if mark in letter["text"]]

    [letter] = wait_until(found, "the message becomes a dead letter")
    return letter


def test_a_dead_job_is_a_dead_letter_with_its_reason_history_and_last_lines(api: Api, dead_job: dict[str, Any]) -> None:
    listed = api.get("/dead-letters?kind=job&queue=train").document["dead_letters"]
    [summary] = [one for one in listed if one["id"] == dead_job["correlation_id"]]
    assert (summary["kind"], summary["code"], summary["attempts"]) == ("job", "crashed", 1)

    letter = api.get(f"/dead-letters/{summary['id']}").document

    assert "stopped responding" in letter["reason"]
    assert [entry["event"] for entry in letter["history"]] == ["accepted", "claimed", "lapsed"]
    assert letter["spec"] == dead_job["spec"]
    lines = wait_until(lambda: api.get(f"/dead-letters/{summary['id']}").document["lines"], "its lines are kept")
    assert {line["correlation_id"] for line in lines} == {summary["id"]}


def test_what_cannot_be_read_is_a_dead_letter_with_all_that_was_sent(
    api: Api, broker: redis.Redis, spared: None
) -> None:
    letter = poison(api, broker, "evaluate", 'not JSON \x07 "', correlation_id=str(uuid4()), reply_to="somewhere")

    assert (letter["kind"], letter["queue"], letter["service"]) == ("message", "evaluate", "evaluator")
    assert "not valid JSON" in letter["reason"]
    assert letter["reply_to"] == "somewhere"
    assert base64.b64decode(letter["base64"]) == letter["text"].encode()
    assert letter["problem"]["code"] == "invalid_command"
    content = api.get(f"/dead-letters/{letter['id']}/content")
    assert content.body == letter["text"].encode()
    assert len(content.body) == letter["size_bytes"]


def test_a_message_that_still_cannot_be_read_is_not_replayed(api: Api, broker: redis.Redis, spared: None) -> None:
    letter = poison(api, broker, "train", "junk")
    answer = api.post(f"/dead-letters/{letter['id']}/replay")
    assert (answer.status, answer.code) == (422, "invalid_command")
    assert "PUT /dead-letters" in answer.detail
    assert api.get(f"/dead-letters/{letter['id']}").status == 200


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"command": "EvaluateModel", "model": "m"}, "dataset"),
        ([{"command": "EvaluateModel", "model": "m", "dataset": "d"}, {"command": "EvaluateModel"}], "1.model"),
        ({"command": "EvaluateModel", "model": "m", "dataset": "d", "colour": "red"}, "colour"),
    ],
)
def test_an_edit_that_is_no_valid_command_says_exactly_why(
    api: Api, broker: redis.Redis, spared: None, body: object, place: str
) -> None:
    letter = poison(api, broker, "evaluate", "junk")
    answer = api.call("PUT", f"/dead-letters/{letter['id']}", {"body": body})
    assert (answer.status, answer.code) == (422, "invalid_command")
    assert place in answer.places
    assert api.get(f"/dead-letters/{letter['id']}").document["is_edited"] is False


@pytest.mark.parametrize("body", [[], "text", {"command": "Predict", "model": "m", "rows": [{"a": 1}]}])
def test_an_edit_that_does_not_belong_on_the_queue_is_refused(
    api: Api, broker: redis.Redis, spared: None, body: object
) -> None:
    letter = poison(api, broker, "evaluate", "junk")
    answer = api.call("PUT", f"/dead-letters/{letter['id']}", {"body": body})
    assert (answer.status, answer.code) == (422, "invalid_command")


def test_a_message_that_was_mended_is_replayed_once_however_often_it_is_asked(
    api: Api, broker: redis.Redis, amount_model: str, number_dataset: str, spared: None
) -> None:
    correlation_id = str(uuid4())
    letter = poison(api, broker, "evaluate", "junk", correlation_id=correlation_id)
    body = {"command": "EvaluateModel", "model": amount_model, "dataset": number_dataset}
    edited = api.call("PUT", f"/dead-letters/{letter['id']}", {"body": body})
    assert (edited.status, edited.document["problem"], edited.document["edited_body"]) == (200, None, body)
    assert edited.document["text"] == letter["text"], "what was sent stays readable"
    answers: list[Any] = []

    def replay() -> None:
        answers.append(api.post(f"/dead-letters/{letter['id']}/replay"))

    threads = [threading.Thread(target=replay) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status for answer in answers} <= {202, 404}
    replayed = [answer.document["jobs"][0]["correlation_id"] for answer in answers if answer.status == 202]
    assert set(replayed) == {correlation_id}
    assert api.ended_job(correlation_id)["status"] == "succeeded"
    assert api.job(correlation_id)["attempt"] == 1
    assert api.get(f"/dead-letters/{letter['id']}").status == 404


def test_an_array_that_was_mended_becomes_as_many_jobs(
    api: Api, broker: redis.Redis, amount_model: str, number_dataset: str, spared: None
) -> None:
    letter = poison(api, broker, "evaluate", "junk")
    command = {"command": "EvaluateModel", "model": amount_model, "dataset": number_dataset}
    api.call("PUT", f"/dead-letters/{letter['id']}", {"body": [command, command]})
    jobs = api.post(f"/dead-letters/{letter['id']}/replay").document["jobs"]
    assert len({job["correlation_id"] for job in jobs}) == 2
    assert {api.ended_job(job["correlation_id"])["status"] for job in jobs} == {"succeeded"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"estimator": 7}, "invalid_command"), ({"command": "RetrainModel"}, "invalid_command")],
)
def test_an_edit_of_a_job_keeps_to_its_contract(
    api: Api, dead_job: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    answer = api.call("PUT", f"/dead-letters/{dead_job['correlation_id']}", {"spec": {**dead_job["spec"], **changes}})
    assert (answer.status, answer.code) == (422, code)
    assert api.job(dead_job["correlation_id"]) == dead_job


def test_the_field_of_an_edit_is_named(api: Api, dead_job: dict[str, Any]) -> None:
    answer = api.call("PUT", f"/dead-letters/{dead_job['correlation_id']}", {"body": {}})
    assert (answer.status, answer.code) == (400, "bad_request")
    assert '"spec"' in answer.detail


def test_a_purge_needs_to_be_told_what(api: Api) -> None:
    assert api.delete("/dead-letters").code == "bad_request"
    assert api.delete("/dead-letters?kind=letter").code == "bad_request"
    assert api.delete("/dead-letters?queue=trains").code == "bad_request"


def test_a_purge_removes_what_it_was_told_and_says_how_many(
    api: Api, broker: redis.Redis, dead_job: dict[str, Any]
) -> None:
    api.delete("/dead-letters?kind=message")
    kept = poison(api, broker, "train", "junk")
    for _ in range(2):
        poison(api, broker, "evaluate", "junk")
    assert api.delete("/dead-letters?kind=message&before=2001-01-01T00:00:00Z").document == {"purged": 0}
    assert api.delete("/dead-letters?kind=message&queue=evaluate").document == {"purged": 2}
    assert api.get(f"/dead-letters/{kept['id']}").status == 200
    assert api.delete(f"/dead-letters/{kept['id']}").status == 204
    assert api.get(f"/dead-letters/{kept['id']}").status == 404
    assert api.get(f"/dead-letters/{dead_job['correlation_id']}").status == 200


def test_dead_letters_are_counted_for_prometheus(api: Api, broker: redis.Redis, dead_job: dict[str, Any]) -> None:
    api.delete("/dead-letters?kind=message")
    poison(api, broker, "export", "junk")
    metrics = api.get("/metrics").body.decode()
    assert 'modelbus_dead_letters{kind="message",queue="export"} 1.0' in metrics
    assert 'modelbus_dead_letters{kind="job",queue="train"} 1.0' in metrics


def test_pages_follow_one_another_over_both_kinds(api: Api, broker: redis.Redis, dead_job: dict[str, Any]) -> None:
    for _ in range(2):
        poison(api, broker, "train", "junk")
    whole = [one["id"] for one in api.get("/dead-letters?queue=train").document["dead_letters"]]
    assert len(whole) >= 3
    pages: list[str] = []
    path: str | None = "/dead-letters?queue=train&limit=1"
    while path:
        answer = api.get(path).document
        pages += [one["id"] for one in answer["dead_letters"]]
        path = answer["next"] and f"/dead-letters?queue=train&limit=1&cursor={answer['next']}"
    assert pages == whole


def test_a_dead_job_runs_as_it_was_edited_when_it_is_replayed(api: Api, dead_job: dict[str, Any]) -> None:
    correlation_id = dead_job["correlation_id"]
    spec = {**dead_job["spec"], "estimator": "LogisticRegression", "hyperparameters": {"max_iter": 500}}
    edited = api.call("PUT", f"/dead-letters/{correlation_id}", {"spec": spec})
    assert (edited.status, edited.document["edited_spec"]["estimator"]) == (200, "LogisticRegression")
    assert api.job(correlation_id) == dead_job, "an edit changes nothing of the record"

    answer = api.post(f"/dead-letters/{correlation_id}/replay")

    assert answer.status == 202
    job = api.ended_job(correlation_id)
    assert (job["status"], job["spec"]["estimator"]) == ("succeeded", "LogisticRegression")
    assert [entry["edited"] for entry in job["history"] if entry["event"] == "replayed"] == [True]
    again = api.post(
        "/models?wait=1",
        {name: value for name, value in dead_job["spec"].items() if name not in ("command", "contract")},
        headers={"X-Correlation-ID": correlation_id},
    )
    assert again.status == 201, "who sends the first specification again asks for this job"
    second = api.post(f"/dead-letters/{correlation_id}/replay")
    assert (second.status, second.code) == (404, "not_found")


def test_what_is_no_dead_letter_is_not_found(api: Api, amount_model: str) -> None:
    assert api.get(f"/dead-letters/{uuid4()}").code == "not_found"
    assert api.get("/dead-letters/seven").code == "bad_request"
    correlation_id = api.get(f"/models/{amount_model}/versions/1").document["correlation_id"]
    assert api.delete(f"/dead-letters/{correlation_id}").code == "not_found"
    assert api.job(correlation_id)["status"] == "succeeded"
