"""A MongoDB that accepts and never answers: requests end, running jobs keep their leases, and all recovers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from aiohttp.test_utils import TestClient, TestServer
from pymongo import MongoClient
from structlog.typing import EventDict

from modelbus.gateway.app import create_app
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.errors import LeaseLost, StoreUnavailable
from modelbus.shared.settings import Settings
from modelbus.shared.store import connection
from modelbus.shared.store.connection import Document
from modelbus.shared.store.drivers import gateway_store
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.ledger import JobLedger, terms_of
from modelbus.shared.worker import outage_watch
from modelbus.shared.worker.outage_watch import OutageWatch
from modelbus.shared.worker.sweeper import Sweeper
from modelbus.stack import LocalStack
from tests.integration.black_hole import BlackHole, black_hole, silent_server
from tests.integration.samples import train_command
from tests.integration.worker_bench import Bench, opened, quick_settings, working
from tests.unit.commands import PREDICT, TRAIN
from tests.unit.gateway.asked_gateway import Answer, AskedGateway
from tests.waiting import wait_until

ANSWER_S = 0.5
"""What the gateway waits for MongoDB in these tests; the socket would wait for half a minute."""
ENDLESS_S = 20.0
"""An answer that is not there by then is none: less than the socket's time-out, more than any busy machine needs."""


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that finds out soon that a server has fallen silent, or speaks again."""
    monkeypatch.setattr(gateway_store, "ANSWER_S", ANSWER_S)
    for option in ("connectTimeoutMS", "heartbeatFrequencyMS"):
        monkeypatch.setitem(connection._OPTIONS, option, 500)


@pytest.fixture
def proxy(servers: LocalStack) -> Iterator[BlackHole]:
    """What stands before MongoDB, and can fall silent."""
    address = urlsplit(servers.mongo_url)
    assert address.port is not None
    with black_hole(str(address.hostname), address.port) as proxy:
        yield proxy


def url_of(port: int) -> str:
    return f"mongodb://127.0.0.1:{port}/?directConnection=true"


# --- the gateway ---


@contextlib.asynccontextmanager
async def asked(
    servers: LocalStack, mongo_url: str, database: str, bus_url: str | None = None
) -> AsyncIterator[AskedGateway]:
    bus_url = bus_url or servers.bus_url.removesuffix("/0") + "/4"
    given = {"mongo_url": mongo_url, "mongo_database": database, "bus_url": bus_url}
    async with TestClient(TestServer(create_app(Settings.model_validate(given)))) as client:
        yield AskedGateway(client)


BODY = {name: value for name, value in TRAIN.items() if name != "command"}
ROWS = {"rows": PREDICT["rows"]}
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/jobs", None),
    ("GET", f"/jobs/{new_correlation_id()}", None),
    ("GET", f"/jobs/{new_correlation_id()}?wait=0.2", None),
    ("GET", "/datasets/customers", None),
    ("GET", "/models", None),
    ("GET", "/services", None),
    ("GET", "/dead-letters", None),
    ("GET", "/logs", None),
    ("POST", "/models?wait=0.2", BODY),
    ("POST", "/models/churn/predict?wait=0.2", ROWS),
    ("POST", "/models/churn/predict?wait=0", ROWS),
    ("POST", f"/jobs/{new_correlation_id()}/replay", None),
]


async def answers(gateway: AskedGateway) -> list[Answer]:
    """What each of the requests is answered, all asked at once, none of them waited for without end."""
    async with asyncio.timeout(ENDLESS_S):
        return await asyncio.gather(*(gateway.ask(*request) for request in REQUESTS))


async def test_every_request_is_told_that_a_silent_mongodb_does_not_answer(servers: LocalStack) -> None:
    with silent_server() as port:
        async with asked(servers, url_of(port), "silent") as gateway:
            found = await answers(gateway)

    assert {(answer.status, answer.code) for answer in found} == {(503, "store_unavailable")}
    assert all(answer.headers["Retry-After"] for answer in found)


async def test_requests_end_when_mongodb_falls_silent_and_are_answered_when_it_speaks_again(
    servers: LocalStack, proxy: BlackHole, database_name: str
) -> None:
    async with asked(servers, url_of(proxy.port), database_name) as gateway:
        before = await answers(gateway)
        assert 503 not in {answer.status for answer in before}
        proxy.fall_silent()
        silent = await answers(gateway)
        ready = await gateway.ask("GET", "/health/ready")
        live = await gateway.ask("GET", "/health/live")
        proxy.speak_again()

        async def is_answered() -> bool:
            return (await gateway.ask("GET", "/jobs")).status == 200

        async with asyncio.timeout(ENDLESS_S):
            while not await is_answered():
                pass
        after = await answers(gateway)

    assert {(answer.status, answer.code) for answer in silent} == {(503, "store_unavailable")}
    assert (ready.status, live.status) == (503, 200)
    assert [answer.status for answer in after] == [answer.status for answer in before]


async def test_requests_of_a_gateway_whose_broker_is_silent_are_accepted_within_their_wait(
    servers: LocalStack, database_name: str
) -> None:
    with silent_server() as port:
        async with asked(servers, servers.mongo_url, database_name, f"redis://127.0.0.1:{port}/0") as gateway:
            async with asyncio.timeout(ENDLESS_S):
                first = await gateway.ask("POST", "/models/churn/predict?wait=0.2", ROWS)
                predictions = await asyncio.gather(
                    *(gateway.ask("POST", f"/models/churn/predict?wait={wait}", ROWS) for wait in (0, 0.2, 0.2, 0.2))
                )
                listed = await gateway.ask("GET", "/jobs")

    assert {answer.status for answer in [first, *predictions]} == {202}
    assert {job["status"] for job in listed.document["jobs"]} == {"queued"}
    assert len(listed.document["jobs"]) == 1 + len(predictions), "all of them are recorded, for the sweep to send"


@pytest.fixture
def database_name(servers: LocalStack) -> Iterator[str]:
    name = f"test-{new_correlation_id()[:12]}"
    yield name
    with MongoClient[Document](servers.mongo_url) as client:
        client.drop_database(name)


# --- a worker ---


@pytest.mark.timeout(180)
@pytest.mark.parametrize("ends_in_silence", [False, True], ids=["goes on", "ends meanwhile"])
def test_a_running_job_outlives_the_silence_of_mongodb_in_its_first_attempt(
    servers: LocalStack,
    broker: redis.Redis,
    fork_server: None,
    proxy: BlackHole,
    tmp_path: Path,
    logged: list[EventDict],
    ends_in_silence: bool,
) -> None:
    settings = quick_settings(servers, mongo_url=url_of(proxy.port), lease_s=2, heartbeat_s=0.2)
    with opened(settings) as (tools, sweeper), working(tools) as bench:
        sweeper.start()
        correlation_id = bench.send("report_until_file", file=str(tmp_path / "go"))
        bench.child_of(correlation_id)
        proxy.fall_silent()
        outlast_lease(servers, settings, correlation_id)
        assert "job.heartbeat_missed" in {line["event"] for line in list(logged)}
        if ends_in_silence:
            (tmp_path / "go").touch()
            wait_until(lambda: "job.record_delayed" in {line["event"] for line in list(logged)}, "the end is held back")
        proxy.speak_again()
        wait_until_beating(bench, correlation_id, is_over=ends_in_silence)
        (tmp_path / "go").touch()
        job = bench.wait_for(correlation_id)
        assert (job["status"], job["attempt"]) == ("succeeded", 1)
        assert bench.run("nothing")["status"] == "succeeded", "the worker takes the next one"
        sweeper.stop()
    assert "job.lapsed" not in {line["event"] for line in logged}


def outlast_lease(servers: LocalStack, settings: Settings, correlation_id: str) -> None:
    """Wait until the job's lease has lapsed by MongoDB's own clock, which is asked past the silence."""
    with MongoClient[Document](servers.mongo_url) as client:
        jobs = client[settings.mongo_database]["jobs"]
        lapsed = {"_id": correlation_id, "status": "running", "$expr": {"$lt": ["$lease.until", "$$NOW"]}}
        wait_until(lambda: jobs.count_documents(lapsed) == 1, "the lease has lapsed")


def wait_until_beating(bench: Bench, correlation_id: str, *, is_over: bool) -> None:
    ledger: JobLedger = bench.tools.ledger

    def has_recovered() -> bool:
        with contextlib.suppress(Exception):
            job = ledger.find(correlation_id)
            lease = (job or {}).get("lease")
            return bool(job) and (is_over or bool(lease))
        return False

    wait_until(has_recovered, "MongoDB is heard again", 60)


def test_a_lease_that_lapsed_in_an_outage_takes_no_job_from_a_worker_that_is_alive(
    servers: LocalStack, broker: redis.Redis, proxy: BlackHole
) -> None:
    settings = quick_settings(servers, mongo_url=url_of(proxy.port), lease_s=60)
    with opened(settings) as (tools, sweeper), MongoClient[Document](servers.mongo_url, tz_aware=True) as client:
        short = replace(terms_of(settings), lease_s=0.1)
        worker = JobLedger(client[settings.mongo_database], short, "worker-that-is-alive")
        job = new_job(train_command(), new_correlation_id(), door="http")
        worker.accept(job)
        claimed = worker.claim(job.correlation_id)
        assert claimed is not None
        proxy.fall_silent()
        with pytest.raises(StoreUnavailable):
            sweeper.sweep()
        outlast_lease(servers, settings, job.correlation_id)
        proxy.speak_again()
        wait_until(lambda: swept(sweeper), "MongoDB is heard again")
        assert worker.heartbeat(claimed[0]) is False, "it has its job still"
        sweeper._outage = OutageWatch(tools.ledger, lease_s=0)
        outlast_lease(servers, settings, job.correlation_id)
        wait_until(lambda: swept(sweeper), "MongoDB is heard again")
        with pytest.raises(LeaseLost):
            worker.heartbeat(claimed[0])


def swept(sweeper: Sweeper) -> bool:
    """Sweep once; whether MongoDB answered."""
    try:
        sweeper.sweep()
    except StoreUnavailable:
        return False
    return True


def test_an_answer_that_was_held_up_is_an_outage_too(monkeypatch: pytest.MonkeyPatch, ledger: JobLedger) -> None:
    watch = OutageWatch(ledger, lease_s=60)
    assert watch.is_over()
    monkeypatch.setattr(outage_watch, "_SLOW_S", 0)
    assert not watch.is_over()
    monkeypatch.undo()
    assert not watch.is_over(), "for as long as those who are alive need"


def test_a_worker_whose_mongodb_is_silent_hands_its_message_back_and_does_it_afterwards(
    servers: LocalStack, broker: redis.Redis, fork_server: None, proxy: BlackHole, logged: list[EventDict]
) -> None:
    settings = quick_settings(servers, mongo_url=url_of(proxy.port), lease_s=2)
    with opened(settings) as (tools, _), working(tools) as bench:
        bench.run("nothing")
        proxy.fall_silent()
        correlation_id = bench.send("nothing")
        wait_until(lambda: "bus.requeued" in {line["event"] for line in list(logged)}, "the message is handed back", 60)
        proxy.speak_again()
        job = wait_until(lambda: found_of(bench, correlation_id), "the job is done", 60)
        assert (job["status"], job["attempt"]) == ("succeeded", 1)


def found_of(bench: Bench, correlation_id: str) -> Document | None:
    with contextlib.suppress(Exception):
        job = bench.job(correlation_id)
        return job if job.get("status") == "succeeded" else None
    return None
