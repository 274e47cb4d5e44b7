"""The gateway's outbox and waiters, with a real broker and a real record."""

import asyncio
import threading
from typing import Any

import orjson
import pytest
import redis

from modelbus.gateway.jobs.job_waiters import JobWaiters
from modelbus.gateway.jobs.outbox import Outbox
from modelbus.shared.bus import Publisher
from modelbus.shared.bus.queues import INTERACTIVE_HEADER, SENT_AT_HEADER
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.errors import BusUnavailable
from modelbus.shared.store.jobs.ledger import JobLedger
from tests.integration.conftest import MakeConsumer
from tests.integration.ledger_jobs import ANSWER, finish
from tests.integration.messages import receive
from tests.integration.samples import train_job
from tests.integration.services.conftest import MakeOutbox

NOWHERE = "redis://127.0.0.1:1/0"
LONG_S = 30.0
"""A wait that no test that passes waits for."""


# --- the outbox ---


class HeldPublisher(Publisher):
    """A publisher whose broker takes its time: nothing leaves before ``go_on``."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "test")
        self.is_held = threading.Event()
        self.go_on = threading.Event()

    def send(self, *arguments: Any, **options: Any) -> None:
        self.is_held.set()
        assert self.go_on.wait(LONG_S)
        super().send(*arguments, **options)


def body(number: int, **fields: Any) -> bytes:
    return orjson.dumps({"number": number, **fields})


async def send_while_held(outbox: Outbox, publisher: HeldPublisher, letters: list[tuple[str, bytes]]) -> None:
    """Send one that is held, then others meanwhile; then let all leave."""
    tasks = [asyncio.create_task(outbox.send("predict", body(0), "id-0", owner="local"))]
    await asyncio.to_thread(publisher.is_held.wait, LONG_S)
    tasks += [
        asyncio.create_task(outbox.send(queue, content, f"id-{number}", owner="local"))
        for number, (queue, content) in enumerate(letters, start=1)
    ]
    await asyncio.sleep(0)  # each task puts its letter down
    assert not any(task.done() for task in tasks)
    publisher.go_on.set()
    await asyncio.gather(*tasks)


async def test_a_command_that_is_sent_is_on_its_queue_when_send_returns(
    make_outbox: MakeOutbox, broker: redis.Redis, consume: MakeConsumer
) -> None:
    await make_outbox().send("predict", body(1), "id-1", owner="local")
    assert broker.llen("predict") == 1
    [delivery] = receive(consume("predict"))
    assert (delivery.documents, delivery.correlation_id) == ([{"number": 1}], "id-1")
    assert delivery.headers[INTERACTIVE_HEADER]


async def test_the_message_of_a_recorded_job_names_it_and_says_nothing_else(
    make_outbox: MakeOutbox, consume: MakeConsumer
) -> None:
    await make_outbox().send_recorded("train", "id-1")
    [delivery] = receive(consume("train"))
    assert (delivery.documents, delivery.correlation_id) == ([{"job": "id-1"}], "id-1")
    assert delivery.headers.keys() == {SENT_AT_HEADER}


async def test_predictions_that_come_while_one_is_sent_leave_together(
    make_outbox: MakeOutbox, bus_url: str, consume: MakeConsumer
) -> None:
    publisher = HeldPublisher(bus_url)
    await send_while_held(make_outbox(publisher), publisher, [("predict", body(n)) for n in range(1, 21)])
    first, together = receive(consume("predict"), 2)
    assert (first.documents, first.correlation_id) == ([{"number": 0}], "id-0")
    assert together.documents == [{"number": number} for number in range(1, 21)]
    assert all(delivery.headers[INTERACTIVE_HEADER] for delivery in (first, together))


async def test_a_batch_has_no_more_commands_and_no_more_bytes_than_its_limits(
    make_outbox: MakeOutbox, bus_url: str, consume: MakeConsumer
) -> None:
    publisher = HeldPublisher(bus_url)
    letters = [("predict", body(n)) for n in range(1, 6)] + [("predict", body(n, text="x" * 500)) for n in range(6, 9)]
    outbox = make_outbox(publisher, batch_limit=3, message_limit_bytes=2048 + 4 * 1000)
    await send_while_held(outbox, publisher, letters)
    sizes: list[int] = []
    numbers: list[int] = []
    consumer = consume("predict")
    while len(numbers) < 9:
        [delivery] = receive(consumer)
        sizes.append(len(delivery.documents))
        numbers += [document["number"] for document in delivery.documents]
    assert numbers == list(range(9))
    assert sizes == [1, 3, 3, 1, 1], "three at most, and no two of the long ones"


@pytest.mark.parametrize("text", ["x", '"', "\\", "é", "\n"])
async def test_whatever_the_outbox_takes_is_a_message_within_the_limit(
    make_outbox: MakeOutbox, broker: redis.Redis, text: str
) -> None:
    limit = 20_000
    outbox = make_outbox(message_limit_bytes=limit)
    fitting = [count for count in range(limit // 8, limit, 7) if outbox.does_take(body(1, text=text * count))]
    largest = body(1, text=text * max(fitting))
    assert len(largest) > limit / 2 - 2000
    await outbox.send("predict", largest, new_correlation_id(), owner="o" * 100)
    assert broker.llen("predict") == 1
    assert len(broker.lindex("predict", 0)) <= limit


async def test_recorded_jobs_of_other_lanes_travel_one_by_one(
    make_outbox: MakeOutbox, bus_url: str, consume: MakeConsumer
) -> None:
    publisher = HeldPublisher(bus_url)
    outbox = make_outbox(publisher)
    tasks = [asyncio.create_task(outbox.send_recorded("predict", "id-0"))]
    await asyncio.to_thread(publisher.is_held.wait, LONG_S)
    letters = [("train", "id-1"), ("predict", "id-2"), ("train", "id-3"), ("predict", "id-4")]
    tasks += [asyncio.create_task(outbox.send_recorded(queue, job)) for queue, job in letters]
    await asyncio.sleep(0)
    publisher.go_on.set()
    await asyncio.gather(*tasks)
    trains = receive(consume("train"), 2)
    assert [delivery.documents for delivery in trains] == [[{"job": "id-1"}], [{"job": "id-3"}]]
    assert [delivery.correlation_id for delivery in trains] == ["id-1", "id-3"]
    assert [len(delivery.documents) for delivery in receive(consume("predict"), 2)] == [1, 2]


async def test_whoever_sends_without_a_broker_is_told(make_outbox: MakeOutbox) -> None:
    outbox = make_outbox(Publisher(NOWHERE, "test"))
    answers = await asyncio.gather(
        *(outbox.send("predict", body(n), f"id-{n}", owner="local") for n in range(5)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {BusUnavailable}


async def test_a_sender_that_went_away_does_not_disturb_the_others(
    make_outbox: MakeOutbox, bus_url: str, consume: MakeConsumer
) -> None:
    publisher = HeldPublisher(bus_url)
    outbox = make_outbox(publisher)
    tasks = [asyncio.create_task(outbox.send("predict", body(n), f"id-{n}", owner="local")) for n in range(3)]
    await asyncio.to_thread(publisher.is_held.wait, LONG_S)
    tasks[1].cancel()
    publisher.go_on.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), asyncio.CancelledError, type(None)]


async def test_what_waits_leaves_before_the_outbox_closes(bus_url: str, consume: MakeConsumer) -> None:
    publisher = HeldPublisher(bus_url)
    outbox = Outbox(publisher, batch_limit=100, message_limit_bytes=10**6)
    tasks = [asyncio.create_task(outbox.send_recorded("train", f"id-{n}")) for n in range(5)]
    await asyncio.to_thread(publisher.is_held.wait, LONG_S)
    closing = asyncio.create_task(outbox.close())
    await asyncio.sleep(0)
    publisher.go_on.set()
    await asyncio.gather(closing, *tasks)
    assert len(receive(consume("train"), 5)) == 5


# --- the waiters ---


async def test_an_event_wakes_whoever_waits_for_its_job(waiters: JobWaiters, ledger: JobLedger) -> None:
    correlation_id = new_correlation_id()
    first, second = waiters.register(correlation_id), waiters.register(correlation_id)
    waiters.hear([finish(ledger, correlation_id)])
    jobs = await asyncio.gather(
        waiters.wait(correlation_id, first, LONG_S), waiters.wait(correlation_id, second, LONG_S)
    )
    assert [job and job["result"] for job in jobs] == [ANSWER, ANSWER]
    assert not waiters._waiting


async def test_one_event_message_wakes_many(waiters: JobWaiters, ledger: JobLedger) -> None:
    ids = [new_correlation_id() for _ in range(50)]
    futures = [waiters.register(correlation_id) for correlation_id in ids]
    waiters.hear([finish(ledger, correlation_id) for correlation_id in ids])
    jobs = await asyncio.gather(
        *(waiters.wait(correlation_id, future, LONG_S) for correlation_id, future in zip(ids, futures, strict=True))
    )
    assert [job and job["_id"] for job in jobs] == ids


async def test_whoever_misses_the_event_finds_the_record(waiters: JobWaiters, ledger: JobLedger) -> None:
    correlation_id = new_correlation_id()
    future = waiters.register(correlation_id)
    finish(ledger, correlation_id)
    job = await waiters.wait(correlation_id, future, LONG_S)
    assert job is not None
    assert job["status"] == "succeeded"


async def test_an_event_alone_is_no_end(waiters: JobWaiters, ledger: JobLedger) -> None:
    job = train_job()
    ledger.accept(job)
    future = waiters.register(job.correlation_id)
    for status in ("running", "succeeded"):
        waiters.hear([{"correlation_id": job.correlation_id, "status": status}])
    assert await waiters.wait(job.correlation_id, future, 0.1) is None
    assert not waiters._waiting, "nobody waits any more"


async def test_events_of_any_shape_and_of_unknown_jobs_are_passed_over(waiters: JobWaiters, ledger: JobLedger) -> None:
    correlation_id = new_correlation_id()
    future = waiters.register(correlation_id)
    waiters.hear([{}, {"status": "succeeded"}, {"correlation_id": None, "status": "failed"}, {"status": "lost"}])
    waiters.hear([{"correlation_id": new_correlation_id(), "status": "succeeded"}])
    waiters.hear([finish(ledger, correlation_id)])
    assert await waiters.wait(correlation_id, future, LONG_S) is not None


async def test_whoever_stops_waiting_leaves_nothing_behind(waiters: JobWaiters, ledger: JobLedger) -> None:
    correlation_id = new_correlation_id()
    gone, patient = waiters.register(correlation_id), waiters.register(correlation_id)
    task = asyncio.create_task(waiters.wait(correlation_id, gone, LONG_S))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    waiters.hear([finish(ledger, correlation_id)])
    assert await waiters.wait(correlation_id, patient, LONG_S) is not None
    assert not waiters._waiting
