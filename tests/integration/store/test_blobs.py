"""Blobs: what is written comes back, what a dead worker left is removed, what belongs to something never is."""

import io
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.errors import EstimatorRejected, UnknownUpload
from modelbus.shared.store.blobs.blob_writer import CHUNK_BYTES
from modelbus.shared.store.blobs.large_results import within_limit
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.jobs.outcomes import Outcomes
from tests.integration.samples import train_job

ANY_AGE = -1
"""A grace that has passed for what was written just now."""
DAY_S = 24 * 3600.0


def exists(database: Database[Document], blob_id: str) -> bool:
    return database["fs.files"].count_documents({"_id": blob_id}) == 1


def chunk_count(database: Database[Document], blob_id: str) -> int:
    return database["fs.chunks"].count_documents({"files_id": blob_id})


def running_job(ledger: JobLedger) -> str:
    job = train_job()
    ledger.accept(job)
    assert ledger.claim(job.correlation_id) is not None
    return job.correlation_id


def failed_job(ledger: JobLedger) -> str:
    job = train_job()
    ledger.accept(job)
    claimed = ledger.claim(job.correlation_id)
    assert claimed is not None
    ledger.fail(claimed[0], EstimatorRejected("no"))
    return job.correlation_id


def test_what_is_saved_is_read_back(blobs: BlobStore, tmp_path: Path) -> None:
    content = bytes(range(256)) * (CHUNK_BYTES // 100)
    blob_id = blobs.save(io.BytesIO(content), "upload", new_correlation_id(), 0)
    assert blobs.read(blob_id) == content
    blobs.download(blob_id, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content


def test_a_blob_that_is_gone_is_an_error_to_read_and_none_to_delete(
    blobs: BlobStore, database: Database[Document], tmp_path: Path
) -> None:
    blob_id = blobs.save(b"x", "upload", new_correlation_id(), 0)
    blobs.delete(blob_id)
    blobs.delete(blob_id)
    assert chunk_count(database, blob_id) == 0
    with pytest.raises(UnknownUpload, match=blob_id):
        blobs.read(blob_id)
    with pytest.raises(UnknownUpload, match=blob_id):
        blobs.download(blob_id, tmp_path / "copy")


def test_what_a_dead_job_left_pending_is_removed_after_the_grace(
    blobs: BlobStore, ledger: JobLedger, database: Database[Document]
) -> None:
    blob_id = blobs.save(b"half a model", "artifact", failed_job(ledger), 1)
    assert blobs.remove_orphans(DAY_S) == 0
    assert exists(database, blob_id)
    assert blobs.remove_orphans(ANY_AGE) == 1
    assert (exists(database, blob_id), chunk_count(database, blob_id)) == (False, 0)


def test_an_upload_whose_job_was_never_accepted_is_removed_after_the_grace(
    blobs: BlobStore, database: Database[Document]
) -> None:
    blob_id = blobs.save(b"a,b\n", "upload", new_correlation_id(), 0)
    assert blobs.remove_orphans(DAY_S) == 0
    assert blobs.remove_orphans(ANY_AGE) == 1
    assert not exists(database, blob_id)


def test_what_a_running_or_queued_job_writes_is_kept(
    blobs: BlobStore, ledger: JobLedger, database: Database[Document]
) -> None:
    queued = train_job()
    ledger.accept(queued)
    kept = [blobs.save(b"x", "artifact", owner, 1) for owner in (running_job(ledger), queued.correlation_id)]
    assert blobs.remove_orphans(ANY_AGE) == 0
    assert all(exists(database, blob_id) for blob_id in kept)


def test_what_belongs_to_a_dataset_a_version_or_an_evaluation_is_kept_even_while_it_is_pending(
    blobs: BlobStore, outcomes: Outcomes, database: Database[Document], ledger: JobLedger
) -> None:
    dataset, artifact = (blobs.save(b"x", kind, failed_job(ledger), 1) for kind in ("dataset", "artifact"))
    job = {"_id": new_correlation_id(), "owner": "local"}
    outcomes.apply({**job, "outcome": {"kind": "dataset", "record": {"name": "customers"}, "blob_id": dataset}})
    version = {"kind": "version", "record": {"model": "churn"}, "blob_id": artifact, "promote": True}
    outcomes.apply({**job, "outcome": version})
    plots = [blobs.save(b"<svg/>", "plot", failed_job(ledger), 1) for _ in range(2)]
    files = [{"name": f"{number}.svg", "blob_id": blob_id} for number, blob_id in enumerate(plots)]
    outcomes.apply({**job, "outcome": {"kind": "evaluation", "record": {"id": "june"}, "files": files}})
    assert blobs.remove_orphans(ANY_AGE) == 0, "they are live"
    # The worker may have died between the record and this mark.
    database["fs.files"].update_many({}, {"$set": {"metadata.state": "pending"}})
    assert blobs.remove_orphans(ANY_AGE) == 0, "something refers to them"
    database["datasets"].delete_one({"_id": "customers"})
    assert blobs.remove_orphans(ANY_AGE) == 1
    assert (exists(database, dataset), exists(database, artifact)) == (False, True)
    assert all(exists(database, blob_id) for blob_id in plots)
    database["evaluations"].delete_one({"_id": "june"})
    assert blobs.remove_orphans(ANY_AGE) == 2


def test_chunks_of_an_upload_that_was_cut_off_are_removed(blobs: BlobStore, database: Database[Document]) -> None:
    cut_off = blobs.save(bytes(3 * CHUNK_BYTES), "upload", new_correlation_id(), 0)
    whole = blobs.save(bytes(3 * CHUNK_BYTES), "result", "", 0)
    blobs.make_live(whole)
    database["jobs"].insert_one({"_id": "", "status": "succeeded"})
    database["fs.files"].delete_one({"_id": cut_off})
    assert blobs.remove_orphans(DAY_S) == 0
    assert blobs.remove_orphans(ANY_AGE) == 1
    assert (chunk_count(database, cut_off), chunk_count(database, whole)) == (0, 3)


def test_results_go_when_their_job_is_gone(blobs: BlobStore, ledger: JobLedger, database: Database[Document]) -> None:
    correlation_id = failed_job(ledger)
    kept = [blobs.save(b"x", kind, correlation_id, 1) for kind in ("predictions", "export", "result", "result_plot")]
    for blob_id in kept:
        blobs.make_live(blob_id)
    assert blobs.remove_orphans(ANY_AGE) == 0
    database["jobs"].delete_one({"_id": correlation_id})
    assert blobs.remove_orphans(DAY_S) == 0
    assert blobs.remove_orphans(ANY_AGE) == 4
    assert not any(exists(database, blob_id) for blob_id in kept)


@pytest.mark.parametrize("kind", ["dataset", "artifact", "plot"])
def test_datasets_models_and_evaluations_outlive_the_job_that_made_them(
    blobs: BlobStore, database: Database[Document], kind: Any
) -> None:
    blob_id = blobs.save(b"x", kind, new_correlation_id(), 1)
    blobs.make_live(blob_id)
    assert blobs.remove_orphans(ANY_AGE) == 0
    assert exists(database, blob_id)


def test_only_a_result_over_the_limit_is_stored_apart(
    blobs: BlobStore, ledger: JobLedger, database: Database[Document]
) -> None:
    correlation_id = failed_job(ledger)
    small, large = {"predictions": [1]}, {"predictions": list(range(1000))}
    assert within_limit(small, correlation_id, blobs, limit_bytes=1000) == small
    stored = within_limit(large, correlation_id, blobs, limit_bytes=1000)
    assert stored["size_bytes"] == len(blobs.read(stored["stored_result"]))
    assert blobs.remove_orphans(ANY_AGE) == 0
