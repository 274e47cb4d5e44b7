"""What a list reads: what it answers, however much the records hold beside it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pymongo.database import Database

from modelbus.gateway.app import create_app
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document, open_async_store
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.job_queries import ENDED, ended_jobs
from modelbus.shared.store.jobs import protocol
from tests.integration.samples import TERMS, job_of

# aiohttp warns of a request's fields that are named by text; here the gateway runs where warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")

MEGABYTE: Final = 1024 * 1024
ALIKE: Final = 1.1
"""How much more a list of large records may cost than one of small ones: figures with another number of digits."""
Make = Callable[[str], Document]


def made_job(filling: str, **changes: Any) -> Document:
    """A job that succeeded, whose specification and result are large."""
    job = job_of({"command": "TrainModel", "rows": filling})
    made = protocol.finished_document(
        job, result={"told": filling}, error=None, worker="worker", terms=TERMS, now=datetime.now(UTC)
    )
    return {**made, **changes}


def failed_evaluation(filling: str) -> Document:
    """A job of an evaluation that was never filled."""
    spec = {"command": "EvaluateModel", "model": "prices", "dataset": "shop", "slices": filling}
    return made_job("", command="EvaluateModel", spec=spec, result={"told": filling}, status="failed")


def searching_job(filling: str) -> Document:
    """A running job whose leaderboard is long."""
    tuning = {"scoring": "f1", "done": 1, "candidate_count": 1, "leaderboard": [{"error": filling}]}
    return made_job("", status="running", progress={"fraction": 0.5, "message": "searching", "tuning": tuning})


def dead_job(filling: str) -> Document:
    """A dead job that somebody edited."""
    error = {"code": "crashed", "message": "the worker stopped", "details": []}
    draft = {"spec": {"rows": filling}, "spec_hash": "", "at": datetime.now(UTC)}
    return made_job(filling, status="dead", error=error, draft=draft)


def dataset(filling: str) -> Document:
    """A dataset whose profile is large."""
    name = f"data-{uuid4()}"
    return {
        "_id": name,
        "name": name,
        "owner": "local",
        "correlation_id": new_correlation_id(),
        "row_count": 3,
        "format": "csv",
        "size_bytes": 10,
        "source_size_bytes": 10,
        "sha256": "a" * 64,
        "columns": [{"name": "text", "type": "text", "missing": 0, "distinct": 1, "top": [{"value": filling}]}],
        "created_at": datetime.now(UTC),
        "blob_id": str(uuid4()),
    }


def evaluation(filling: str) -> Document:
    """An evaluation whose tables are large."""
    name = f"eval-{uuid4()}"
    return {
        "_id": name,
        "id": name,
        "status": "succeeded",
        "owner": "local",
        "correlation_id": new_correlation_id(),
        "dataset": "shop",
        "metrics": {"accuracy": 0.5},
        "slices": [{"column": filling}],
        "thresholds": [{"told": filling}],
        "created_at": datetime.now(UTC),
    }


def message(filling: str) -> Document:
    """A message that could not be read, and that somebody edited."""
    now = datetime.now(UTC)
    return {
        "_id": str(uuid4()),
        "queue": "train",
        "reason": "no JSON",
        "service": "trainer",
        "correlation_id": None,
        "reply_to": None,
        "received_at": now,
        "raw": filling.encode(),
        "size_bytes": 3,
        "draft": {"body": filling.encode(), "at": now},
        "history": [],
        "expires_at": now,
    }


def estimator(filling: str) -> Document:
    """An estimator with a large schema."""
    name = f"Estimator{uuid4().hex}"
    told = {"name": name, "task": "regression", "description": "learns", "module": "there"}
    return {"_id": name, **told, "hyperparameters": {"about": filling}}


LISTS: Final[list[tuple[str, str, str, Make, int]]] = [
    # the path, the key of its list, the collection, what makes a record, and how many there are
    ("/jobs?limit=200", "jobs", "jobs", made_job, 200),
    ("/jobs?limit=20", "jobs", "jobs", searching_job, 20),
    ("/datasets?limit=20", "datasets", "datasets", dataset, 20),
    ("/evaluations?limit=20", "evaluations", "evaluations", evaluation, 20),
    ("/evaluations?limit=20", "evaluations", "jobs", failed_evaluation, 20),
    ("/dead-letters?limit=20", "dead_letters", "jobs", dead_job, 20),
    ("/dead-letters?limit=20", "dead_letters", "dead_letters", message, 20),
    ("/estimators", "estimators", "estimators", estimator, 20),
]


@contextmanager
def sent_bytes(database: Database[Document]) -> Iterator[list[int]]:
    """Bytes of each answer that MongoDB gives for a query of this database meanwhile."""
    database.command("profile", 0)
    database.drop_collection("system.profile")
    sent: list[int] = []
    database.command("profile", 2)
    yield sent
    database.command("profile", 0)
    asked = {"op": {"$in": ["query", "getmore", "command"]}, "ns": {"$ne": f"{database.name}.system.profile"}}
    sent += [entry["responseLength"] for entry in database["system.profile"].find(asked) if "responseLength" in entry]


def fill(database: Database[Document], collection: str, make: Make, count: int, filling: str) -> None:
    """Replace all records of a collection."""
    database[collection].delete_many({})
    for start in range(0, count, 10):
        database[collection].insert_many([make(filling) for _ in range(start, min(start + 10, count))])


@pytest.fixture
async def gateway(settings: Settings, bus_url: str) -> AsyncIterator[TestClient[Any, Any]]:
    """The gateway in this process, on the test's own database."""
    async with TestClient(TestServer(create_app(settings))) as client:
        yield client


async def cost_of(database: Database[Document], ask: Callable[[], Awaitable[Sequence[Any]]], count: int) -> int:
    """Bytes that MongoDB sends for an answer of so many records."""
    with sent_bytes(database) as sent:
        assert len(await ask()) == count
    assert sent
    return sum(sent)


@pytest.mark.parametrize(
    ("path", "key", "collection", "make", "count"),
    LISTS,
    ids=[f"{path}-{make.__name__}" for path, _, _, make, _ in LISTS],
)
async def test_a_list_of_large_records_costs_no_more_than_one_of_small_ones(
    indexed: Database[Document],
    gateway: TestClient[Any, Any],
    path: str,
    key: str,
    collection: str,
    make: Make,
    count: int,
) -> None:
    async def ask() -> Sequence[Any]:
        response = await gateway.get(path)
        assert response.status == 200, await response.text()
        listed: Sequence[Any] = (await response.json())[key]
        return listed

    fill(indexed, collection, make, count, "")
    small = await cost_of(indexed, ask, count)
    fill(indexed, collection, make, count, "x" * MEGABYTE)

    assert await cost_of(indexed, ask, count) < ALIKE * small


async def test_whoever_waits_is_read_the_answer_and_not_what_was_asked(
    indexed: Database[Document], settings: Settings
) -> None:
    database = open_async_store(settings)
    store = GatewayStore(database)

    async def ask() -> Sequence[Any]:
        return await store.all(ended_jobs([job["_id"] for job in indexed["jobs"].find({}, {"_id": 1})], ENDED))

    def asked(filling: str) -> Document:
        return made_job("", spec={"rows": filling})

    fill(indexed, "jobs", asked, 20, "")
    small = await cost_of(indexed, ask, 20)
    fill(indexed, "jobs", asked, 20, "x" * MEGABYTE)

    assert await cost_of(indexed, ask, 20) < ALIKE * small
    await database.client.close()
