"""A job that has ended: it never changes, may be replayed, and is kept for its time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from modelbus.shared.contracts import ExportDataset, ReadRows, new_correlation_id
from modelbus.shared.errors import EstimatorRejected, LeaseLost, StoreUnavailable
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger
from modelbus.shared.store.jobs.repair import Waiting
from modelbus.shared.store.operation import HISTORY_LIMIT, Claim
from tests.integration.conftest import MakeLedger
from tests.integration.ledger_jobs import OUTCOME, RESULT, claimed, found, started
from tests.integration.samples import AT_ONCE, TERMS, job_of, train_job

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
    assert list(ledger.due_for_publication("train", Waiting(is_empty=True))) == []
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
    assert [entry["event"] for entry in history[-3:]] == ["released", "claimed", "succeeded"]
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
