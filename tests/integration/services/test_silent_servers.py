"""Servers that accept connections and never answer: nobody is held up by them, and everything still stops."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from modelbus.gateway.jobs.backlog import Backlog
from modelbus.gateway.jobs.dispatch import Dispatcher
from modelbus.gateway.jobs.job_waiters import JobWaiters
from modelbus.gateway.jobs.outbox import Outbox
from modelbus.shared.bus import EventPublisher, Publisher
from modelbus.shared.contracts import Predict, new_correlation_id
from modelbus.shared.errors import BusUnavailable
from modelbus.shared.observing.background_sender import BackgroundSender
from modelbus.shared.observing.log_shipper import LogShipper
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import open_async_store
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.jobs.ledger import JobLedger, terms_of
from modelbus.shared.store.logs.log_batches import open_log_shipper
from modelbus.stack import LocalStack
from tests.integration.black_hole import black_hole, silent_server
from tests.integration.conftest import MakeSubscriber
from tests.integration.samples import changed, train_command
from tests.integration.worker_bench import Bench, opened, quick_settings, working
from tests.waiting import TIMEOUT_S, wait_until

SOON_S = 0.05
"""A wait that must be over long before a silent server's socket times out."""


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Where a broker should be that never answers."""
    with silent_server() as port:
        yield f"redis://127.0.0.1:{port}/0"


def is_hanging(sender: BackgroundSender[object]) -> bool:
    """Whether the sender's thread is in the middle of a sending."""
    return sender._sending_since is not None


def wait_until_hanging(sender: BackgroundSender[object]) -> None:
    wait_until(lambda: is_hanging(sender), "the sender tries to send")


# --- the outbox ---


@pytest.fixture
async def outbox(silent_url: str) -> AsyncIterator[Outbox]:
    outbox = Outbox(Publisher(silent_url, "test"), batch_limit=100, message_limit_bytes=10**6)
    yield outbox
    await outbox.close(SOON_S)


async def refused(outbox: Outbox, wait_s: float = TIMEOUT_S) -> str:
    """Send a command in vain; why it was not sent."""
    with pytest.raises(BusUnavailable) as caught:
        await outbox.send("train", b"{}", new_correlation_id(), owner="local", wait_s=wait_s)
    return caught.value.message


async def hung(outbox: Outbox) -> asyncio.Task[str]:
    """A command whose sending hangs for so long that the broker counts as silent."""
    first = asyncio.create_task(refused(outbox))
    await asyncio.to_thread(wait_until, lambda: not outbox._sender._has_room(1), "the broker counts as silent")
    assert is_hanging(outbox._sender)
    return first


async def test_a_command_waits_for_a_silent_broker_no_longer_than_its_sender_wants(outbox: Outbox) -> None:
    assert await refused(outbox, SOON_S) == f"the message broker did not accept the command within {SOON_S:g} s"
    assert is_hanging(outbox._sender)


async def test_commands_that_come_while_the_broker_is_silent_are_refused_at_once(outbox: Outbox) -> None:
    first = await hung(outbox)
    reasons = await asyncio.gather(*(refused(outbox) for _ in range(50)))
    assert set(reasons) == {"the message broker is not responding"}
    assert not first.done(), "they did not wait for the one that hangs"
    assert is_hanging(outbox._sender)
    first.cancel()


async def test_the_outbox_closes_though_its_broker_is_silent(silent_url: str) -> None:
    outbox = Outbox(Publisher(silent_url, "test"), batch_limit=100, message_limit_bytes=10**6)
    first = asyncio.create_task(refused(outbox))
    await asyncio.to_thread(wait_until_hanging, outbox._sender)
    second = asyncio.create_task(refused(outbox))
    await asyncio.sleep(0)  # it puts its letter down
    await outbox.close(SOON_S)
    assert is_hanging(outbox._sender), "what hangs was not waited for"
    assert await second == "the command was not sent, because the gateway is stopping"
    assert not first.done()
    first.cancel()


