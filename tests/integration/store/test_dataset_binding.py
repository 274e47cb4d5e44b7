"""A job is bound to the content of its datasets when it is accepted, and ends with the reason when one is deleted."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo.database import Database

from modelbus.shared.contracts import command_spec, new_correlation_id, parse_command, spec_hash
from modelbus.shared.errors import DatasetChanged, JobCancelled, StoreUnavailable, UnknownDataset
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document, open_async_store
from modelbus.shared.store.job_queries import jobs_using
from modelbus.shared.store.jobs import protocol
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.binding import digests
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.jobs.ledger import JobLedger, terms_of
from modelbus.shared.store.operation import NewJob
from modelbus.shared.store.records.library import Library
from tests.integration.conftest import MakeLedger
from tests.integration.ledger_jobs import OUTCOME, claimed, found, started
from tests.integration.samples import LAPSED, TERMS, train_job

REASON = JobCancelled("dataset 'customers' was deleted")


@pytest.fixture
async def records(settings: Settings, indexed: Database[Document]) -> AsyncIterator[JobRecords]:
    database = open_async_store(settings)
    yield JobRecords(database, terms_of(settings))
    await database.client.close()


def put(database: Database[Document], name: str, sha256: str) -> Document:
    """A dataset of that name, in place of the one that had it."""
    document = {"_id": name, "name": name, "sha256": sha256}
    database["datasets"].replace_one({"_id": name}, document, upsert=True)
    return document


def put_version(database: Database[Document], version: int, dataset: str, hold_out: str | None = None) -> None:
    """A version of the model ``churn``, and its champion."""
    own = {"_id": f"churn@{version}", "model": "churn", "version": version, "correlation_id": new_correlation_id()}
    record = {**own, "dataset": dataset, "hold_out": {"dataset": hold_out}}
    database["versions"].insert_one(record)
    changes = {"$push": {"versions": version}, "$set": {"aliases.champion": version}}
    database["models"].update_one({"_id": "churn"}, changes, upsert=True)


def job_of(**document: Any) -> NewJob:
    return new_job(parse_command(document), new_correlation_id(), door="queue")


async def accepted(ledger: JobLedger, records: JobRecords, door: str, job: NewJob) -> Document:
    return await records.accept(job) if door == "http" else ledger.accept(job)


@pytest.mark.parametrize("door", ["http", "queue"])
async def test_a_job_keeps_the_digests_of_what_it_names(
    indexed: Database[Document], ledger: JobLedger, records: JobRecords, door: str
) -> None:
    put(indexed, "customers", "a1")

    job = train_job(hold_out={"dataset": "later"})
    document = await accepted(ledger, records, door, job)

    assert document["datasets"] == [{"name": "customers", "sha256": "a1"}, {"name": "later", "sha256": None}]
    assert digests(document) == {"customers": "a1"}
    assert document["spec_hash"] == spec_hash(command_spec(parse_command(document["spec"])))


@pytest.mark.parametrize("door", ["http", "queue"])
@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("churn", {"newer": "b2", "apart": "c3"}),
        ("churn@champion", {"newer": "b2", "apart": "c3"}),
        ("churn@1", {"customers": "a1"}),
        ("churn@7", {}),
        ("churn@nowhere", {}),
        ("nobody", {}),
    ],
)
async def test_a_job_keeps_the_digests_of_what_its_version_was_made_with(
    indexed: Database[Document],
    ledger: JobLedger,
    records: JobRecords,
    door: str,
    reference: str,
    expected: dict[str, str],
) -> None:
    for name, sha256 in (("customers", "a1"), ("newer", "b2"), ("apart", "c3")):
        put(indexed, name, sha256)
    put_version(indexed, 1, "customers")
    put_version(indexed, 2, "newer", "apart")

    document = await accepted(ledger, records, door, job_of(command="RetrainModel", model=reference))

    assert digests(document) == expected


@pytest.mark.parametrize("door", ["http", "queue"])
async def test_a_command_that_comes_again_finds_the_job_as_it_was_bound(
    indexed: Database[Document], ledger: JobLedger, records: JobRecords, door: str
) -> None:
    put(indexed, "customers", "a1")
    job = train_job()
    await accepted(ledger, records, door, job)
    put(indexed, "customers", "b2")

    for other in ("http", "queue"):
        assert digests(await accepted(ledger, records, other, job)) == {"customers": "a1"}


def test_a_job_reads_the_dataset_that_it_was_accepted_for_and_no_other(indexed: Database[Document]) -> None:
    put(indexed, "customers", "a1")
    library = Library(indexed, {"customers": "a1"})
    assert library.dataset("customers")["sha256"] == "a1"

    put(indexed, "customers", "b2")
    with pytest.raises(DatasetChanged, match="dataset 'customers' was replaced after the job was accepted"):
        library.dataset("customers")
    assert Library(indexed).dataset("customers")["sha256"] == "b2"

    put(indexed, "customers", "a1")
    assert library.dataset("customers"), "the same table under the same name is the same"
    indexed["datasets"].delete_one({"_id": "customers"})
    with pytest.raises(UnknownDataset, match="dataset 'customers' was deleted after the job was accepted"):
        library.dataset("customers")


def test_what_another_job_read_is_told_by_its_own_digests(indexed: Database[Document]) -> None:
    put(indexed, "customers", "b2")
    library = Library(indexed, {"customers": "a1"})
    job: Document = {"spec": {"dataset": "customers"}, "datasets": [{"name": "customers", "sha256": "b2"}]}

    assert library.dataset_read_by(job)["sha256"] == "b2"
    assert library.dataset_read_by({"spec": {"dataset": "customers"}})["sha256"] == "b2", "of an earlier release"
    with pytest.raises(DatasetChanged):
        library.dataset_read_by({**job, "datasets": [{"name": "customers", "sha256": "a1"}]})


@pytest.mark.parametrize("door", ["http", "queue"])
@pytest.mark.parametrize("edited", [None, "others"])
async def test_a_replay_is_bound_anew(
    indexed: Database[Document], ledger: JobLedger, records: JobRecords, door: str, edited: str | None
) -> None:
    put(indexed, "customers", "a1")
    claim = started(ledger, train_job())
    ledger.fail(claim, DatasetChanged())
    put(indexed, "customers", "b2")
    put(indexed, "others", "c3")
    if edited is not None:
        indexed["jobs"].update_one({"_id": claim.correlation_id}, {"$set": {"status": "dead"}})
        spec = {**found(ledger, claim.correlation_id)["spec"], "dataset": edited}
        edit = protocol.edit(claim.correlation_id, spec, spec_hash(spec))
        indexed["jobs"].update_one(edit.filter, edit.update)

    if door == "http":
        await records.replay(claim.correlation_id)
    else:
        ledger.replay(claim.correlation_id)

    assert digests(found(ledger, claim.correlation_id)) == ({"customers": "b2"} if edited is None else {"others": "c3"})


async def test_queued_and_running_jobs_use_what_they_are_bound_to(
    indexed: Database[Document], ledger: JobLedger, records: JobRecords
) -> None:
    early = ledger.accept(train_job())["_id"]
    first = put(indexed, "customers", "a1")
    held_out = ledger.accept(train_job(dataset="others", hold_out={"dataset": "customers"}))["_id"]
    running = started(ledger, train_job()).correlation_id
    ledger.fail(started(ledger, train_job()), UnknownDataset())
    ledger.accept(train_job(dataset="others"))
    for reading in ("ReadRows", "ExportDataset"):
        ledger.accept(job_of(command=reading, dataset="customers", **({"format": "csv"} if "Ex" in reading else {})))
    ledger.accept(
        job_of(command="ProfileDataset", dataset="customers", source={"kind": "inline", "text": "a\n1\n"}),
    )
    formerly = ledger.accept(train_job())["_id"]
    indexed["jobs"].update_one({"_id": formerly}, {"$unset": {"datasets": ""}})
    second = put(indexed, "customers", "b2")
    newer = ledger.accept(train_job())["_id"]

    used = [[job["_id"] for job in await records.find_using(dataset)] for dataset in (first, second)]

    assert used == [[early, held_out, running, formerly], [early, formerly, newer]]


def test_what_uses_a_dataset_is_found_by_an_index(indexed: Database[Document], ledger: JobLedger) -> None:
    put(indexed, "customers", "a1")
    for dataset in ("customers", *["others"] * 20):
        ledger.accept(train_job(dataset=dataset))

    query = jobs_using({"_id": "customers", "sha256": "a1"})
    plan = indexed["jobs"].find(query.filter, query.shape.projection).explain()

    assert plan["executionStats"]["totalDocsExamined"] < 5, "of 21 jobs; one may be looked at more than once"


@pytest.mark.parametrize("state", ["queued", "tried before", "running"])
async def test_a_job_that_is_ended_for_a_reason_has_it_as_its_error(
    ledger_of: MakeLedger, records: JobRecords, state: str
) -> None:
    ledger = ledger_of("worker-a", TERMS)
    job = train_job()
    ledger.accept(job)
    claim = claimed(ledger, job.correlation_id) if state != "queued" else None
    if claim and state == "tried before":
        ledger.fail(claim, StoreUnavailable("away"))

    await records.request_cancel(job.correlation_id, REASON)
    if claim and state == "running":
        assert found(ledger, job.correlation_id)["status"] == "running"
        assert ledger.is_ended_for_a_reason(claim)
        ledger.cancelled(claim)

    ended = found(ledger, job.correlation_id)
    assert (ended["status"], ended["error"]["code"]) == ("cancelled", "cancelled")
    assert ended["error"]["message"] == REASON.message
    ledger.replay(job.correlation_id)
    assert found(ledger, job.correlation_id)["cancel_reason"] is None


@pytest.mark.parametrize("way", ["released", "failed", "lapsed"])
async def test_the_reason_outlasts_its_worker(ledger_of: MakeLedger, records: JobRecords, way: str) -> None:
    ledger = ledger_of("worker-a", LAPSED if way == "lapsed" else TERMS)
    claim = started(ledger, train_job())
    await records.request_cancel(claim.correlation_id, REASON)

    if way == "released":
        ledger.release(claim)
    elif way == "failed":
        ledger.fail(claim, StoreUnavailable("away"))
    else:
        assert len(list(ledger.lapse())) == 1

    ended = found(ledger, claim.correlation_id)
    assert (ended["status"], (ended["error"] or {}).get("message")) == ("cancelled", REASON.message)


async def test_of_a_job_that_is_ended_for_a_reason_nothing_is_kept(ledger: JobLedger, records: JobRecords) -> None:
    claim = started(ledger, train_job())
    await records.request_cancel(claim.correlation_id)
    assert not ledger.is_ended_for_a_reason(claim)
    await records.request_cancel(claim.correlation_id, REASON)
    await records.request_cancel(claim.correlation_id)

    assert ledger.is_ended_for_a_reason(claim), "once there is a reason it stays"
    assert not ledger.commit(claim, {**OUTCOME, "survives_cancel": True})
    assert ledger.cancelled(claim)["error"]["message"] == REASON.message


async def test_a_job_that_its_owner_cancels_has_no_error(ledger: JobLedger, records: JobRecords) -> None:
    queued, running = ledger.accept(train_job())["_id"], started(ledger, train_job())
    await records.request_cancel(queued)
    await records.request_cancel(running.correlation_id)
    ledger.cancelled(running)

    for correlation_id in (queued, running.correlation_id):
        ended = found(ledger, correlation_id)
        assert (ended["status"], ended["error"]) == ("cancelled", None)
