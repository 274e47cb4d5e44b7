"""Whatever is asked of many documents finds an index, in the order that is wanted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from bson import Timestamp
from pymongo.database import Database

from modelbus.shared.store import job_queries
from modelbus.shared.store.blobs import blob_queries
from modelbus.shared.store.connection import Document
from modelbus.shared.store.indexes import DATASETS, MODELS
from modelbus.shared.store.jobs import repair
from modelbus.shared.store.letters import letter_queries
from modelbus.shared.store.letters.letter_queries import DeadLetterQuery
from modelbus.shared.store.logs import log_queries
from modelbus.shared.store.queries import Query
from modelbus.shared.store.records import catalog_queries

NOW: Final = datetime(2026, 1, 31, tzinfo=UTC)
ARRIVED: Final = Timestamp(1, 1)
AFTER: Final = (NOW, "last")
VERSION: Final[Any] = {"model": "prices", "version": 1, "created_at": NOW}
QUERIES: Final[dict[str, Query[Any]]] = {
    "jobs": job_queries.jobs_page({}, after=None, limit=50),
    "jobs behind a page": job_queries.jobs_page({}, after=AFTER, limit=50),
    "jobs of a status": job_queries.jobs_page({"status": "queued"}, after=None, limit=50),
    "jobs of a dataset": job_queries.jobs_page({"spec.dataset": "shop"}, after=None, limit=50),
    "jobs that have ended": job_queries.ended_jobs(["one", "two"], job_queries.ENDED),
    "jobs that a message names": job_queries.queued_jobs(["one", "two"]),
    "jobs that succeeded lately": job_queries.succeeded_lately("TrainModel", 20),
    "jobs that read a dataset's rows": job_queries.jobs_reading("shop"),
    "jobs of an evaluation": job_queries.jobs_evaluating("first"),
    "unfilled evaluations": job_queries.unfilled_evaluations(),
    "jobs whose lease lapsed": job_queries.some_ids(repair.lapsed(is_committed=False), 200),
    "jobs to publish": job_queries.some_ids(repair.due_for_publication("train", repair.Waiting(is_empty=True)), 200),
    "predictions of a version": job_queries.jobs_served_by(VERSION, NOW),
    "datasets": catalog_queries.by_name(DATASETS, "a", 50, catalog_queries.LISTED_DATASET),
    "models": catalog_queries.by_name(MODELS, None, 50, catalog_queries.MODEL),
    "versions of a model": catalog_queries.versions_of("prices"),
    "evaluations": catalog_queries.evaluations_page(model=None, dataset=None, after=None, limit=50),
    "evaluations of a model": catalog_queries.evaluations_page(model="prices", dataset=None, after=None, limit=50),
    "estimators": catalog_queries.estimators_of(None),
    "files of jobs": blob_queries.blobs_of_jobs(["one"], ("export",)),
    "chunks of a file": blob_queries.chunks_between("one", 0, 3),
    "the last chunk": blob_queries.last_chunk("one"),
    "dead jobs": letter_queries.dead_jobs(DeadLetterQuery(), after=None, limit=50),
    "dead jobs behind a page": letter_queries.dead_jobs(DeadLetterQuery(), after=AFTER, limit=50),
    "messages": letter_queries.messages(DeadLetterQuery(), after=None, limit=50),
    "messages of a queue": letter_queries.messages(DeadLetterQuery(queue="train"), after=None, limit=50),
    "log lines": log_queries.newest_batches({}, 32),
    "log lines of a service": log_queries.newest_batches({"service": "trainer"}, 32),
    "log lines of a job": log_queries.newest_batches({"correlation_ids": "one"}, 32),
    "log lines that arrived": log_queries.arrived_batches({}, after=ARRIVED, until=ARRIVED),
    "the next arrivals": log_queries.next_arrivals({}, after=ARRIVED, limit=32),
    "the newest arrival": log_queries.newest_arrival(),
    "whether a service logged": log_queries.any_batch_of("trainer"),
}


def stages_of(plan: Document) -> Iterator[str]:
    """The names of a plan's stages."""
    yield plan["stage"]
    for inner in (plan.get("inputStage"), *plan.get("inputStages", ())):
        if inner is not None:
            yield from stages_of(inner)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_finds_an_index(indexed: Database[Document], name: str) -> None:
    query = QUERIES[name]
    asked: Document = {"find": query.collection, "filter": query.filter, "projection": dict(query.shape.projection)}
    if query.sort:
        asked["sort"] = dict(query.sort)
    plan = indexed.command("explain", asked, verbosity="queryPlanner")["queryPlanner"]["winningPlan"]

    assert "COLLSCAN" not in list(stages_of(plan))
