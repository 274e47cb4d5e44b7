"""The life of a job: who may change it when, and that nobody else can."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from pymongo.database import Database

from shared.contracts import ExportDataset, Progress, ReadRows, new_correlation_id
from shared.errors import CorrelationIdReused, EstimatorRejected, LeaseLost, StoreUnavailable
from shared.store.acceptance import new_job
from shared.store.connection import Document
from shared.store.ledger import FinishedJob, JobLedger, error_document
from shared.store.operation import HISTORY_LIMIT, Claim, NewJob
from tests.integration.conftest import MakeLedger
from tests.integration.samples import AT_ONCE, LAPSED, TERMS, job_of, make_older, train_job

OUTCOME = {"kind": "predictions", "blobs": {}, "report": {"row_count": 3}}
RESULT = {"row_count": 3, "blobs": {}}


def found(ledger: JobLedger, correlation_id: str) -> Document:
    document = ledger.find(correlation_id)
    assert document is not None
    return document


def claimed(ledger: JobLedger, correlation_id: str) -> Claim:
    taken = ledger.claim(correlation_id)
    assert taken is not None
    return taken[0]


def started(ledger: JobLedger, job: NewJob | None = None) -> Claim:
    job = job or train_job()
    ledger.accept(job)
    return claimed(ledger, job.correlation_id)


def at_once(callables: list[Callable[[], Any]]) -> list[Any]:
    """Call all of them at the same moment, each in a thread of its own."""
    barrier = Barrier(len(callables))

    def call(function: Callable[[], Any]) -> Any:
        barrier.wait()
        return function()

    with ThreadPoolExecutor(len(callables)) as pool:
        return list(pool.map(call, callables))


# --- accept ---


def test_accepting_a_job_twice_gives_the_same_job(ledger: JobLedger) -> None:
    job = train_job()
    first = ledger.accept(job)
    assert ledger.accept(job) == first
    assert (first["status"], first["attempt"], first["fence"], first["max_attempts"]) == ("queued", 0, 0, 3)
    assert [entry["what"] for entry in first["history"]] == ["accepted"]


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
    job = train_job()
    ledger.accept(job)
    with pytest.raises(CorrelationIdReused):
        ledger.accept(replace(job, owner="somebody else"))


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


# --- claim ---


def test_a_claim_starts_the_next_attempt_under_a_new_fence(ledger: JobLedger) -> None:
    claim = started(ledger)
    job = found(ledger, claim.correlation_id)
    assert claim.fence == 1
    assert (job["status"], job["attempt"], job["fence"]) == ("running", 1, 1)
    assert job["lease"]["worker"] == "worker-a"
    assert job["lease"]["until"] - job["updated_at"] == timedelta(seconds=TERMS.lease_s)


def test_of_thirty_two_racing_claims_one_wins(ledger_of: MakeLedger) -> None:
    job = train_job()
    ledgers = [ledger_of(f"worker-{number}") for number in range(32)]
    ledgers[0].accept(job)
    answers = at_once([lambda ledger=ledger: ledger.claim(job.correlation_id) for ledger in ledgers])  # type: ignore[misc]
    [(claim, document)] = [answer for answer in answers if answer is not None]
    assert (document["attempt"], document["lease"]["worker"]) == (1, claim.worker)


def test_of_thirty_two_racing_take_overs_one_wins(ledger_of: MakeLedger, dead_ledger: JobLedger) -> None:
    claim = started(dead_ledger)
    ledgers = [ledger_of(f"worker-{number}") for number in range(32)]
    answers = at_once([lambda ledger=ledger: ledger.claim(claim.correlation_id) for ledger in ledgers])  # type: ignore[misc]
    [(_, document)] = [answer for answer in answers if answer is not None]
    assert (document["attempt"], document["fence"]) == (2, 2)


def test_there_is_nothing_to_claim_of_a_job_that_is_not_there(ledger: JobLedger) -> None:
    assert ledger.claim(new_correlation_id()) is None


def test_a_running_job_cannot_be_claimed_while_its_lease_holds(ledger: JobLedger) -> None:
    claim = started(ledger)
    assert ledger.claim(claim.correlation_id) is None


def test_a_job_whose_attempts_are_exhausted_cannot_be_claimed(ledger_of: MakeLedger) -> None:
    ledger = ledger_of("dead-worker", replace(LAPSED, max_attempts=2))
    claim = started(ledger)
    assert ledger.claim(claim.correlation_id) is not None
    assert ledger.claim(claim.correlation_id) is None


# --- fences ---


@pytest.mark.parametrize(
    "write",
    [
        lambda ledger, claim: ledger.heartbeat(claim),
        lambda ledger, claim: ledger.commit(claim, OUTCOME),
        lambda ledger, claim: ledger.complete(claim, RESULT),
        lambda ledger, claim: ledger.fail(claim, EstimatorRejected("no")),
        lambda ledger, claim: ledger.fail(claim, StoreUnavailable("away")),
        lambda ledger, claim: ledger.cancelled(claim),
    ],
    ids=["heartbeat", "commit", "complete", "fail", "retry", "cancelled"],
)
def test_a_worker_that_was_taken_over_cannot_write(
    ledger: JobLedger, dead_ledger: JobLedger, write: Callable[[JobLedger, Claim], object]
) -> None:
    old = started(dead_ledger)
    new = claimed(ledger, old.correlation_id)
    before = found(ledger, old.correlation_id)
    with pytest.raises(LeaseLost):
        write(dead_ledger, old)
    assert dead_ledger.release(old) is None
    assert found(ledger, old.correlation_id) == before
    assert ledger.complete(new, RESULT)["status"] == "succeeded"


def test_a_worker_that_was_swept_cannot_write_although_nobody_has_taken_over(
    ledger: JobLedger, dead_ledger: JobLedger
) -> None:
    old = started(dead_ledger)
    assert [job["_id"] for job in ledger.lapse()] == [old.correlation_id]
    with pytest.raises(LeaseLost):
        dead_ledger.complete(old, RESULT)
    assert found(ledger, old.correlation_id)["status"] == "queued"


def test_ending_a_job_twice_under_the_same_fence_is_harmless(ledger: JobLedger) -> None:
    claim = started(ledger)
    assert ledger.commit(claim, OUTCOME)
    assert ledger.commit(claim, OUTCOME)  # the answer to the first may have been lost
    first = ledger.complete(claim, RESULT)
    assert ledger.complete(claim, RESULT) == first


# --- heartbeat ---


def test_a_heartbeat_extends_the_lease_and_notes_the_progress(ledger: JobLedger, dead_ledger: JobLedger) -> None:
    claim = started(dead_ledger)
    assert ledger.heartbeat(claim, Progress(fraction=0.25, message="fitting")) is False
    job = found(ledger, claim.correlation_id)
    assert job["lease"]["until"] - job["updated_at"] == timedelta(seconds=TERMS.lease_s)
    assert job["lease"]["worker"] == "dead-worker"
    assert job["progress"] == {"fraction": 0.25, "message": "fitting"}
    assert list(ledger.lapse()) == []


def test_a_heartbeat_without_progress_keeps_the_one_that_is_there(ledger: JobLedger) -> None:
    claim = started(ledger)
    ledger.heartbeat(claim, Progress(fraction=0.25, message="fitting"))
    ledger.heartbeat(claim)
    assert found(ledger, claim.correlation_id)["progress"]["message"] == "fitting"


def test_a_heartbeat_tells_of_a_cancellation(ledger: JobLedger) -> None:
    claim = started(ledger)
    ledger.request_cancel(claim.correlation_id)
    assert ledger.heartbeat(claim) is True


# --- failure and retry ---


def test_a_job_that_fails_by_its_own_fault_is_failed_at_once(ledger: JobLedger) -> None:
    error = EstimatorRejected("no", details=[{"where": "penalty"}])
    job = ledger.fail(started(ledger), error)
    assert (job["status"], job["attempt"], job["lease"]) == ("failed", 1, None)
    assert job["error"] == {"code": "estimator_rejected", "message": "no", "details": [{"where": "penalty"}]}


def test_a_job_that_fails_for_want_of_a_server_is_tried_again_after_a_growing_pause(
    ledger: JobLedger, database: Database[Document]
) -> None:
    job = train_job()
    claim = started(ledger, job)
    pauses = []
    for attempt in (1, 2):
        failed = ledger.fail(claim, StoreUnavailable("away"))
        assert (failed["status"], failed["attempt"], failed["lease"]) == ("queued", attempt, None)
        assert failed["error"]["code"] == "store_unavailable"
        assert (failed["finished_at"], failed["expires_at"]) == (None, None)
        assert ledger.claim(job.correlation_id) is None, "it is not due yet"
        pauses.append((failed["not_before"] - failed["updated_at"]).total_seconds())
        make_older(database, job.correlation_id, seconds=10, fields=("not_before",))
        claim = claimed(ledger, job.correlation_id)
    assert pauses == [1, 2]
    dead = ledger.fail(claim, StoreUnavailable("still away"))
    assert (dead["status"], dead["attempt"], dead["error"]["message"]) == ("dead", 3, "still away")
    assert ledger.claim(job.correlation_id) is None


def test_a_failed_attempt_of_a_job_that_was_cancelled_meanwhile_is_not_tried_again(ledger: JobLedger) -> None:
    claim = started(ledger)
    ledger.request_cancel(claim.correlation_id)
    job = ledger.fail(claim, StoreUnavailable("away"))
    assert job["status"] == "cancelled"
    assert job["finished_at"] is not None
    assert job["expires_at"] is not None


# --- release ---


def test_a_released_job_is_due_at_once_and_its_attempt_does_not_count(ledger: JobLedger) -> None:
    claim = started(ledger)
    released = ledger.release(claim)
    assert released is not None
    assert (released["status"], released["attempt"], released["lease"]) == ("queued", 0, None)
    again = claimed(ledger, claim.correlation_id)
    assert again.fence == 2
    assert found(ledger, claim.correlation_id)["attempt"] == 1


def test_a_job_can_be_released_more_often_than_it_has_attempts(ledger: JobLedger) -> None:
    claim = started(ledger)
    for _ in range(TERMS.max_attempts + 2):
        ledger.release(claim)
        claim = claimed(ledger, claim.correlation_id)
    assert found(ledger, claim.correlation_id)["attempt"] == 1


def test_a_job_that_was_cancelled_is_over_when_its_worker_hands_it_back(ledger: JobLedger) -> None:
    claim = started(ledger)
    ledger.request_cancel(claim.correlation_id)
    released = ledger.release(claim)
    assert released is not None
    assert released["status"] == "cancelled"
    assert released["finished_at"] is not None
    assert released["expires_at"] - released["finished_at"] == timedelta(seconds=TERMS.job_retention_s)


# --- cancel ---


def test_a_queued_job_is_cancelled_at_once(ledger: JobLedger) -> None:
    job = train_job()
    ledger.accept(job)
    cancelled = ledger.request_cancel(job.correlation_id)
    assert cancelled is not None
    assert (cancelled["status"], cancelled["cancel_requested"]) == ("cancelled", True)
    assert cancelled["finished_at"] is not None
    assert ledger.claim(job.correlation_id) is None


def test_a_running_job_is_marked_and_ends_when_its_worker_says_so(ledger: JobLedger) -> None:
    claim = started(ledger)
    before = found(ledger, claim.correlation_id)
    marked = ledger.request_cancel(claim.correlation_id)
    assert marked is not None
    assert (marked["status"], marked["cancel_requested"]) == ("running", True)
    assert (marked["lease"], marked["finished_at"]) == (before["lease"], None)
    assert ledger.cancelled(claim)["status"] == "cancelled"


def test_a_job_that_was_cancelled_cannot_commit_any_more(ledger: JobLedger) -> None:
    claim = started(ledger)
    ledger.request_cancel(claim.correlation_id)
    assert ledger.commit(claim, OUTCOME) is False
    assert found(ledger, claim.correlation_id)["outcome"] is None


def test_there_is_nothing_to_cancel_of_a_job_that_is_not_there(ledger: JobLedger) -> None:
    assert ledger.request_cancel(new_correlation_id()) is None


# --- commit ---


def test_a_committed_job_cannot_be_cancelled_released_or_swept(ledger: JobLedger, dead_ledger: JobLedger) -> None:
    claim = started(dead_ledger)
    assert dead_ledger.commit(claim, OUTCOME)
    assert ledger.request_cancel(claim.correlation_id) is None
    assert ledger.release(claim) is None
    assert list(ledger.lapse()) == []
    assert found(ledger, claim.correlation_id)["status"] == "running"
    with pytest.raises(LeaseLost):
        ledger.cancelled(claim)


def test_a_committed_job_is_finished_by_another_worker_and_never_executed_again(
    ledger: JobLedger, dead_ledger: JobLedger
) -> None:
    claim = started(dead_ledger)
    dead_ledger.commit(claim, OUTCOME)
    assert ledger.claim(claim.correlation_id) is None, "the work is done"
    [(taken, job)] = ledger.take_over_committed()
    assert (job["outcome"], job["attempt"], taken.fence) == (OUTCOME, 1, claim.fence + 1)
    assert list(ledger.take_over_committed()) == [], "the lease of the one who finishes holds"
    with pytest.raises(LeaseLost):
        dead_ledger.complete(claim, RESULT)
    ended = ledger.complete(taken, RESULT)
    assert (ended["status"], ended["result"], ended["outcome"]) == ("succeeded", RESULT, None)


def test_a_committed_job_stays_with_its_worker_while_the_lease_holds(ledger: JobLedger) -> None:
    claim = started(ledger)
    ledger.commit(claim, OUTCOME)
    assert list(ledger.take_over_committed()) == []


# --- terminal ---


def ended_job(ledger: JobLedger, status: str, **changes: Any) -> Claim:
    claim = started(ledger, replace(train_job(), **changes))
    if status == "succeeded":
        ledger.complete(claim, RESULT)
    elif status == "failed":
        ledger.fail(claim, EstimatorRejected("no"))
    elif status == "cancelled":
        ledger.request_cancel(claim.correlation_id)
        ledger.cancelled(claim)
    else:
        while ledger.fail(claim, StoreUnavailable("away"))["status"] != "dead":
            claim = claimed(ledger, claim.correlation_id)
    return claim


@pytest.mark.parametrize("status", ["succeeded", "failed", "dead", "cancelled"])
def test_a_job_that_has_ended_never_changes(ledger_of: MakeLedger, status: str) -> None:
    ledger = ledger_of("worker-a", AT_ONCE)
    claim = ended_job(ledger, status)
    before = found(ledger, claim.correlation_id)
    assert before["status"] == status
    assert ledger.claim(claim.correlation_id) is None
    assert ledger.request_cancel(claim.correlation_id) is None
    assert ledger.release(claim) is None
    for write in (lambda: ledger.heartbeat(claim), lambda: ledger.commit(claim, OUTCOME)):
        with pytest.raises(LeaseLost):
            write()
    for end in (
        lambda: ledger.complete(claim, {"another": "result"}),
        lambda: ledger.fail(claim, EstimatorRejected("another error")),
        lambda: ledger.fail(claim, StoreUnavailable("away")),
        lambda: ledger.cancelled(claim),
    ):
        assert end() == before, "whoever ended it under this fence is told how it ended"
    job = job_of(before["spec"], correlation_id=claim.correlation_id)
    ledger.record_finished([FinishedJob(job, {"another": "result"}, None)])
    assert list(ledger.lapse()) == []
    assert list(ledger.take_over_committed()) == []
    assert list(ledger.due_for_publication("train", is_queue_empty=True)) == []
    assert found(ledger, claim.correlation_id) == before


@pytest.mark.parametrize("status", ["failed", "dead", "cancelled"])
def test_an_unsuccessful_job_can_be_replayed_with_fresh_attempts(ledger_of: MakeLedger, status: str) -> None:
    ledger = ledger_of("worker-a", AT_ONCE)
    old = ended_job(ledger, status)
    replayed = ledger.replay(old.correlation_id)
    assert replayed is not None
    assert (replayed["status"], replayed["attempt"], replayed["cancel_requested"]) == ("queued", 0, False)
    assert (replayed["error"], replayed["finished_at"], replayed["expires_at"]) == (None, None, None)
    new = claimed(ledger, old.correlation_id)
    assert new.fence > old.fence
    assert ledger.complete(new, RESULT)["status"] == "succeeded"


def test_a_job_that_succeeded_or_has_not_ended_cannot_be_replayed(ledger: JobLedger) -> None:
    claim = started(ledger)
    assert ledger.replay(claim.correlation_id) is None
    ledger.complete(claim, RESULT)
    assert ledger.replay(claim.correlation_id) is None
    assert ledger.replay(new_correlation_id()) is None


# --- history and retention ---


def test_the_history_keeps_the_last_entries(ledger: JobLedger) -> None:
    claim = started(ledger)
    for _ in range(HISTORY_LIMIT):
        ledger.release(claim)
        claim = claimed(ledger, claim.correlation_id)
    ledger.complete(claim, RESULT)
    history = found(ledger, claim.correlation_id)["history"]
    assert len(history) == HISTORY_LIMIT
    assert [entry["what"] for entry in history[-3:]] == ["released", "claimed", "succeeded"]
    assert [entry["at"] for entry in history] == sorted(entry["at"] for entry in history)


@pytest.mark.parametrize(
    ("status", "retention_s"),
    [
        ("succeeded", TERMS.job_retention_s),
        ("failed", TERMS.job_retention_s),
        ("cancelled", TERMS.job_retention_s),
        ("dead", TERMS.dead_retention_s),
    ],
)
def test_a_job_is_kept_for_its_time_after_its_end(ledger_of: MakeLedger, status: str, retention_s: float) -> None:
    ledger = ledger_of("worker-a", AT_ONCE)
    job = found(ledger, ended_job(ledger, status).correlation_id)
    assert job["expires_at"] - job["finished_at"] == timedelta(seconds=retention_s)


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "dead"])
def test_a_job_whose_command_says_how_long_is_kept_so_long_however_it_ends(ledger_of: MakeLedger, status: str) -> None:
    ledger = ledger_of("worker-a", AT_ONCE)
    job = found(ledger, ended_job(ledger, status, retention_s=3600.0).correlation_id)
    assert job["expires_at"] - job["finished_at"] == timedelta(hours=1)


def test_a_job_of_a_short_retention_whose_worker_died_is_kept_so_long(
    ledger: JobLedger, dead_ledger: JobLedger, database: Database[Document]
) -> None:
    job = train_job()
    started(dead_ledger, replace(job, retention_s=3600.0))
    database["jobs"].update_one({"_id": job.correlation_id}, {"$set": {"attempt": 3}})
    (lapsed,) = ledger.lapse()
    assert lapsed["status"] == "dead"
    assert lapsed["expires_at"] - lapsed["finished_at"] == timedelta(hours=1)


def test_a_job_that_an_earlier_release_accepted_ends_too(ledger: JobLedger, database: Database[Document]) -> None:
    claim = started(ledger)
    database["jobs"].update_one({"_id": claim.correlation_id}, {"$unset": {"retention_s": ""}})
    job = ledger.complete(claim, RESULT)
    assert job["expires_at"] - job["finished_at"] == timedelta(seconds=TERMS.job_retention_s)


def test_a_read_is_kept_for_an_hour_and_an_export_as_any_job(ledger: JobLedger) -> None:
    read, export = (
        new_job(command, new_correlation_id(), door="http")
        for command in (ReadRows(dataset="customers"), ExportDataset(dataset="customers", format="csv"))
    )
    assert (read.retention_s, export.retention_s) == (3600, None)
    assert ledger.accept(read)["retention_s"] == 3600
    ledger.record_finished([FinishedJob(replace(read, correlation_id=(other := new_correlation_id())), RESULT, None)])
    recorded = found(ledger, other)
    assert recorded["expires_at"] - recorded["finished_at"] == timedelta(hours=1)


def test_a_job_that_has_not_ended_is_kept(ledger: JobLedger) -> None:
    claim = started(ledger)
    assert found(ledger, claim.correlation_id)["expires_at"] is None
    ledger.release(claim)
    assert found(ledger, claim.correlation_id)["expires_at"] is None


# --- record_finished ---


def test_a_job_that_ended_before_it_was_recorded_is_recorded_whole(ledger: JobLedger) -> None:
    good, bad = train_job(model="good"), train_job(model="bad")
    error = error_document(EstimatorRejected("no"))
    ledger.record_finished([FinishedJob(good, RESULT, None), FinishedJob(bad, None, error)])
    one, other = found(ledger, good.correlation_id), found(ledger, bad.correlation_id)
    assert (one["status"], one["result"], one["error"], one["attempt"]) == ("succeeded", RESULT, None, 1)
    assert (other["status"], other["result"], other["error"]) == ("failed", None, error)
    assert one["expires_at"] - one["finished_at"] == timedelta(seconds=TERMS.job_retention_s)
    assert [entry["what"] for entry in one["history"]] == ["succeeded"]
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
