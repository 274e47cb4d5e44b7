"""Poison on its way from the broker to MongoDB, drafts, and replays that race."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest
import redis
from prometheus_client import REGISTRY
from pymongo import MongoClient
from pymongo.database import Database

from modelbus.gateway.views.poison_bodies import jobs_of
from modelbus.shared.bus import PoisonMessage, PoisonReader, Publisher, poison_queue
from modelbus.shared.contracts import command_spec, spec_hash
from modelbus.shared.errors import BusUnavailable, CorrelationIdReused, JobFinished, NotFound, StoreUnavailable
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document, open_async_store
from modelbus.shared.store.indexes import DEAD_LETTERS
from modelbus.shared.store.jobs import protocol
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.letters.dead_letters import DeadLetters
from modelbus.shared.store.letters.kept_poison import KEPT_BYTES, PoisonKeeper
from modelbus.shared.store.letters.letter_queries import DeadLetterQuery
from modelbus.shared.worker.poison_mover import PoisonMover
from tests.integration.conftest import MakeConsumer
from tests.integration.ledger_jobs import claimed, found
from tests.integration.messages import message, receive
from tests.integration.racing import at_once
from tests.integration.samples import TERMS, train_command, train_job
from tests.waiting import wait_until

COMMAND = {"command": "TrainModel", "model": "m", "dataset": "d", "target": "t", "estimator": "Ridge"}


@pytest.fixture
def mover(bus_url: str, indexed: Database[Document]) -> Iterator[PoisonMover]:
    mover = PoisonMover(PoisonReader(bus_url, "test"), PoisonKeeper(indexed, retention_days=1))
    yield mover
    mover.close()


@pytest.fixture
async def letters(settings: Settings) -> AsyncIterator[DeadLetters]:
    database = open_async_store(settings)
    yield DeadLetters(database)
    await database.client.close()


@pytest.fixture
async def records(settings: Settings) -> AsyncIterator[JobRecords]:
    database = open_async_store(settings)
    yield JobRecords(database, TERMS)
    await database.client.close()


def put_aside(broker: redis.Redis, consume: MakeConsumer, *items: bytes, queue: str = "train") -> None:
    """Let a consumer find what it cannot read."""
    consumer = consume(queue)
    before = broker.llen(poison_queue(queue))
    for item in items:
        broker.lpush(queue, item)
    wait_until(
        lambda: consumer.receive(0.1) or broker.llen(poison_queue(queue)) == before + len(items), "it is put aside"
    )


# --- from Redis to MongoDB ---


def test_poison_is_moved_with_all_that_is_known_of_it(
    broker: redis.Redis, consume: MakeConsumer, mover: PoisonMover, indexed: Database[Document]
) -> None:
    sender = {"correlation_id": "not a uuid", "reply_to": "answers"}
    put_aside(broker, consume, message(b"junk \xff", properties=sender))
    mover.move()
    [letter] = indexed[DEAD_LETTERS].find().to_list()
    assert (letter["queue"], letter["raw"], letter["size_bytes"]) == ("train", b"junk \xff", 6)
    assert (letter["correlation_id"], letter["reply_to"], letter["service"]) == ("not a uuid", "answers", "test")
    assert "not valid JSON" in letter["reason"]
    assert letter["expires_at"] > datetime.now(UTC)
    assert broker.llen(poison_queue("train")) == broker.hlen("unacked.test.poison") == 0


def test_two_movers_move_each_message_once(
    bus_url: str, broker: redis.Redis, consume: MakeConsumer, indexed: Database[Document]
) -> None:
    put_aside(broker, consume, *(b"junk %d" % number for number in range(40)))
    movers = [
        PoisonMover(PoisonReader(bus_url, f"s{number}"), PoisonKeeper(indexed, retention_days=1)) for number in range(4)
    ]
    at_once([mover.move for mover in movers])
    assert indexed[DEAD_LETTERS].count_documents({}) == 40
    assert len(indexed[DEAD_LETTERS].distinct("raw")) == 40
    for mover in movers:
        mover.close()


def test_while_mongodb_is_away_poison_rests_in_redis(
    bus_url: str, broker: redis.Redis, consume: MakeConsumer, mover: PoisonMover, indexed: Database[Document]
) -> None:
    put_aside(broker, consume, b"junk")
    with MongoClient[Document]("mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=50) as nowhere:
        lost = PoisonMover(PoisonReader(bus_url, "lost"), PoisonKeeper(nowhere["x"], retention_days=1))
        with pytest.raises(StoreUnavailable):
            lost.move()
        lost.close()
    assert broker.llen(poison_queue("train")) == 1
    mover.move()
    assert indexed[DEAD_LETTERS].count_documents({}) == 1


def test_without_a_broker_it_is_said(indexed: Database[Document]) -> None:
    mover = PoisonMover(PoisonReader("redis://127.0.0.1:1/0", "test"), PoisonKeeper(indexed, retention_days=1))
    with pytest.raises(BusUnavailable):
        mover.move()


@pytest.mark.parametrize("item", [b"laid there by hand", b"{}", message(b"{}"), message(b"[1]"), message(b"nothing")])
def test_what_somebody_laid_on_a_poison_queue_is_kept_too(
    broker: redis.Redis, mover: PoisonMover, indexed: Database[Document], item: bytes
) -> None:
    broker.lpush(poison_queue("train"), item)
    mover.move()
    [letter] = indexed[DEAD_LETTERS].find().to_list()
    assert letter["reason"].startswith("invalid record on the poison queue")
    assert broker.llen(poison_queue("train")) == 0


def test_what_an_earlier_release_put_aside_is_moved_as_well(
    broker: redis.Redis, publisher: Publisher, mover: PoisonMover, indexed: Database[Document]
) -> None:
    record = {
        "queue": "train",
        "reason": "not JSON",
        "service": "trainer",
        "correlation_id": None,
        "received_at": "2026-11-01T12:00:00+00:00",
        "raw_base64": base64.b64encode(b"old").decode(),
    }
    publisher.send(poison_queue("train"), record)
    mover.move()
    [letter] = indexed[DEAD_LETTERS].find().to_list()
    assert (letter["raw"], letter["reason"]) == (b"old", "not JSON")


def test_a_message_that_is_put_aside_twice_is_kept_once(indexed: Database[Document]) -> None:
    keeper = PoisonKeeper(indexed, retention_days=1)
    poison = PoisonMessage(str(uuid4()), "train", "no", "trainer", datetime.now(UTC), b"x" * (KEPT_BYTES + 5))
    assert [keeper.keep(poison), keeper.keep(poison)] == [True, False]
    [letter] = indexed[DEAD_LETTERS].find().to_list()
    assert (len(letter["raw"]), letter["size_bytes"]) == (KEPT_BYTES, KEPT_BYTES + 5)


def test_poison_is_counted(broker: redis.Redis, consume: MakeConsumer) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("modelbus_messages_poisoned_total", {"queue": "train"}) or 0

    before = count()
    put_aside(broker, consume, b"a", b"b")
    assert count() - before == 2


def test_a_valid_message_is_still_received_beside_poison(
    broker: redis.Redis, consume: MakeConsumer, publisher: Publisher
) -> None:
    put_aside(broker, consume, b"junk")
    publisher.send("train", COMMAND)
    consumer = consume("train")
    [delivery] = receive(consumer)
    assert delivery.documents == [COMMAND]
    consumer.acknowledge([delivery])


# --- messages that are replayed ---


async def test_the_jobs_of_a_message_are_the_same_however_often_it_is_replayed(
    indexed: Database[Document], letters: DeadLetters, records: JobRecords
) -> None:
    keeper = PoisonKeeper(indexed, retention_days=1)
    poison = PoisonMessage(str(uuid4()), "train", "no", "trainer", datetime.now(UTC), b"junk")
    keeper.keep(poison)
    letter = await letters.edit_message(poison.id, orjson.dumps([COMMAND, {**COMMAND, "model": "n"}]))

    async def replay() -> list[str]:
        return [(await records.accept(job))["_id"] for job in jobs_of(letter)]

    answers = await asyncio.gather(*(replay() for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert indexed["jobs"].count_documents({}) == 2
    removed = await asyncio.gather(*(letters.remove(letter) for _ in range(8)))
    assert sorted(removed) == [False] * 7 + [True]


async def test_a_message_that_was_edited_meanwhile_is_not_removed(
    indexed: Database[Document], letters: DeadLetters
) -> None:
    poison = PoisonMessage(str(uuid4()), "train", "no", "trainer", datetime.now(UTC), orjson.dumps(COMMAND))
    PoisonKeeper(indexed, retention_days=1).keep(poison)
    read = await letters.find(poison.id)
    await letters.edit_message(poison.id, orjson.dumps({**COMMAND, "model": "other"}))
    assert await letters.remove(read) is False
    assert (await letters.find(poison.id)).document["draft"] is not None
    with pytest.raises(NotFound):
        await letters.edit_message(str(uuid4()), b"{}")


# --- jobs that are edited ---


def dead(ledger: JobLedger, database: Database[Document]) -> str:
    """The id of a dead job."""
    job = train_job()
    ledger.accept(job)
    database["jobs"].update_one({"_id": job.correlation_id}, {"$set": {"max_attempts": 1}})
    ledger.fail(claimed(ledger, job.correlation_id), StoreUnavailable())
    assert found(ledger, job.correlation_id)["status"] == "dead"
    return job.correlation_id


async def test_an_edit_waits_beside_the_job_until_a_replay_takes_it(
    ledger: JobLedger, indexed: Database[Document], letters: DeadLetters, records: JobRecords
) -> None:
    correlation_id = dead(ledger, indexed)
    before = found(ledger, correlation_id)
    other = command_spec(train_command(target="$other"))
    await letters.edit_job(correlation_id, other, spec_hash(other))
    edited = found(ledger, correlation_id)
    assert {name: value for name, value in edited.items() if name != "draft"} == before

    replayed = await records.replay(correlation_id)

    assert (replayed["spec"], replayed["spec_hash"], replayed["draft"]) == (other, spec_hash(other), None)
    assert (replayed["first_spec"], replayed["former_hashes"]) == (before["spec"], [before["spec_hash"]])
    assert replayed["history"][-1]["edited"] is True
    again = new_job(train_command(target="$other"), correlation_id, door="queue")
    assert ledger.accept(again)["_id"] == correlation_id, "its own message is its job's"
    assert ledger.accept(train_job(correlation_id))["_id"] == correlation_id, "the first sender asks for it too"
    with pytest.raises(CorrelationIdReused):
        ledger.accept(train_job(correlation_id, target="third"))


async def test_a_replay_without_an_edit_changes_no_specification(
    ledger: JobLedger, indexed: Database[Document], records: JobRecords
) -> None:
    correlation_id = dead(ledger, indexed)
    before = found(ledger, correlation_id)
    replayed = await records.replay(correlation_id)
    assert (replayed["spec"], replayed["spec_hash"]) == (before["spec"], before["spec_hash"])
    assert "first_spec" not in replayed
    assert replayed["history"][-1]["edited"] is False


async def test_of_many_replays_at_once_one_queues_the_job(
    ledger: JobLedger, indexed: Database[Document], records: JobRecords
) -> None:
    correlation_id = dead(ledger, indexed)
    answers = await asyncio.gather(*(records.replay(correlation_id) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(answer, dict) for answer in answers) == 1
    assert sum(isinstance(answer, JobFinished) for answer in answers) == 7
    assert [entry["event"] for entry in found(ledger, correlation_id)["history"]].count("replayed") == 1


async def test_a_job_that_is_not_dead_any_more_cannot_be_edited(
    ledger: JobLedger, indexed: Database[Document], letters: DeadLetters, records: JobRecords
) -> None:
    correlation_id = dead(ledger, indexed)
    await records.replay(correlation_id)
    with pytest.raises(JobFinished):
        await letters.edit_job(correlation_id, {}, "")
    assert ledger._run(protocol.edit(correlation_id, {}, "")) is None


async def test_both_kinds_are_one_list_in_pages_and_are_purged_by_filters(
    ledger: JobLedger, indexed: Database[Document], letters: DeadLetters
) -> None:
    keeper = PoisonKeeper(indexed, retention_days=1)
    jobs, messages = [], []
    for number in range(3):
        jobs.append(dead(ledger, indexed))
        poison = PoisonMessage(str(uuid4()), "read" if number else "train", "no", "x", datetime.now(UTC), b"junk")
        keeper.keep(poison)
        messages.append(poison.id)
    whole = [letter.id for letter in await letters.page(DeadLetterQuery(), after=None, limit=50)]
    assert set(whole) == {*jobs, *messages}
    pages, after = [], None
    while page := await letters.page(DeadLetterQuery(), after=after, limit=1):
        pages += [letter.id for letter in page]
        after = (page[-1].at, page[-1].id)
    assert pages == whole
    assert await letters.counts() == [("job", "train", 3), ("message", "read", 2), ("message", "train", 1)]
    assert await letters.purge(DeadLetterQuery(("message",), queue="read")) == 2
    assert await letters.purge(DeadLetterQuery(before=datetime(2001, 1, 1, tzinfo=UTC))) == 0
    assert await letters.purge(DeadLetterQuery(queue="train")) == 4
    assert await letters.counts() == []