async def test_commands_are_accepted_as_jobs_while_the_broker_is_silent(
    outbox: Outbox, settings: Settings, ledger: JobLedger
) -> None:
    first = await hung(outbox)
    database = open_async_store(settings)
    records = JobRecords(database, terms_of(settings))
    waiters = JobWaiters(records)
    dispatcher = Dispatcher(records, outbox, waiters, Backlog(records, 1000))
    predict = Predict(command="Predict", model="churn", rows=[{"a": 1}])
    asked = [dispatcher.predict(predict, new_correlation_id(), owner="local", wait_s=TIMEOUT_S) for _ in range(5)]
    asked += [dispatcher.submit(train_command(), new_correlation_id(), owner="local") for _ in range(5)]
    jobs = await asyncio.gather(*asked)
    assert {job["status"] for job in jobs} == {"queued"}
    assert all(ledger.find(job["_id"]) for job in jobs), "the sweep will send them"
    assert not first.done(), "nobody waited for the broker"
    first.cancel()
    await dispatcher.close()
    await waiters.close()
    await database.client.close()


# --- events ---


def test_events_that_a_silent_broker_does_not_take_hold_nobody_up(silent_url: str) -> None:
    events = EventPublisher(Publisher(silent_url, "test"))
    for _ in range(1000):
        events.publish([changed()], [("answers", changed(status="succeeded"))])
    wait_until_hanging(events._sender)
    events.close(SOON_S)
    assert is_hanging(events._sender), "what hangs was not waited for"
    events.publish([changed()])


@pytest.mark.timeout(180)
def test_running_jobs_keep_their_leases_while_the_broker_is_silent(
    servers: LocalStack, broker: redis.Redis, fork_server: None, subscribe: MakeSubscriber, tmp_path: Path
) -> None:
    address = urlsplit(servers.bus_url)
    assert address.port is not None
    heard = subscribe()
    with black_hole(str(address.hostname), address.port) as proxy:
        settings = quick_settings(
            servers, bus_url=f"redis://127.0.0.1:{proxy.port}/0", lease_s=1, heartbeat_s=0.1, concurrency=4
        )
        with opened(settings) as (tools, _), working(tools) as bench:
            ids = [bench.send("report_until_file", file=str(tmp_path / "go")) for _ in range(4)]
            for correlation_id in ids:
                bench.child_of(correlation_id)
            proxy.fall_silent()
            outlast_leases(bench, ids, terms=5)
            (tmp_path / "go").touch()
            ended = [bench.wait_for(correlation_id) for correlation_id in ids]
            assert is_hanging(tools.events._sender) or tools.events._sender._failures, "all of that in the silence"
            proxy.speak_again()
            assert [(job["status"], job["attempt"]) for job in ended] == [("succeeded", 1)] * 4
            last = changed(status="succeeded")
            tools.events.publish([last])
            wait_until(
                lambda: any(event["correlation_id"] == last.correlation_id for event in heard),
                "events are heard again",
                60,
            )


def outlast_leases(bench: Bench, ids: list[str], terms: int) -> None:
    """Wait until the jobs' leases have been extended by some terms, with another worker that would take lapsed ones."""
    settings = bench.tools.settings
    other = JobLedger(bench.tools.database, terms_of(settings), "another worker")
    first = max(bench.job(correlation_id)["lease"]["until"] for correlation_id in ids)

    def are_extended() -> bool:
        assert list(other.lapse()) == []
        leases = [bench.job(correlation_id)["lease"] for correlation_id in ids]
        return all((lease["until"] - first).total_seconds() > terms * settings.lease_s for lease in leases)

    wait_until(are_extended, "the leases outlast some of their terms")


# --- log lines ---


def test_log_lines_that_a_silent_mongodb_does_not_take_hold_nobody_up(settings: Settings) -> None:
    with silent_server() as port:
        url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        shipper = open_log_shipper(
            Settings.model_validate({**dict(settings), "mongo_url": url, "log_buffer_bytes": 65536}), "trainer"
        )
        assert shipper is not None
        shipper.start()
        put_line(shipper)
        wait_until_hanging(shipper._sender)
        for _ in range(1000):
            put_line(shipper)
        assert is_hanging(shipper._sender) or shipper._sender._failures == 1, "nobody waited for the one that hangs"
        assert 0 < len(shipper._sender._waiting) < 1000, "the oldest were lost"
        shipper.stop(SOON_S)
        assert shipper._sender._thread.is_alive(), "what hangs was not waited for"


def put_line(shipper: LogShipper) -> None:
    fields = {"timestamp": "2031-05-04T12:00:00.000000Z", "level": "info", "event": "job.finished"}
    shipper.put(json.dumps(fields).encode(), fields)
