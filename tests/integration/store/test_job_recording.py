"""How a job comes to be recorded: accepted once under its id, or recorded whole when it has ended already."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from modelbus.shared.contracts import Progress
from modelbus.shared.errors import CorrelationIdReused, EstimatorRejected
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger, error_document
from tests.integration.ledger_jobs import RESULT, found, started
from tests.integration.racing import at_once
from tests.integration.samples import TERMS, job_of, train_job

# --- accept ---


def test_accepting_a_job_twice_gives_the_same_job(ledger: JobLedger) -> None:
    job = train_job()
    first = ledger.accept(job)
    assert ledger.accept(job) == first
    assert (first["status"], first["attempt"], first["fence"], first["max_attempts"]) == ("queued", 0, 0, 3)
    assert [entry["event"] for entry in first["history"]] == ["accepted"]


def test_accepting_it_again_later_does_not_start_it_again(ledger: JobLedger) -> None:
    job = train_job()
    ledger.complete(started(ledger, job), RESULT)
    assert ledger.accept(job)["status"] == "succeeded"
    assert ledger.claim(job.correlation_id) is None


def test_another_specification_under_the_same_id_is_refused(ledger: JobLedger) -> None:
    job = train_job(model="churn")
    before = ledger.accept(job)
    with pytest.raises(CorrelationIdReused, match=f"{job.correlation_id} belongs to a TrainModel job"):
        ledger.accept(train_job(job.correlation_id, model="prices"))
    assert found(ledger, job.correlation_id) == before


def test_another_owner_under_the_same_id_is_refused(ledger: JobLedger) -> None:
    job = replace(train_job(), door="http", owner="alice")
    ledger.accept(job)
    with pytest.raises(CorrelationIdReused, match="of another owner"):
        ledger.accept(replace(job, owner="bob"))


def test_a_message_of_a_recorded_job_need_not_say_whose_it_is(ledger: JobLedger) -> None:
    recorded = ledger.accept(replace(train_job(), door="http", owner="alice"))
    by_queue = replace(train_job(recorded["_id"]), owner="queue")
    assert ledger.accept(by_queue) == recorded


def test_who_needs_no_key_has_no_owner_to_be_told_apart_by(ledger: JobLedger) -> None:
    recorded = ledger.accept(replace(train_job(), owner="queue"))
    assert ledger.accept(replace(train_job(recorded["_id"]), door="http", owner="local")) == recorded


def test_thirty_two_senders_of_one_job_make_one_job(ledger: JobLedger, database: Database[Document]) -> None:
    job = train_job()
    recorded = at_once([lambda: ledger.accept(job)] * 32)
    assert {document["_id"] for document in recorded} == {job.correlation_id}
    assert database["jobs"].count_documents({}) == 1


@pytest.mark.parametrize(
    "value",
    [
        "$status",
        "$$NOW",
        "$$unheard_of",
        {"$a": 1},
        {"$literal": "$status"},
        {"$expr": {"$gt": ["$attempt", 0]}},
        {"a.b": {"$where": "sleep(1000)"}},
        {"": "", "$": "$", ".": "."},
        [{"$ne": None}, ["$_id"]],
        "\x00\n\u2028\U0001f4a5",
        -0.0,
        2**63 - 1,
        None,
    ],
    ids=repr,
)
def test_what_users_write_is_stored_as_it_is(ledger: JobLedger, value: Any) -> None:
    job = job_of({"value": value}, owner="$owner", reply_to="$reply_to")
    claim = started(ledger, job)
    ledger.heartbeat(claim, Progress(fraction=0.5, message="$status"))
    ledger.commit(claim, {"kind": value})
    assert found(ledger, job.correlation_id)["outcome"] == {"kind": value}
    ended = ledger.complete(claim, {"value": value})
    assert (ended["spec"], ended["result"]) == ({"value": value}, {"value": value})
    assert (ended["owner"], ended["reply_to"], ended["progress"]["message"]) == ("$owner", "$reply_to", "$status")


@pytest.mark.parametrize("name", ["$status", "$$NOW", "$$unheard_of", "", "$"])
def test_the_name_of_an_unknown_command_is_stored_as_it_is(ledger: JobLedger, name: str) -> None:
    accepted, refused = job_of({}, command=name), job_of({}, command=name)
    assert ledger.accept(accepted)["command"] == name
    ledger.record_finished([FinishedJob(refused, None, {"code": "$status", "message": name, "details": []})])
    recorded = found(ledger, refused.correlation_id)
    assert (recorded["command"], recorded["error"]["code"], recorded["error"]["message"]) == (name, "$status", name)


def test_an_error_s_words_are_stored_as_they_are(ledger: JobLedger) -> None:
    error = EstimatorRejected("$status", details=[{"$where": "$$NOW"}])
    assert ledger.fail(started(ledger), error)["error"] == error_document(error)


# --- record_finished ---


def test_a_job_that_ended_before_it_was_recorded_is_recorded_whole(ledger: JobLedger) -> None:
    good, bad = train_job(model="good"), train_job(model="bad")
    error = error_document(EstimatorRejected("no"))
    ledger.record_finished([FinishedJob(good, RESULT, None), FinishedJob(bad, None, error)])
    one, other = found(ledger, good.correlation_id), found(ledger, bad.correlation_id)
    assert (one["status"], one["result"], one["error"], one["attempt"]) == ("succeeded", RESULT, None, 1)
    assert (other["status"], other["result"], other["error"]) == ("failed", None, error)
    assert one["expires_at"] - one["finished_at"] == timedelta(seconds=TERMS.job_retention_s)
    assert [entry["event"] for entry in one["history"]] == ["succeeded"]
    assert one.keys() == ledger.accept(train_job()).keys(), "it looks like any other job"


@pytest.mark.parametrize("is_durable", [True, False])
def test_a_queued_job_of_the_same_specification_is_finished(ledger: JobLedger, is_durable: bool) -> None:
    job = train_job()
    accepted = ledger.accept(job)
    ledger.record_finished([FinishedJob(job, RESULT, None)], is_durable=is_durable)
    ended = found(ledger, job.correlation_id)
    assert (ended["status"], ended["result"], ended["created_at"]) == ("succeeded", RESULT, accepted["created_at"])
    assert ledger.claim(job.correlation_id) is None


def test_a_queued_job_of_another_specification_is_left_alone(ledger: JobLedger) -> None:
    job = train_job(model="churn")
    before = ledger.accept(job)
    ledger.record_finished([FinishedJob(train_job(job.correlation_id, model="prices"), RESULT, None)])
    assert found(ledger, job.correlation_id) == before


def test_a_running_job_is_left_alone(ledger: JobLedger) -> None:
    job = train_job()
    started(ledger, job)
    before = found(ledger, job.correlation_id)
    ledger.record_finished([FinishedJob(job, RESULT, None)])
    assert found(ledger, job.correlation_id) == before


def test_racing_records_of_one_end_leave_one_end(ledger: JobLedger, database: Database[Document]) -> None:
    for _ in range(5):
        job = train_job()
        finish = FinishedJob(job, RESULT, None)
        at_once([lambda: ledger.record_finished([finish]), lambda: ledger.accept(job)] * 8)  # noqa: B023
        ended = found(ledger, job.correlation_id)
        assert (ended["status"], ended["attempt"], ended["fence"]) == ("succeeded", 1, 1)
    assert database["jobs"].count_documents({}) == 5
