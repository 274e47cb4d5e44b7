"""What is written to MongoDB has the keys of its typed dictionary: all that it demands, and none besides."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pymongo.database import Database

from modelbus.shared.bus.poison import PoisonMessage
from modelbus.shared.contracts import EstimatorRecord, new_correlation_id
from modelbus.shared.contracts.documents.job_documents import JobDocument
from modelbus.shared.contracts.documents.letter_documents import MessageDocument
from modelbus.shared.contracts.documents.model_documents import UsageDocument
from modelbus.shared.contracts.documents.service_documents import (
    ApiKeyDocument,
    EstimatorDocument,
    LeftOutDocument,
    ServiceDocument,
)
from modelbus.shared.errors import BusUnavailable, ModelbusError
from modelbus.shared.observing.log_shipper import LoggedLine
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document, open_async_store
from modelbus.shared.store.job_queries import JOB
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger
from modelbus.shared.store.letters.dead_letters import DeadLetters
from modelbus.shared.store.letters.kept_poison import PoisonKeeper
from modelbus.shared.store.logs.log_batches import LogBatches
from modelbus.shared.store.logs.log_queries import LogBatchDocument
from modelbus.shared.store.records.api_key_store import ApiKeys
from modelbus.shared.store.records.library import Library
from modelbus.shared.store.records.services import ServiceInstance, ServiceRegistry
from modelbus.shared.store.records.usage import UsageCounter
from tests.integration.conftest import MakeLedger
from tests.integration.ledger_jobs import OUTCOME, RESULT, claimed, started
from tests.integration.samples import AT_ONCE, train_job


def assert_written(database: Database[Document], collection: str, document: Any) -> None:
    """All documents of a collection have the keys of the typed dictionary."""
    found = database[collection].find().to_list()
    assert found
    for one in found:
        assert one.keys() <= document.__annotations__.keys()
        assert one.keys() >= document.__required_keys__


def test_jobs_in_every_state_have_the_keys_of_their_type(ledger_of: MakeLedger, indexed: Database[Document]) -> None:
    ledger: JobLedger = ledger_of("worker", AT_ONCE)
    ledger.accept(train_job())
    started(ledger)
    committed = started(ledger)
    ledger.commit(committed, OUTCOME)
    done = started(ledger)
    ledger.commit(done, {**OUTCOME, "files": [{"name": "roc.svg", "blob_id": "one"}]})
    ledger.complete(done, RESULT)
    ledger.fail(started(ledger), ModelbusError("no"))
    ledger.fail(started(ledger), BusUnavailable("later"))
    ledger.record_finished([FinishedJob(train_job(), RESULT, None)])
    cancelled = train_job()
    ledger.accept(cancelled)
    ledger.request_cancel(cancelled.correlation_id)

    states = {job["status"] for job in indexed["jobs"].find()}
    assert states == {"queued", "running", "succeeded", "failed", "cancelled"}
    assert_written(indexed, "jobs", JobDocument)


async def test_a_dead_job_that_was_edited_and_replayed_has_the_keys_of_its_document(
    ledger_of: MakeLedger, indexed: Database[Document], settings: Settings
) -> None:
    ledger = ledger_of("worker", AT_ONCE)
    job = train_job()
    ledger.accept(job)
    for _ in range(AT_ONCE.max_attempts):
        ledger.fail(claimed(ledger, job.correlation_id), BusUnavailable("away"))
    database = open_async_store(settings)
    await DeadLetters(database).edit_job(job.correlation_id, job.spec, job.spec_hash)
    await database.client.close()
    ledger.replay(job.correlation_id)

    assert_written(indexed, "jobs", JobDocument)
    assert indexed["jobs"].find_one({}, JOB.projection) == indexed["jobs"].find_one()


def test_a_service_has_the_keys_of_its_document(indexed: Database[Document]) -> None:
    ServiceRegistry(indexed).announce(ServiceInstance("trainer", ("train",), "127.0.0.1:1"), 0)
    assert_written(indexed, "services", ServiceDocument)


def test_a_catalogue_has_the_keys_of_its_documents(indexed: Database[Document]) -> None:
    estimator = EstimatorRecord(name="Ridge", task="regression", description="learns", module="sklearn.linear_model")
    Library(indexed).declare_estimators([estimator], {"Lasso": "a reason"})
    assert_written(indexed, "estimators", EstimatorDocument)
    assert_written(indexed, "catalogue", LeftOutDocument)


def test_a_message_that_cannot_be_read_has_the_keys_of_its_document(indexed: Database[Document]) -> None:
    poison = PoisonMessage(str(uuid4()), "train", "no JSON", "trainer", datetime.now(UTC), b"junk")
    PoisonKeeper(indexed, retention_days=1).keep(poison)
    assert_written(indexed, "dead_letters", MessageDocument)


async def test_an_api_key_has_the_keys_of_its_document(indexed: Database[Document], settings: Settings) -> None:
    database = open_async_store(settings)
    await ApiKeys(database).create("ci", "hash", owner="ci", scopes=["read"], expires_s=None)
    await database.client.close()
    assert_written(indexed, "api_keys", ApiKeyDocument)


def test_the_use_of_a_version_has_the_keys_of_its_document(indexed: Database[Document]) -> None:
    usage = UsageCounter(indexed)
    usage.add(new_correlation_id(), requests=1, rows=2, report={"missing": {"a.b": 1}})
    usage.flush(is_last=True)
    assert_written(indexed, "usage", UsageDocument)


def test_a_batch_of_log_lines_has_the_keys_of_its_document(indexed: Database[Document]) -> None:
    moment = datetime.now(UTC).isoformat()
    batches = LogBatches(indexed, "trainer", retention_s=60)
    batches.write(batches.batch([LoggedLine(b"{}", moment, "info", ())]))
    assert_written(indexed, "log_batches", LogBatchDocument)
