"""Jobs that outlast their limit, their worker or their database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from modelbus.stack import LocalStack
from tests.integration.worker_bench import opened, quick_settings, working
from tests.stack_fixtures import started
from tests.waiting import is_alive, wait_until


def test_a_job_that_runs_too_long_is_ended(servers: LocalStack, broker: redis.Redis, fork_server: None) -> None:
    settings = quick_settings(servers, job_time_limit_s=0.5)
    with opened(settings) as (tools, _), working(tools) as bench:
        job = bench.run("sleep_deaf")
        assert (job["status"], job["error"]["code"]) == ("failed", "timed_out")
        assert "time limit of 0.5 s (MODELBUS_JOB_TIME_LIMIT_S)" in job["error"]["message"]


def test_a_worker_that_stops_hands_its_job_back_and_another_does_it(
    servers: LocalStack, broker: redis.Redis, fork_server: None, tmp_path: Path
) -> None:
    with opened(quick_settings(servers)) as (tools, sweeper):
        with working(tools) as bench:
            correlation_id = bench.send("wait_for_file", file=str(tmp_path / "go"))
            child = bench.child_of(correlation_id)
        assert not is_alive(child)
        job = bench.job(correlation_id)
        assert (job["status"], job["attempt"], job["lease"]) == ("queued", 0, None)
        (tmp_path / "go").touch()
        sweeper.sweep()
        with working(tools) as other:
            job = other.wait_for(correlation_id)
        assert (job["status"], job["attempt"]) == ("succeeded", 1)
        assert [entry["event"] for entry in job["history"]] == [
            "accepted",
            "claimed",
            "released",
            "claimed",
            "succeeded",
        ]


def test_a_stopping_worker_lets_a_job_end_that_takes_no_longer_than_its_grace(
    servers: LocalStack, broker: redis.Redis, fork_server: None, tmp_path: Path
) -> None:
    with opened(quick_settings(servers, stop_grace_s=30)) as (tools, _), working(tools) as bench:
        correlation_id = bench.send("wait_for_file", file=str(tmp_path / "go"))
        bench.child_of(correlation_id)
        bench.worker.stop()
        (tmp_path / "go").touch()
        assert bench.wait_for(correlation_id)["status"] == "succeeded"
        wait_until(lambda: not bench.thread.is_alive(), "the worker ends long before its grace does")


@pytest.fixture
def fragile(servers: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A MongoDB that may be killed."""
    folder = tmp_path_factory.mktemp("fragile") / ".modelbus"
    with started(LocalStack(folder, services=(), bus_url=servers.bus_url)) as stack:
        yield stack


def test_what_a_job_gave_while_mongodb_was_away_is_recorded_when_it_is_back(
    fragile: LocalStack, broker: redis.Redis, fork_server: None, tmp_path: Path
) -> None:
    settings = quick_settings(fragile, lease_s=30, heartbeat_s=0.2)
    record = tmp_path / "runs"
    with opened(settings) as (tools, _), working(tools) as bench:
        correlation_id = bench.send("wait_for_file", file=str(tmp_path / "go"), record=str(record))
        bench.child_of(correlation_id)
        waiting = bench.send("nothing")
        fragile.kill("mongod")
        (tmp_path / "go").touch()
        fragile.wait_until_ready("mongod")
        job = bench.wait_for(correlation_id)
        assert (job["status"], job["attempt"]) == ("succeeded", 1)
        assert record.read_text() == f"{correlation_id} 1\n", "it was done once"
        assert bench.wait_for(waiting)["status"] == "succeeded", "what waited is done as well"
