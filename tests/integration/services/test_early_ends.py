"""Jobs that are cancelled and keep what they have: by their own offer, in their time, and told honestly."""

from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.stack import LocalStack
from tests.integration.ledger_jobs import OUTCOME, found, started
from tests.integration.samples import train_job
from tests.integration.worker_bench import Bench, opened, quick_settings, working
from tests.waiting import is_alive, wait_until

KEPT = {**OUTCOME, "survives_cancel": True}


def cancel(bench: Bench, correlation_id: str) -> int:
    """Cancel a job that runs; returns its process id."""
    child = bench.child_of(correlation_id)
    assert bench.tools.ledger.request_cancel(correlation_id)
    return child


def test_a_job_that_offered_it_is_asked_to_end_and_keeps_what_it_has(bench: Bench) -> None:
    correlation_id = bench.send("end_when_asked", survives_cancel=True)
    child = cancel(bench, correlation_id)

    job = bench.wait_for(correlation_id)

    assert (job["status"], job["cancel_requested"]) == ("succeeded", True)
    assert job["result"]["stopped_early"] == "cancelled"
    assert job["result"]["pid"] == child, "it was not done again"
    assert [entry["event"] for entry in job["history"]] == ["accepted", "claimed", "succeeded"]


def test_what_was_not_to_be_kept_is_cancelled_even_if_it_ends_by_itself(bench: Bench) -> None:
    correlation_id = bench.send("end_when_asked")
    cancel(bench, correlation_id)

    job = bench.wait_for(correlation_id)

    assert (job["status"], job["result"]) == ("cancelled", None)


def test_a_job_that_offered_nothing_is_killed_at_once(bench: Bench) -> None:
    correlation_id = bench.send("sleep", survives_cancel=True)
    child = cancel(bench, correlation_id)

    assert bench.wait_for(correlation_id)["status"] == "cancelled"
    wait_until(lambda: not is_alive(child), "its process is gone")


def test_a_job_that_does_not_end_in_its_time_is_killed(
    servers: LocalStack, broker: redis.Redis, fork_server: None, tmp_path: Path
) -> None:
    settings = quick_settings(servers, keep_best_grace_s=0.5)
    with opened(settings) as (tools, _), working(tools) as bench, capture_logs() as lines:
        correlation_id = bench.send("end_when_asked", survives_cancel=True, file=str(tmp_path / "never"))
        child = cancel(bench, correlation_id)

        assert bench.wait_for(correlation_id)["status"] == "cancelled"
        wait_until(lambda: not is_alive(child), "its process is gone")
    assert [line["event"] for line in lines].count("job.stop_requested") == 1


def test_while_it_ends_its_lease_is_kept(
    servers: LocalStack, broker: redis.Redis, fork_server: None, tmp_path: Path
) -> None:
    settings = quick_settings(servers, lease_s=0.6, heartbeat_s=0.1)
    with opened(settings) as (tools, sweeper), working(tools) as bench:
        correlation_id = bench.send("end_when_asked", survives_cancel=True, file=str(tmp_path / "go"))
        cancel(bench, correlation_id)
        first = bench.job(correlation_id)["lease"]["until"]

        def is_extended() -> bool:
            sweeper.sweep()
            job = bench.job(correlation_id)
            assert job["status"] == "running", job
            return (job["lease"]["until"] - first).total_seconds() > 2 * settings.lease_s

        wait_until(is_extended, "the lease outlasts two of its terms")
        (tmp_path / "go").touch()
        assert bench.wait_for(correlation_id)["status"] == "succeeded"


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_cancelled_job_commits_only_what_survives_that(ledger: JobLedger, is_kept: bool) -> None:
    claim = started(ledger, train_job())
    ledger.request_cancel(claim.correlation_id)

    assert ledger.commit(claim, KEPT if is_kept else OUTCOME) is is_kept

    assert (found(ledger, claim.correlation_id)["outcome"] is not None) is is_kept
    assert ledger.commit(claim, KEPT) is True, "once more gives the same, or what was not refused"
    ended = ledger.complete(claim, {"stopped_early": "cancelled"})
    assert (ended["status"], ended["cancel_requested"]) == ("succeeded", True)


def test_a_committed_job_is_finished_though_it_was_cancelled_and_its_worker_died(
    servers: LocalStack, broker: redis.Redis, fork_server: None
) -> None:
    with opened(quick_settings(servers, lease_s=0.3)) as (tools, sweeper):
        job = train_job()
        tools.ledger.accept(job)
        taken = tools.ledger.claim(job.correlation_id)
        assert taken is not None
        tools.ledger.request_cancel(job.correlation_id)
        kept = {"kind": "predictions", "blobs": {}, "report": {"a": 1}, "survives_cancel": True}
        assert tools.ledger.commit(taken[0], kept)

        def is_finished() -> bool:
            sweeper.sweep()
            return (tools.ledger.find(job.correlation_id) or {})["status"] == "succeeded"

        wait_until(is_finished, "another one finishes it")
