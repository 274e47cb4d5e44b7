"""The periodic repair: what a dead worker or a broker without memory lost is found and set going again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
import redis
from pymongo.database import Database

from modelbus.shared.bus import EventSubscriber, PoisonReader, Publisher, send_recorded
from modelbus.shared.errors import BusUnavailable
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.ledger import JobLedger, terms_of
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.store.jobs.repair import EMPTY_QUEUE_GRACE_S, REPUBLISH_LIMIT_S, Waiting
from modelbus.shared.store.letters.kept_poison import PoisonKeeper
from modelbus.shared.store.logs.log_batches import LogBatches
from modelbus.shared.worker.finishing import Finisher
from modelbus.shared.worker.poison_mover import PoisonMover
from modelbus.shared.worker.sweeper import Sweeper
from tests.integration.conftest import MakeConsumer, MakeEvents, MakeLedger
from tests.integration.samples import LAPSED, make_older, train_job
from tests.waiting import wait_until

PREDICTIONS = {"kind": "predictions", "blobs": {}, "report": {"row_count": 3}}
MakeSweeper = Callable[[str], Sweeper]


@pytest.fixture
def make_sweeper(
    settings: Settings, database: Database[Document], blobs: BlobStore, events_by: MakeEvents
) -> Iterator[MakeSweeper]:
    publishers: list[Publisher] = []

    def make_sweeper(bus_url: str) -> Sweeper:
        ledger = JobLedger(database, terms_of(settings), "sweeping-worker")
        publisher = Publisher(bus_url, "sweep")
        publishers.append(publisher)
        finisher = Finisher(ledger, Outcomes(database), events_by(bus_url), "trainer")
        poison = PoisonMover(PoisonReader(bus_url, "sweep"), PoisonKeeper(database, retention_days=1))
        logs = LogBatches(database, "trainer", retention_s=60)
        return Sweeper(settings, ledger, blobs, publisher, finisher, poison, logs)

    yield make_sweeper
    for publisher in publishers:
        publisher.close()


@pytest.fixture
def sweeper(make_sweeper: MakeSweeper, bus_url: str) -> Sweeper:
    return make_sweeper(bus_url)


def lose_message(database: Database[Document], correlation_id: str) -> None:
    """Let so much time pass that an empty queue means that the message is lost."""
    make_older(database, correlation_id, seconds=EMPTY_QUEUE_GRACE_S + 1, fields=("published_at",))


def test_a_job_whose_worker_died_is_queued_and_published_again(
    sweeper: Sweeper, dead_ledger: JobLedger, broker: redis.Redis
) -> None:
    job = train_job()
    dead_ledger.accept(job)
    dead_ledger.claim(job.correlation_id)
    sweeper.sweep()
    lapsed = dead_ledger.find(job.correlation_id)
    assert lapsed is not None
    assert (lapsed["status"], lapsed["attempt"], lapsed["lease"]) == ("queued", 1, None)
    assert lapsed["error"]["code"] == "crashed"
    assert "worker dead-worker stopped responding during attempt 1 of 3" in lapsed["error"]["message"]
    assert broker.llen("train") == 1


def test_a_job_whose_workers_die_every_time_is_dead(
    sweeper: Sweeper, dead_ledger: JobLedger, broker: redis.Redis
) -> None:
    job = train_job()
    dead_ledger.accept(job)
    for _ in range(3):
        assert dead_ledger.claim(job.correlation_id) is not None
        sweeper.sweep()
    dead = dead_ledger.find(job.correlation_id)
    assert dead is not None
    assert (dead["status"], dead["attempt"]) == ("dead", 3)
    assert dead["expires_at"] - dead["finished_at"] == timedelta(days=90)
    assert "attempt 3 of 3" in dead["error"]["message"]
    assert broker.llen("train") == 2, "it was published for the second and the third attempt alone"


def test_a_job_that_was_to_be_cancelled_when_its_worker_died_is_cancelled(
    sweeper: Sweeper, dead_ledger: JobLedger
) -> None:
    job = train_job()
    dead_ledger.accept(job)
    dead_ledger.claim(job.correlation_id)
    dead_ledger.request_cancel(job.correlation_id)
    sweeper.sweep()
    ended = dead_ledger.find(job.correlation_id)
    assert ended is not None
    assert (ended["status"], ended["error"]) == ("cancelled", None)
    assert ended["expires_at"] - ended["finished_at"] == timedelta(days=30)


def test_a_job_whose_worker_lives_is_left_alone(sweeper: Sweeper, ledger: JobLedger, broker: redis.Redis) -> None:
    job = train_job()
    ledger.accept(job)
    ledger.claim(job.correlation_id)
    before = ledger.find(job.correlation_id)
    sweeper.sweep()
    assert ledger.find(job.correlation_id) == before
    assert broker.llen("train") == 0


def test_what_a_dead_worker_committed_is_finished_and_told(
    sweeper: Sweeper, dead_ledger: JobLedger, bus_url: str
) -> None:
    told: list[dict[str, Any]] = []
    subscriber = EventSubscriber(bus_url, "test", told.extend)
    subscriber.start()
    assert subscriber.wait_subscribed(10)
    job = train_job(reply_to="answers")
    dead_ledger.accept(job)
    claimed = dead_ledger.claim(job.correlation_id)
    assert claimed is not None
    dead_ledger.commit(claimed[0], PREDICTIONS)
    sweeper.sweep()
    ended = dead_ledger.find(job.correlation_id)
    assert ended is not None
    assert (ended["status"], ended["result"], ended["attempt"]) == ("succeeded", {"row_count": 3, "blobs": {}}, 1)
    wait_until(lambda: [event["status"] for event in told] == ["succeeded"], "the end is told")
    subscriber.stop()


def test_an_outcome_that_cannot_be_applied_fails_its_job_and_hinders_no_other(
    sweeper: Sweeper, dead_ledger: JobLedger
) -> None:
    jobs = [train_job(model=name) for name in ("broken", "whole")]
    for job, outcome in zip(jobs, ({"kind": "unheard of"}, PREDICTIONS), strict=True):
        dead_ledger.accept(job)
        claimed = dead_ledger.claim(job.correlation_id)
        assert claimed is not None
        dead_ledger.commit(claimed[0], outcome)
    sweeper.sweep()
    broken, whole = (dead_ledger.find(job.correlation_id) for job in jobs)
    assert broken is not None
    assert whole is not None
    assert (broken["status"], broken["error"]["code"]) == ("failed", "internal")
    assert whole["status"] == "succeeded"


def test_a_job_whose_message_was_lost_is_published_again(
    sweeper: Sweeper,
    ledger: JobLedger,
    publisher: Publisher,
    consume: MakeConsumer,
    broker: redis.Redis,
    database: Database[Document],
) -> None:
    job = train_job(reply_to="answers", hyperparameters={"C": 2})
    ledger.accept(job)
    send_recorded(publisher, "train", job.correlation_id)
    broker.flushall()
    make_older(database, job.correlation_id, seconds=-60, fields=("published_at",))
    sweeper.sweep()
    assert broker.llen("train") == 0, "its message may be on the way still"
    make_older(database, job.correlation_id, seconds=60, fields=("published_at",))
    lose_message(database, job.correlation_id)
    sweeper.sweep()
    [delivery] = consume("train").receive(1)
    assert delivery.documents == [{"job": job.correlation_id}], "its command is in its record, and so is who is told"
    assert delivery.is_redelivered, "the first message may have killed whom it came to"


def test_a_job_is_not_published_again_while_its_message_may_still_wait(
    sweeper: Sweeper, ledger: JobLedger, publisher: Publisher, broker: redis.Redis, database: Database[Document]
) -> None:
    jobs = [train_job(model=name) for name in ("first", "second")]
    for job in jobs:
        ledger.accept(job)
        send_recorded(publisher, "train", job.correlation_id)
        make_older(database, job.correlation_id, seconds=1000, fields=("next_publish_at",))
    sweeper.sweep()
    assert broker.llen("train") == 2, "both wait, however long their workers take"
    first, second = (ledger.find(job.correlation_id) for job in jobs)
    assert first is not None
    assert second is not None
    assert (first["publish_count"], second["publish_count"]) == (1, 1)


def test_a_job_whose_message_would_have_been_taken_before_the_oldest_that_waits_is_published_again(
    sweeper: Sweeper, ledger: JobLedger, publisher: Publisher, broker: redis.Redis, database: Database[Document]
) -> None:
    lost, waiting = (train_job(model=name) for name in ("lost", "waiting"))
    for job in (lost, waiting):
        ledger.accept(job)
        make_older(database, job.correlation_id, seconds=1000, fields=("next_publish_at",))
    make_older(database, lost.correlation_id, seconds=60, fields=("published_at",))
    send_recorded(publisher, "train", waiting.correlation_id)
    sweeper.sweep()
    named = [orjson.loads(orjson.loads(raw)["body"])["job"] for raw in broker.lrange("train", 0, -1)]
    assert named == [lost.correlation_id, waiting.correlation_id]


@pytest.mark.parametrize("sent_at", [None, "yesterday", -1, 1e300, True])
def test_behind_messages_of_an_unknown_age_a_job_is_published_again_when_its_interval_has_passed(
    sweeper: Sweeper, ledger: JobLedger, broker: redis.Redis, database: Database[Document], sent_at: Any
) -> None:
    broker.lpush("train", orjson.dumps({"body": "{}", "headers": {"modelbus-sent-at": sent_at}}))
    job = train_job()
    ledger.accept(job)
    lose_message(database, job.correlation_id)
    sweeper.sweep()
    assert broker.llen("train") == 1
    make_older(database, job.correlation_id, seconds=10, fields=("next_publish_at",))
    sweeper.sweep()
    assert broker.llen("train") == 2


def test_the_intervals_between_two_publications_double_up_to_a_limit(
    ledger: JobLedger, database: Database[Document]
) -> None:
    job = train_job()
    ledger.accept(job)
    pauses = []
    for _ in range(9):
        make_older(database, job.correlation_id, seconds=1000, fields=("next_publish_at",))
        assert len(list(ledger.due_for_publication("train", Waiting(is_empty=False)))) == 1
        published = ledger.find(job.correlation_id)
        assert published is not None
        pauses.append((published["next_publish_at"] - published["published_at"]).total_seconds())
    assert pauses == [10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert pauses[-1] == REPUBLISH_LIMIT_S


def test_a_job_that_waits_for_its_next_attempt_is_not_published_before(
    ledger: JobLedger, database: Database[Document]
) -> None:
    job = train_job()
    ledger.accept(job)
    make_older(database, job.correlation_id, seconds=1000, fields=("next_publish_at", "published_at"))
    make_older(database, job.correlation_id, seconds=-1000, fields=("not_before",))
    assert list(ledger.due_for_publication("train", Waiting(is_empty=True))) == []


def test_nothing_is_reserved_while_the_broker_is_down_but_what_concerns_the_store_is_done(
    make_sweeper: MakeSweeper, ledger: JobLedger, dead_ledger: JobLedger, database: Database[Document]
) -> None:
    lost, lapsed = train_job(model="lost"), train_job(model="lapsed")
    ledger.accept(lost)
    lose_message(database, lost.correlation_id)
    before = ledger.find(lost.correlation_id)
    dead_ledger.accept(lapsed)
    dead_ledger.claim(lapsed.correlation_id)
    with pytest.raises(BusUnavailable):
        make_sweeper("redis://127.0.0.1:1/0").sweep()
    assert ledger.find(lost.correlation_id) == before
    taken = ledger.find(lapsed.correlation_id)
    assert taken is not None
    assert (taken["status"], taken["publish_count"]) == ("queued", 0)


def test_many_sweepers_repair_each_job_once(
    make_sweeper: MakeSweeper, bus_url: str, ledger_of: MakeLedger, broker: redis.Redis, database: Database[Document]
) -> None:
    dead_ledger = ledger_of("dead-worker", replace(LAPSED, republish_s=30))
    jobs = [train_job(model=f"model-{number}") for number in range(10)]
    for job in jobs:
        dead_ledger.accept(job)
        dead_ledger.claim(job.correlation_id)
    sweepers = [make_sweeper(bus_url) for _ in range(8)]
    with ThreadPoolExecutor(len(sweepers)) as pool:
        list(pool.map(lambda sweeper: sweeper.sweep(), sweepers))
    sent = [orjson.loads(raw)["properties"]["correlation_id"] for raw in broker.lrange("train", 0, -1)]
    assert sorted(sent) == sorted(job.correlation_id for job in jobs)
    assert database["jobs"].count_documents({"status": "queued", "fence": 2, "history.event": "lapsed"}) == 10


def test_a_sweeper_goes_on_sweeping_after_the_broker_was_away(
    settings: Settings, make_sweeper: MakeSweeper, dead_ledger: JobLedger
) -> None:
    job = train_job()
    dead_ledger.accept(job)
    sweeper = make_sweeper("redis://127.0.0.1:1/0")
    sweeper._settings = settings.model_copy(update={"sweep_s": 0.05})
    sweeper.start()
    for attempt in (1, 2):
        wait_until(lambda: dead_ledger.claim(job.correlation_id), f"attempt {attempt} can be claimed")
        wait_until(
            lambda: (dead_ledger.find(job.correlation_id) or {}).get("status") == "queued", f"attempt {attempt} lapses"
        )
    sweeper.stop()
