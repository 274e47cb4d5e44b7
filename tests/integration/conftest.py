"""What the tests of the core share: real servers, a database and empty queues for each test."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
import structlog
from pymongo import MongoClient
from pymongo.database import Database

from modelbus.predictor.__main__ import PRELOAD
from modelbus.shared.bus import Consumer, EventPublisher, EventSubscriber, Publisher
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.indexes import create_indexes
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.store.operation import Terms
from modelbus.shared.worker.process import start_fork_server
from modelbus.stack import LocalStack
from tests.integration.job_handlers import ACT
from tests.integration.samples import LAPSED, TERMS
from tests.integration.worker_bench import Bench, bench_url, opened, quick_settings, working

MESSAGE_LIMIT_BYTES = 1024 * 1024


@pytest.fixture(scope="session", autouse=True)
def plain_log() -> None:
    """Logs as the services have them: a traceback drawn for a terminal would take seconds."""
    steps = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=str),
    ]
    structlog.configure(processors=steps)


@pytest.fixture(scope="session")
def fork_server() -> None:
    """The process that children are forked from, once for all tests."""
    start_fork_server([ACT.partition(":")[0], *PRELOAD])


@pytest.fixture(scope="session")
def mongo(servers: LocalStack) -> Iterator[MongoClient[Document]]:
    """A client that knows its times' zone, as the services' own does."""
    with MongoClient[Document](servers.mongo_url, tz_aware=True) as client:
        yield client


@pytest.fixture
def database(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """A database of the test's own."""
    name = f"test-{uuid4().hex[:12]}"
    yield mongo[name]
    mongo.drop_database(name)


@pytest.fixture
def indexed(database: Database[Document]) -> Database[Document]:
    """The test's database with all indexes, for what stands on a unique one."""
    create_indexes(database)
    return database


@pytest.fixture
def settings(servers: LocalStack, database: Database[Document]) -> Settings:
    """Settings that lead to the test's own database."""
    return Settings.model_validate(
        {"mongo_url": servers.mongo_url, "mongo_database": database.name, "bus_url": servers.bus_url}
    )


@pytest.fixture(scope="session")
def raw_redis(servers: LocalStack) -> Iterator[redis.Redis]:
    """Redis itself, to put things on queues that no producer would."""
    with redis.Redis.from_url(servers.bus_url) as client:
        yield client


@pytest.fixture
def broker(raw_redis: redis.Redis) -> redis.Redis:
    """Redis, emptied before the test."""
    raw_redis.flushall()
    return raw_redis


@pytest.fixture
def bus_url(servers: LocalStack, broker: redis.Redis) -> str:
    """Where the emptied broker is."""
    return servers.bus_url


@pytest.fixture
def publisher(bus_url: str) -> Iterator[Publisher]:
    """A publisher on the emptied broker."""
    publisher = Publisher(bus_url, "test")
    yield publisher
    publisher.close()


MakeEvents = Callable[[str], EventPublisher]


@pytest.fixture
def events_by() -> Iterator[MakeEvents]:
    """Makes publishers of events by the URL of their broker; closes them."""
    opened: list[EventPublisher] = []

    def events_by(url: str) -> EventPublisher:
        opened.append(EventPublisher(Publisher(url, "test")))
        return opened[-1]

    yield events_by
    for events in opened:
        events.close()


@pytest.fixture
def events(events_by: MakeEvents, bus_url: str) -> EventPublisher:
    """A publisher of events on the emptied broker."""
    return events_by(bus_url)


MakeConsumer = Callable[..., Consumer]


@pytest.fixture
def consume(bus_url: str) -> Iterator[MakeConsumer]:
    """Makes consumers of queues; closes them."""
    opened: list[Consumer] = []

    def consume(*queues: str, service: str = "test", prefetch: int = 100, url: str = bus_url) -> Consumer:
        consumer = Consumer(url, service, queues, prefetch=prefetch, message_limit_bytes=MESSAGE_LIMIT_BYTES)
        opened.append(consumer)
        return consumer

    yield consume
    for consumer in opened:
        consumer.close()


MakeSubscriber = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def subscribe(bus_url: str) -> Iterator[MakeSubscriber]:
    """Makes subscribers; gives the list to which each adds what it hears."""
    subscribers: list[EventSubscriber] = []

    def subscribe(url: str = bus_url) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        subscriber = EventSubscriber(url, "test", heard.extend)
        subscribers.append(subscriber)
        subscriber.start()
        assert subscriber.wait_subscribed(10)
        return heard

    yield subscribe
    for subscriber in subscribers:
        subscriber.stop()


MakeLedger = Callable[..., JobLedger]


@pytest.fixture
def ledger_of(database: Database[Document]) -> MakeLedger:
    """Makes ledgers of workers."""

    def ledger_of(worker: str, terms: Terms = TERMS) -> JobLedger:
        return JobLedger(database, terms, worker)

    return ledger_of


@pytest.fixture
def ledger(ledger_of: MakeLedger) -> JobLedger:
    """The ledger of a worker that keeps its leases."""
    return ledger_of("worker-a")


@pytest.fixture
def dead_ledger(ledger_of: MakeLedger) -> JobLedger:
    """The ledger of a worker whose leases have always lapsed already."""
    return ledger_of("dead-worker", LAPSED)


@pytest.fixture
def blobs(database: Database[Document]) -> BlobStore:
    """The test's own blobs."""
    return BlobStore(database)


@pytest.fixture
def outcomes(indexed: Database[Document]) -> Outcomes:
    """Applies outcomes in the test's own database."""
    return Outcomes(indexed)


@pytest.fixture
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """Every line that is logged in this process during the test, as it would be written."""
    lines: list[structlog.typing.EventDict] = []

    def keep(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        lines.append(dict(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, keep],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    yield lines
    structlog.configure(**before)


@pytest.fixture(scope="module")
def bench(servers: LocalStack, raw_redis: redis.Redis, fork_server: None) -> Iterator[Bench]:
    """One worker for all tests that leave it as it was: each ends only if the worker outlives what it does."""
    raw_redis.flushall()
    settings = quick_settings(servers, concurrency=2, bus_url=bench_url(servers))
    with opened(settings) as (tools, _), working(tools) as bench:
        yield bench
