"""The gateway's outbox, waiters and dispatcher, with a real broker and a real record."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
import redis

from modelbus.gateway.jobs.backlog import Backlog
from modelbus.gateway.jobs.dispatch import Dispatcher
from modelbus.gateway.jobs.job_waiters import JobWaiters
from modelbus.gateway.jobs.outbox import Outbox
from modelbus.shared.bus import Publisher
from modelbus.shared.bus.queues import INTERACTIVE_HEADER, SENT_AT_HEADER
from modelbus.shared.contracts import Predict, new_correlation_id
from modelbus.shared.contracts.documents.job_documents import ListedJob
from modelbus.shared.errors import BacklogFull, BusUnavailable, CorrelationIdReused, JobFinished, UnknownJob
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document, open_async_store
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger, terms_of
from tests.integration.conftest import MakeConsumer
from tests.integration.messages import receive
from tests.integration.samples import train_command, train_job

NOWHERE = "redis://127.0.0.1:1/0"
RESULT = {"predictions": [1]}
LONG_S = 30.0
"""A wait that no test that passes waits for."""


async def eventually(condition: Callable[[], Any], what: str) -> None:
    """Wait on the event loop until the condition holds."""
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        await asyncio.sleep(0.01)


async def eventually_passes(action: Callable[[], Any], passing: type[Exception]) -> None:
    """Do it again until it raises no such error."""
    deadline = time.monotonic() + LONG_S
    while True:
        try:
            return await action()
        except passing:
            assert time.monotonic() < deadline, "in vain"
            await asyncio.sleep(0.05)


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


MakeOutbox = Callable[..., Outbox]


@pytest.fixture
async def make_outbox(bus_url: str) -> AsyncIterator[MakeOutbox]:
    opened: list[Outbox] = []

    def make_outbox(
        publisher: Publisher | None = None, batch_limit: int = 100, message_limit_bytes: int = 10**6
    ) -> Outbox:
        opened.append(
            Outbox(
                publisher or Publisher(bus_url, "test"),
                batch_limit=batch_limit,
                message_limit_bytes=message_limit_bytes,
            )
        )
        return opened[-1]

    yield make_outbox
    for outbox in opened:
        await outbox.close()


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


@pytest.fixture
async def records(settings: Settings) -> AsyncIterator[JobRecords]:
    database = open_async_store(settings)
    yield JobRecords(database, terms_of(settings))
    await database.client.close()


@pytest.fixture
async def waiters(records: JobRecords) -> AsyncIterator[JobWaiters]:
    waiters = JobWaiters(records)
    yield waiters
    await waiters.close()


def finish(ledger: JobLedger, correlation_id: str) -> Document:
    """End a job as a worker does; returns the event that it would send."""
    ledger.record_finished([FinishedJob(train_job(correlation_id), RESULT, None)])
    return {"correlation_id": correlation_id, "status": "succeeded"}


async def test_an_event_wakes_whoever_waits_for_its_job(waiters: JobWaiters, ledger: JobLedger) -> None:
    correlation_id = new_correlation_id()
    first, second = waiters.register(correlation_id), waiters.register(correlation_id)
    waiters.hear([finish(ledger, correlation_id)])
    jobs = await asyncio.gather(
        waiters.wait(correlation_id, first, LONG_S), waiters.wait(correlation_id, second, LONG_S)
    )
    assert [job and job["result"] for job in jobs] == [RESULT, RESULT]
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


# --- the dispatcher ---


MakeDispatcher = Callable[..., Dispatcher]


@pytest.fixture
async def make_dispatcher(
    records: JobRecords, waiters: JobWaiters, make_outbox: MakeOutbox
) -> AsyncIterator[MakeDispatcher]:
    opened: list[Dispatcher] = []

    def make_dispatcher(publisher: Publisher | None = None, *, backlog_limit: int = 100, **limits: int) -> Dispatcher:
        opened.append(Dispatcher(records, make_outbox(publisher, **limits), waiters, Backlog(records, backlog_limit)))
        return opened[-1]

    yield make_dispatcher
    for dispatcher in opened:
        await dispatcher.close()


def predict_command() -> Predict:
    return Predict.model_validate({"model": "churn", "rows": [{"age": 42}]})


async def test_a_submitted_command_is_recorded_and_sent(
    make_dispatcher: MakeDispatcher, ledger: JobLedger, consume: MakeConsumer
) -> None:
    correlation_id = new_correlation_id()
    job = await make_dispatcher().submit(train_command(), correlation_id, owner="local")
    assert (job["status"], job["door"], job["spec"]["model"]) == ("queued", "http", "churn")
    assert ledger.find(correlation_id) == job
    [delivery] = await asyncio.to_thread(receive, consume("train"))
    assert delivery.correlation_id == correlation_id
    assert delivery.documents == [{"job": correlation_id}]


async def test_without_a_broker_a_command_is_accepted_all_the_same(
    make_dispatcher: MakeDispatcher, ledger: JobLedger
) -> None:
    correlation_id = new_correlation_id()
    job = await make_dispatcher(Publisher(NOWHERE, "test")).submit(train_command(), correlation_id, owner="local")
    assert job["status"] == "queued"
    assert ledger.find(correlation_id) == job, "the sweep sends it when the broker is back"


async def test_submitting_the_same_again_is_the_same_job_and_another_is_refused(
    make_dispatcher: MakeDispatcher, ledger: JobLedger
) -> None:
    dispatcher, correlation_id = make_dispatcher(), new_correlation_id()
    first = await dispatcher.submit(train_command(), correlation_id, owner="local")
    assert await dispatcher.submit(train_command(), correlation_id, owner="local") == first
    with pytest.raises(CorrelationIdReused):
        await dispatcher.submit(train_command(model="prices"), correlation_id, owner="local")
    finish(ledger, correlation_id)
    again = await dispatcher.submit(train_command(), correlation_id, wait_s=LONG_S, owner="local")
    assert again["status"] == "succeeded", "what has ended is answered at once"


async def test_a_submitter_that_waits_gets_the_end(
    make_dispatcher: MakeDispatcher, ledger: JobLedger, waiters: JobWaiters
) -> None:
    correlation_id = new_correlation_id()
    waiting = asyncio.create_task(
        make_dispatcher().submit(train_command(), correlation_id, wait_s=LONG_S, owner="local")
    )
    await eventually(lambda: ledger.find(correlation_id), "the job is recorded")
    waiters.hear([finish(ledger, correlation_id)])
    assert (await waiting)["status"] == "succeeded"


async def test_a_submitter_whose_wait_runs_out_gets_the_job_as_it_is(make_dispatcher: MakeDispatcher) -> None:
    job = await make_dispatcher().submit(train_command(), new_correlation_id(), wait_s=0.05, owner="local")
    assert job["status"] == "queued"


async def test_a_prediction_is_sent_without_being_recorded_and_answered_by_its_record(
    make_dispatcher: MakeDispatcher, ledger: JobLedger, waiters: JobWaiters, consume: MakeConsumer
) -> None:
    correlation_id, command = new_correlation_id(), predict_command()
    waiting = asyncio.create_task(make_dispatcher().predict(command, correlation_id, wait_s=LONG_S, owner="local"))
    [delivery] = await asyncio.to_thread(receive, consume("predict"))
    assert delivery.documents[0]["correlation_id"] == correlation_id
    assert ledger.find(correlation_id) is None
    job = new_job(command, correlation_id, door="http")
    ledger.record_finished([FinishedJob(job, RESULT, None)], is_durable=False)
    waiters.hear([{"correlation_id": correlation_id, "status": "succeeded"}])
    assert (await waiting)["result"] == RESULT


@pytest.mark.parametrize("has_broker", [True, False])
async def test_a_prediction_that_is_not_answered_in_time_becomes_a_job(
    make_dispatcher: MakeDispatcher, ledger: JobLedger, has_broker: bool
) -> None:
    publisher = None if has_broker else Publisher(NOWHERE, "test")
    correlation_id = new_correlation_id()
    job = await make_dispatcher(publisher).predict(predict_command(), correlation_id, wait_s=0.05, owner="local")
    assert (job["status"], job["queue"]) == ("queued", "predict")
    assert ledger.find(correlation_id) == job


async def test_a_prediction_under_an_id_of_something_else_is_refused(
    make_dispatcher: MakeDispatcher, ledger: JobLedger
) -> None:
    correlation_id = new_correlation_id()
    finish(ledger, correlation_id)
    with pytest.raises(CorrelationIdReused):
        await make_dispatcher().predict(predict_command(), correlation_id, wait_s=LONG_S, owner="local")


async def test_a_prediction_that_is_too_large_for_a_message_is_recorded_and_waited_for(
    make_dispatcher: MakeDispatcher, ledger: JobLedger, waiters: JobWaiters, consume: MakeConsumer
) -> None:
    correlation_id, command = new_correlation_id(), Predict.model_validate({"model": "m", "rows": [{"t": "x" * 5000}]})
    dispatcher = make_dispatcher(message_limit_bytes=10_000)
    waiting = asyncio.create_task(dispatcher.predict(command, correlation_id, wait_s=LONG_S, owner="local"))
    [delivery] = await asyncio.to_thread(receive, consume("predict"))
    assert delivery.documents == [{"job": correlation_id}]
    [job] = ledger.find_queued([correlation_id])
    assert job["spec"]["rows"] == [{"t": "x" * 5000}]
    ledger.record_finished([FinishedJob(new_job(command, correlation_id, door="http"), RESULT, None)])
    waiters.hear([{"correlation_id": correlation_id, "status": "succeeded"}])
    assert (await waiting)["result"] == RESULT


async def test_beyond_the_backlog_nothing_is_accepted_but_what_was_before(
    make_dispatcher: MakeDispatcher, ledger: JobLedger
) -> None:
    dispatcher = make_dispatcher(backlog_limit=3)
    ids = [new_correlation_id() for _ in range(4)]
    for correlation_id in ids[:3]:
        await dispatcher.submit(train_command(), correlation_id, owner="local")
    with pytest.raises(BacklogFull, match="3 jobs wait on queue 'train', the limit is 3") as refused:
        await dispatcher.submit(train_command(), ids[3], owner="local")
    assert refused.value.retry_after_s == pytest.approx(60)
    assert ledger.find(ids[3]) is None, "nothing was accepted"
    again = await dispatcher.submit(train_command(), ids[0], owner="local")
    assert again["_id"] == ids[0], "the same again is no further job"


async def test_a_full_backlog_of_one_queue_is_none_of_another_and_ends_when_jobs_are_done(
    make_dispatcher: MakeDispatcher, records: JobRecords, ledger: JobLedger
) -> None:
    backlog = Backlog(records, 2)
    jobs = [train_job() for _ in range(2)]
    for job in jobs:
        ledger.accept(job)
    await backlog.check("evaluate")
    with pytest.raises(BacklogFull):
        await backlog.check("train")
    finish(ledger, jobs[0].correlation_id)
    await eventually_passes(lambda: backlog.check("train"), BacklogFull)


async def test_a_full_backlog_says_when_to_come_again_by_how_fast_it_goes(
    records: JobRecords, ledger: JobLedger
) -> None:
    backlog = Backlog(records, 50)
    jobs = [train_job() for _ in range(100)]
    for job in jobs:
        ledger.accept(job)
    with pytest.raises(BacklogFull) as first:
        await backlog.check("train")
    assert first.value.retry_after_s == 60, "nothing is known to have been done"
    for job in jobs[:40]:
        finish(ledger, job.correlation_id)

    async def was_counted_again() -> bool:
        with pytest.raises(BacklogFull) as refused:
            await backlog.check("train")
        return "60 jobs wait" in refused.value.message and (refused.value.retry_after_s or 60) < 60

    deadline = time.monotonic() + LONG_S
    while not await was_counted_again():
        assert time.monotonic() < deadline, "the next count"
        await asyncio.sleep(0.05)


async def test_a_replayed_job_is_sent_again(
    make_dispatcher: MakeDispatcher, ledger: JobLedger, consume: MakeConsumer
) -> None:
    dispatcher, job = make_dispatcher(), train_job(reply_to="answers")
    ledger.accept(job)
    with pytest.raises(JobFinished, match="is queued; only failed, dead and cancelled jobs"):
        await dispatcher.replay(job.correlation_id)
    ledger.request_cancel(job.correlation_id)
    assert (await dispatcher.replay(job.correlation_id))["status"] == "queued"
    [delivery] = await asyncio.to_thread(receive, consume("train"))
    assert delivery.documents == [{"job": job.correlation_id}]


async def test_waiting_for_a_job_that_is_not_there_is_an_error(
    make_dispatcher: MakeDispatcher, waiters: JobWaiters
) -> None:
    with pytest.raises(UnknownJob):
        await make_dispatcher().wait(new_correlation_id(), wait_s=LONG_S)
    assert not waiters._waiting


async def test_cancelling_what_has_ended_says_how_it_ended(records: JobRecords, ledger: JobLedger) -> None:
    correlation_id = new_correlation_id()
    finish(ledger, correlation_id)
    with pytest.raises(JobFinished, match="has ended: succeeded"):
        await records.request_cancel(correlation_id)
    with pytest.raises(UnknownJob):
        await records.request_cancel(new_correlation_id())


async def test_cancelling_what_is_being_recorded_says_so(records: JobRecords, ledger: JobLedger) -> None:
    job = train_job()
    ledger.accept(job)
    claimed = ledger.claim(job.correlation_id)
    assert claimed is not None
    ledger.commit(claimed[0], {"kind": "predictions", "blobs": {}, "report": {}})
    with pytest.raises(JobFinished, match="is being finished"):
        await records.request_cancel(job.correlation_id)


async def test_pages_of_jobs_follow_each_other_newest_first(records: JobRecords, ledger: JobLedger) -> None:
    ids = [train_job().correlation_id for _ in range(7)]
    for correlation_id in ids:
        ledger.accept(train_job(correlation_id))
    seen: list[ListedJob] = []
    while page := await records.page({}, after=(seen[-1]["created_at"], seen[-1]["_id"]) if seen else None, limit=3):
        assert len(page) <= 3
        seen += page
    assert sorted(job["_id"] for job in seen) == sorted(ids)
    assert [job["created_at"] for job in seen] == sorted((job["created_at"] for job in seen), reverse=True)
