"""A job that is due or runs: who may change it when, and that nobody else can."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from pymongo.database import Database

from modelbus.shared.contracts import Progress, new_correlation_id
from modelbus.shared.errors import EstimatorRejected, LeaseLost, StoreUnavailable
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.operation import Claim
from tests.integration.conftest import MakeLedger
from tests.integration.ledger_jobs import OUTCOME, RESULT, claimed, found, started
from tests.integration.racing import at_once
from tests.integration.samples import LAPSED, TERMS, make_older, train_job

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
    assert job["progress"] == {"fraction": 0.25, "message": "fitting", "tuning": None}
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
