"""What the gateway is made of, for the tests of its parts: with a real broker and a real record."""

from collections.abc import AsyncIterator, Callable

import pytest

from modelbus.gateway.jobs.job_waiters import JobWaiters
from modelbus.gateway.jobs.outbox import Outbox
from modelbus.shared.bus import Publisher
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import open_async_store
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.jobs.ledger import terms_of

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
