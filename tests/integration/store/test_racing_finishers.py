"""Several workers that finish one job at once: they make the same, once."""

from collections.abc import Callable
from functools import partial

import pytest
from pymongo.database import Database

from modelbus.shared.bus import EventPublisher
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.worker.finishing import Finisher
from tests.integration.conftest import MakeLedger
from tests.integration.outcome_documents import dataset_outcome, job_with, plots_of_attempt, version_outcome
from tests.integration.racing import at_once
from tests.integration.samples import LAPSED, train_job


def evaluation_outcome(blobs: BlobStore) -> Document:
    files = plots_of_attempt(blobs, new_correlation_id(), 1)
    return {"kind": "evaluation", "record": {"id": new_correlation_id(), "metrics": {"r2": 0.5}}, "files": files}


def files_outcome(blobs: BlobStore) -> Document:
    blob_id = blobs.save(b"csv", "predictions", new_correlation_id(), 1)
    return {"kind": "predictions", "blobs": {"csv": blob_id}, "report": {"row_count": 3}}


def answer_outcome(blobs: BlobStore) -> Document:
    upload = blobs.save(b"a,b", "upload", new_correlation_id(), 0)
    files = plots_of_attempt(blobs, new_correlation_id(), 1)
    return {"kind": "answer", "result": {"seen": 3}, "upload_id": upload, "files": files}


def uploaded_dataset(blobs: BlobStore) -> Document:
    return dataset_outcome(blobs, upload_id=blobs.save(b"a,b", "upload", new_correlation_id(), 0))


def test_a_version_that_another_finisher_makes_meanwhile_is_the_same_version(
    indexed: Database[Document], blobs: BlobStore
) -> None:
    job = job_with(version_outcome(blobs))
    others: list[Document] = []

    class Overtaken(Outcomes):
        """Draws its number, and only then the other one begins and comes through."""

        def _next_version(self, model: str, owner: str) -> int:
            number = super()._next_version(model, owner)
            others.append(Outcomes(indexed).apply(job))
            return number

    own = Overtaken(indexed).apply(job)

    assert others == [own]
    assert own["is_champion"] is True
    assert indexed["versions"].count_documents({}) == 1
    assert indexed["models"].find_one({"_id": "churn"})["versions"] == [own["version"]["version"]]  # type: ignore[index]


@pytest.mark.parametrize("make", [version_outcome, uploaded_dataset, evaluation_outcome, files_outcome, answer_outcome])
def test_whoever_finishes_a_job_at_once_with_others_makes_the_same(
    indexed: Database[Document],
    blobs: BlobStore,
    ledger_of: MakeLedger,
    events: EventPublisher,
    make: Callable[[BlobStore], Document],
) -> None:
    dead, taker = ledger_of("dead-worker", LAPSED), ledger_of("worker-a")
    finishers = [Finisher(taker, Outcomes(indexed), events, "trainer") for _ in range(4)]
    for _ in range(3):
        job = train_job()
        dead.accept(job)
        claimed = dead.claim(job.correlation_id)
        assert claimed is not None
        assert dead.commit(claimed[0], make(blobs))
        # The worker was slow, not dead: it finishes its job while others do.
        slow = (claimed[0], {**claimed[1], "outcome": (dead.find(job.correlation_id) or claimed[1])["outcome"]})
        ((claim, taken),) = taker.take_over_committed()
        works = [slow, (claim, taken), (claim, taken), slow]
        at_once([partial(one.finish_committed, *work) for one, work in zip(finishers, works, strict=True)])

        ended = taker.find(job.correlation_id)
        assert ended is not None
        assert (ended["status"], ended["error"], ended["outcome"]) == ("succeeded", None, None)
        for collection in ("versions", "datasets", "evaluations"):
            made = indexed[collection].count_documents({"correlation_id": job.correlation_id})
            assert made == (collection.removesuffix("s") in (ended["result"] or {}))
        indexed["datasets"].delete_many({})
