"""The rows that a version predicted, gathered from the jobs that hold them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from pymongo.database import Database

from modelbus.evaluator.sampling.served_rows import ServedRows, gather_served_rows
from modelbus.shared.contracts import Predict, new_correlation_id
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.large_results import within_limit
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger
from modelbus.shared.store.records.library import Library
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.worker.child import JobContext
from tests.unit.tables import TYPES, fit

NOW = datetime.now(UTC)
VERSION = {"model": "churn", "version": 2, "created_at": NOW - timedelta(days=1)}
OWN = {"model": "churn", "version": 2}


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return fit("LogisticRegression").model


@pytest.fixture
def context(settings: Settings, indexed: Database[Document], blobs: BlobStore, tmp_path: Path) -> JobContext:
    return JobContext(
        correlation_id=new_correlation_id(),
        fence=1,
        settings=settings,
        memory_limit_bytes=settings.job_memory_limit_bytes,
        library=Library(indexed),
        blobs=blobs,
        work_directory=tmp_path,
        report=lambda progress: None,
    )


def predicted(ledger: JobLedger, count: int, result: Document | None, **row: Any) -> str:
    """A prediction of some rows, as it is recorded; without a result one that failed."""
    given = dict.fromkeys(TYPES) | row
    command = Predict(model="churn", rows=[given] * count)
    job = new_job(command, new_correlation_id(), door="http")
    error = {"code": "internal", "message": "no", "details": []} if result is None else None
    ledger.record_finished([FinishedJob(job, result, error)])
    return job.correlation_id


def gathered(context: JobContext, model: FittedModel, limit: int = 1000, since: datetime | None = None) -> ServedRows:
    return gather_served_rows(context, VERSION, model, since or NOW - timedelta(hours=1), limit, 0)


def test_only_what_the_version_answered_is_gathered(context: JobContext, model: FittedModel, ledger: JobLedger) -> None:
    for result in (OWN, {**OWN, "version": 1}, {**OWN, "model": "other"}, None):
        predicted(ledger, 3, result)

    found = gathered(context, model)

    assert (found.row_count, found.request_count, found.is_capped, found.lost_count) == (3, 1, False, 0)
    assert list(found.frame().columns) == list(TYPES)


def test_a_large_answer_is_looked_up_where_it_is_stored(
    context: JobContext, model: FittedModel, ledger: JobLedger, blobs: BlobStore
) -> None:
    for result in (OWN, {**OWN, "version": 1}):
        blob_id = blobs.save(orjson.dumps({**result, "predictions": []}), "result", new_correlation_id(), 0)
        predicted(ledger, 4, {"stored_result": blob_id, "size_bytes": 9})
    predicted(ledger, 4, {"stored_result": new_correlation_id(), "size_bytes": 9})

    found = gathered(context, model)

    assert (found.row_count, found.request_count, found.lost_count) == (4, 1, 1)


def test_a_large_answer_is_not_read_to_tell_whose_it_is(
    context: JobContext, model: FittedModel, ledger: JobLedger, blobs: BlobStore, indexed: Database[Document]
) -> None:
    for result in (OWN, {**OWN, "version": 1}, {**OWN, "model": "other"}):
        large = {**result, "predictions": ["x" * 50] * 100}
        correlation_id = predicted(ledger, 2, within_limit(large, new_correlation_id(), blobs, 1024))
        stored = indexed["jobs"].find_one({"_id": correlation_id})
        assert stored is not None
        assert stored["result"].keys() == {"stored_result", "size_bytes"}
        # Whoever reads it reads what is not there any more.
        indexed["fs.chunks"].delete_many({"files_id": stored["result"]["stored_result"]})

    found = gathered(context, model)

    assert (found.row_count, found.request_count, found.lost_count) == (2, 1, 0)


def test_nothing_before_the_time_or_before_the_version_is_gathered(
    context: JobContext, model: FittedModel, ledger: JobLedger, indexed: Database[Document]
) -> None:
    for age in (timedelta(minutes=1), timedelta(hours=5), timedelta(days=3)):
        correlation_id = predicted(ledger, 1, OWN)
        indexed["jobs"].update_one({"_id": correlation_id}, {"$set": {"created_at": NOW - age}})

    assert gathered(context, model).row_count == 1
    assert gathered(context, model, since=NOW - timedelta(days=9)).row_count == 2, (
        "three days ago it was another's name"
    )


def test_the_newest_rows_come_first_and_the_rest_is_said_to_be_there(
    context: JobContext, model: FittedModel, ledger: JobLedger, indexed: Database[Document]
) -> None:
    for minutes in (30, 20, 10):
        correlation_id = predicted(ledger, 10, OWN, amount=float(minutes))
        at = NOW - timedelta(minutes=minutes)
        indexed["jobs"].update_one({"_id": correlation_id}, {"$set": {"created_at": at}})

    within, beyond = gathered(context, model, 20), gathered(context, model, 15)

    assert within.frame()["amount"].tolist() == [10.0] * 10 + [20.0] * 10
    assert beyond.frame()["amount"].tolist() == [10.0] * 10 + [20.0] * 5
    assert (within.is_capped, beyond.is_capped, gathered(context, model, 30).is_capped) == (True, True, False)
    assert within.oldest is not None
    assert abs(within.oldest - (NOW - timedelta(minutes=20))) < timedelta(seconds=1)
