"""The gateway's dispatcher and its backlog, with a real broker and a real record."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from modelbus.gateway.jobs.backlog import Backlog
from modelbus.gateway.jobs.dispatch import Dispatcher
from modelbus.gateway.jobs.job_waiters import JobWaiters
from modelbus.shared.bus import Publisher
from modelbus.shared.contracts import Predict, new_correlation_id
from modelbus.shared.contracts.documents.job_documents import ListedJob
from modelbus.shared.errors import BacklogFull, CorrelationIdReused, JobFinished, UnknownJob
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger
from tests.integration.conftest import MakeConsumer
from tests.integration.ledger_jobs import ANSWER, finish
from tests.integration.messages import receive
from tests.integration.samples import train_command, train_job
from tests.integration.services.conftest import MakeOutbox

NOWHERE = "redis://127.0.0.1:1/0"
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
    ledger.record_finished([FinishedJob(job, ANSWER, None)], is_durable=False)
    waiters.hear([{"correlation_id": correlation_id, "status": "succeeded"}])
    assert (await waiting)["result"] == ANSWER


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
    ledger.record_finished([FinishedJob(new_job(command, correlation_id, door="http"), ANSWER, None)])
    waiters.hear([{"correlation_id": correlation_id, "status": "succeeded"}])
    assert (await waiting)["result"] == ANSWER


async def test_beyond_the_backlog_nothing_is_accepted_but_what_was_before(
    make_dispatcher: MakeDispatcher, ledger: JobLedger
) -> None:
    dispatcher = make_dispatcher(backlog_limit=3)
    ids = [new_correlation_id() for _ in range(4)]
    for correlation_id in ids[:3]:
        await dispatcher.submit(train_command(), correlation_id, owner="local")
    with pytest.raises(BacklogFull, match="queue 'train' has 3 waiting jobs and the limit is 3") as refused:
        await dispatcher.submit(train_command(), ids[3], owner="local")
    assert refused.value.retry_after_s == 10
    assert ledger.find(ids[3]) is None, "nothing was accepted"
    with pytest.raises(BacklogFull):
        await dispatcher.accept(train_job(ids[3]))  # as uploads and replayed messages are
    assert ledger.find(ids[3]) is None
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
    assert first.value.retry_after_s == 10, "nothing was seen to be done"
    for job in jobs[:40]:
        finish(ledger, job.correlation_id)

    async def was_counted_again() -> bool:
        with pytest.raises(BacklogFull) as refused:
            await backlog.check("train")
        return "60 waiting jobs" in refused.value.message and (refused.value.retry_after_s or 10) < 10

    deadline = time.monotonic() + LONG_S
    while not await was_counted_again():
        assert time.monotonic() < deadline, "the next count"
        await asyncio.sleep(0.05)


async def test_a_replayed_job_is_sent_again(
    make_dispatcher: MakeDispatcher, ledger: JobLedger, consume: MakeConsumer
) -> None:
    dispatcher, job = make_dispatcher(), train_job(reply_to="answers")
    ledger.accept(job)
    with pytest.raises(JobFinished, match="is queued; only failed, dead or cancelled jobs"):
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
    with pytest.raises(JobFinished, match=r"has already ended \(succeeded\)"):
        await records.request_cancel(correlation_id)
    with pytest.raises(UnknownJob):
        await records.request_cancel(new_correlation_id())


async def test_cancelling_what_is_being_recorded_says_so(records: JobRecords, ledger: JobLedger) -> None:
    job = train_job()
    ledger.accept(job)
    claimed = ledger.claim(job.correlation_id)
    assert claimed is not None
    ledger.commit(claimed[0], {"kind": "predictions", "blobs": {}, "report": {}})
    with pytest.raises(JobFinished, match="is already being completed"):
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
