"""What a finished job leaves behind: made once, however often it is tried, and never twice under one name."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from pymongo.database import Database

from modelbus.shared.bus import EventPublisher
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.contracts.records.job_outcomes import parse_outcome
from modelbus.shared.contracts.records.model_records import Comparison
from modelbus.shared.errors import DatasetExists, EvaluationExists
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.store.records.library import Library
from modelbus.shared.worker.child import JobContext
from modelbus.shared.worker.finishing import Finisher
from tests.integration.outcome_documents import dataset_outcome, job_with, plots_of_attempt, version_outcome
from tests.integration.samples import train_job


def state_of(database: Database[Document], blob_id: str) -> str | None:
    file = database["fs.files"].find_one({"_id": blob_id})
    return str(file["metadata"]["state"]) if file else None


def test_a_dataset_is_made_once_however_often_it_is_tried(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    upload = blobs.save(b"a,b\n1,2\n", "upload", new_correlation_id(), 0)
    outcome = dataset_outcome(blobs, upload_id=upload)
    job = job_with(outcome, owner="$owner")
    first = outcomes.apply(job)
    assert outcomes.apply(job) == first
    assert (first["dataset"]["name"], first["dataset"]["owner"]) == ("customers", "$owner")
    assert "blob_id" not in first["dataset"]
    assert indexed["datasets"].count_documents({}) == 1
    assert state_of(indexed, outcome["blob_id"]) == "live"
    assert state_of(indexed, upload) is None, "what it was made from is not needed any more"


def test_of_two_jobs_that_make_one_dataset_the_second_is_refused(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    first, second = (job_with(dataset_outcome(blobs)) for _ in range(2))
    outcomes.apply(first)
    with pytest.raises(DatasetExists, match=f"job {first['_id']} has created a dataset named 'customers'"):
        outcomes.apply(second)
    assert state_of(indexed, second["outcome"]["blob_id"]) == "pending", "the sweep removes it"
    assert indexed["datasets"].find_one({"_id": "customers"})["correlation_id"] == first["_id"]  # type: ignore[index]


def test_of_many_racing_jobs_one_makes_the_dataset(outcomes: Outcomes, blobs: BlobStore) -> None:
    jobs = [job_with(dataset_outcome(blobs)) for _ in range(16)]

    def has_made_it(job: Document) -> bool:
        try:
            outcomes.apply(job)
        except DatasetExists:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(has_made_it, jobs)) == 1


def test_the_job_whose_dataset_was_made_by_another_meanwhile_ends_failed(
    outcomes: Outcomes, blobs: BlobStore, ledger: JobLedger, events: EventPublisher
) -> None:
    outcomes.apply(job_with(dataset_outcome(blobs)))
    finisher = Finisher(ledger, outcomes, events, "evaluator")
    job = train_job()
    ledger.accept(job)
    claimed = ledger.claim(job.correlation_id)
    assert claimed is not None
    finisher.succeed(*claimed, parse_outcome(dataset_outcome(blobs)))
    ended = ledger.find(job.correlation_id)
    assert ended is not None
    assert (ended["status"], ended["error"]["code"], ended["outcome"]) == ("failed", "dataset_exists", None)


def test_a_version_is_made_once_however_often_it_is_tried(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    outcome = version_outcome(blobs, report={"comparison": {"metric": "r2"}})
    job = job_with(outcome)
    first = outcomes.apply(job)
    assert outcomes.apply(job) == first
    assert (first["version"]["version"], first["is_champion"]) == (1, True)
    assert first["comparison"] == {"metric": "r2"}
    assert first["version"]["hyperparameters"] == {"$C": "$status"}
    assert indexed["versions"].count_documents({}) == 1
    assert indexed["models"].find_one({"_id": "churn"})["latest_version"] == 1  # type: ignore[index]
    assert state_of(indexed, outcome["blob_id"]) == "live"


def test_a_worker_that_died_between_number_and_version_leaves_a_gap_and_no_harm(
    outcomes: Outcomes, blobs: BlobStore
) -> None:
    outcomes._next_version("churn", "local")
    assert outcomes.apply(job_with(version_outcome(blobs)))["version"]["version"] == 2


def test_versions_are_numbered_upwards_and_the_first_becomes_champion_whatever_was_asked(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    results = [outcomes.apply(job_with(version_outcome(blobs, promote=wish))) for wish in (False, False, True, False)]
    assert [result["version"]["version"] for result in results] == [1, 2, 3, 4]
    assert [result["is_champion"] for result in results] == [True, False, True, False]
    library = Library(indexed)
    assert library.version("churn")["version"] == 3
    assert library.version("churn@champion")["version"] == 3
    assert library.version("churn@2")["version"] == 2


def test_models_are_numbered_each_for_itself(outcomes: Outcomes, blobs: BlobStore) -> None:
    numbers = [
        outcomes.apply(job_with(version_outcome(blobs, model=model)))["version"]["version"]
        for model in ("churn", "prices", "churn")
    ]
    assert numbers == [1, 1, 2]


def test_an_older_version_never_takes_champion_back_from_a_newer_one(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    older, newer = job_with(version_outcome(blobs)), job_with(version_outcome(blobs))
    outcomes.apply(older)
    assert outcomes.apply(newer)["is_champion"]
    # The worker of the older one died after it was made; another one applies its outcome now.
    assert outcomes.apply(older)["is_champion"] is False
    assert Library(indexed).version("churn")["version"] == 2


def test_versions_made_at_the_same_time_have_different_numbers(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    jobs = [job_with(version_outcome(blobs)) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        numbers = [result["version"]["version"] for result in pool.map(outcomes.apply, jobs)]
    assert sorted(numbers) == list(range(1, 17))
    assert Library(indexed).version("churn")["version"] == 16


def test_an_evaluation_is_made_once_and_never_under_a_name_that_is_taken(
    outcomes: Outcomes, indexed: Database[Document]
) -> None:
    outcome = {"kind": "evaluation", "record": {"id": "june", "model": "churn", "metrics": {"accuracy": 0.9}}}
    job = job_with(outcome)
    first = outcomes.apply(job)
    assert outcomes.apply(job) == first
    assert (first["evaluation"]["status"], first["evaluation"]["metrics"]) == ("succeeded", {"accuracy": 0.9})
    with pytest.raises(EvaluationExists, match=f"job {job['_id']} has created an evaluation 'june'"):
        outcomes.apply(job_with(outcome))
    assert indexed["evaluations"].count_documents({}) == 1


@pytest.mark.parametrize("kind", ["predictions", "export"])
def test_stored_files_become_live_however_often_it_is_tried(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document], kind: Any
) -> None:
    stored = {form: blobs.save(b"0,1\n", kind, new_correlation_id(), 1) for form in ("csv", "parquet")}
    job = job_with({"kind": kind, "blobs": stored, "report": {"row_count": 1}})
    assert outcomes.apply(job) == outcomes.apply(job) == {"row_count": 1, "blobs": stored}
    assert {state_of(indexed, blob_id) for blob_id in stored.values()} == {"live"}


@pytest.mark.parametrize("kind", ["predictions", "export"])
def test_a_job_whose_files_were_removed_meanwhile_ends_failed(
    outcomes: Outcomes, blobs: BlobStore, ledger: JobLedger, events: EventPublisher, kind: Any
) -> None:
    blob_id = blobs.save(b"0,1\n", kind, new_correlation_id(), 1)
    finisher = Finisher(ledger, outcomes, events, "evaluator")
    job = train_job()
    ledger.accept(job)
    claimed = ledger.claim(job.correlation_id)
    assert claimed is not None
    blobs.delete(blob_id)
    finisher.succeed(*claimed, parse_outcome({"kind": kind, "blobs": {"csv": blob_id}, "report": {}}))
    ended = ledger.find(job.correlation_id)
    assert ended is not None
    assert (ended["status"], ended["error"]["code"], ended["outcome"]) == ("failed", "unknown_upload", None)
    assert blob_id in ended["error"]["message"]


def test_an_answer_is_the_result_and_takes_its_upload_away_however_often_it_is_tried(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    upload = blobs.save(b"a,b\n1,2\n", "upload", new_correlation_id(), 0)
    result = {"rows": [{"$a": "$status", "a.b": 1, "": None, "$ref": "x", "$id": 2**63 - 1}]}
    job = job_with({"kind": "answer", "result": result, "upload_id": upload})
    assert outcomes.apply(job) == outcomes.apply(job) == result
    assert state_of(indexed, upload) is None
    assert indexed["fs.chunks"].count_documents({}) == 0
    assert outcomes.apply(job_with({"kind": "answer", "result": result, "upload_id": None})) == result


def test_an_answer_is_kept_in_its_job_whatever_its_columns_are_called(
    outcomes: Outcomes, ledger: JobLedger, events: EventPublisher
) -> None:
    finisher = Finisher(ledger, outcomes, events, "evaluator")
    result = {"rows": [{"$a": "$status", "a.b": 1, "": None, "$ref": "x", "$id": 2**63 - 1, "$db": 1, "_id": 3}]}
    job = train_job()
    ledger.accept(job)
    claimed = ledger.claim(job.correlation_id)
    assert claimed is not None
    finisher.succeed(*claimed, parse_outcome({"kind": "answer", "result": result, "upload_id": None}))
    ended = ledger.find(job.correlation_id)
    assert ended is not None
    assert (ended["status"], ended["result"]) == ("succeeded", result)
    assert "files" not in ended


def test_the_plots_of_an_answer_are_those_of_the_attempt_that_came_through(
    outcomes: Outcomes, blobs: BlobStore, ledger: JobLedger, events: EventPublisher, indexed: Database[Document]
) -> None:
    finisher = Finisher(ledger, outcomes, events, "evaluator")
    job = train_job()
    ledger.accept(job)
    first = ledger.claim(job.correlation_id)
    assert first is not None
    left_behind = plots_of_attempt(blobs, job.correlation_id, first[0].fence)
    ledger.release(first[0])
    second = ledger.claim(job.correlation_id)
    assert second is not None
    files = plots_of_attempt(blobs, job.correlation_id, second[0].fence)
    finisher.succeed(*second, parse_outcome({"kind": "answer", "result": {"plots": ["importance"]}, "files": files}))
    # the first worker comes to life again and believes that the job is its own
    finisher.succeed(
        *first, parse_outcome({"kind": "answer", "result": {"plots": ["importance"]}, "files": left_behind})
    )

    ended = ledger.find(job.correlation_id)

    assert ended is not None
    assert (ended["status"], ended["files"], ended["outcome"]) == ("succeeded", files, None)
    assert blobs.remove_orphans(-1) == len(left_behind)
    assert {state_of(indexed, file["blob_id"]) for file in left_behind} == {None}
    assert {state_of(indexed, file["blob_id"]) for file in files} == {"live"}
    assert blobs.read(files[0]["blob_id"]) == f"<svg>{second[0].fence}</svg>".encode()


def test_plots_are_found_also_where_another_worker_finishes_the_job(
    outcomes: Outcomes, blobs: BlobStore, dead_ledger: JobLedger, ledger: JobLedger, events: EventPublisher
) -> None:
    job = train_job()
    ledger.accept(job)
    claimed = dead_ledger.claim(job.correlation_id)
    assert claimed is not None
    files = plots_of_attempt(blobs, job.correlation_id, claimed[0].fence)
    # its lease lapses at once: it is dead between commit and end
    assert dead_ledger.commit(claimed[0], {"kind": "answer", "result": {}, "files": files})
    finisher = Finisher(ledger, outcomes, events, "evaluator")
    for claim, taken in ledger.take_over_committed():
        finisher.finish_committed(claim, taken)

    ended = ledger.find(job.correlation_id)

    assert ended is not None
    assert (ended["status"], ended["files"]) == ("succeeded", files)


def test_an_answer_whose_plots_were_removed_meanwhile_ends_failed(
    outcomes: Outcomes, blobs: BlobStore, ledger: JobLedger, events: EventPublisher
) -> None:
    job = train_job()
    ledger.accept(job)
    claimed = ledger.claim(job.correlation_id)
    assert claimed is not None
    files = plots_of_attempt(blobs, job.correlation_id, claimed[0].fence)
    blobs.delete(files[1]["blob_id"])

    finisher = Finisher(ledger, outcomes, events, "evaluator")
    finisher.succeed(*claimed, parse_outcome({"kind": "answer", "result": {}, "files": files}))

    ended = ledger.find(job.correlation_id)
    assert ended is not None
    assert (ended["status"], ended["error"]["code"]) == ("failed", "unknown_upload")
    assert "files" not in ended


@pytest.mark.parametrize("limit_bytes", [1024, 1024 * 1024])
def test_a_large_answer_is_stored_apart(
    settings: Settings, indexed: Database[Document], blobs: BlobStore, limit_bytes: int
) -> None:
    result = {"rows": [{"number": number} for number in range(1000)]}
    context = JobContext(
        correlation_id=new_correlation_id(),
        fence=1,
        settings=settings.model_copy(update={"result_inline_bytes": limit_bytes}),
        memory_limit_bytes=settings.job_memory_limit_bytes,
        library=Library(indexed),
        blobs=blobs,
        work_directory=Path(),
        report=lambda progress: None,
    )
    outcome = context.answer(result, upload_id="u")
    assert (outcome.kind, outcome.upload_id, outcome.files) == ("answer", "u", [])
    if limit_bytes > 1024:
        assert outcome.result == result
        return
    assert orjson.loads(blobs.read(outcome.result["stored_result"])) == result
    assert state_of(indexed, outcome.result["stored_result"]) == "live"


def test_a_version_replaces_only_the_champion_that_it_was_compared_with(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    outcomes.apply(job_with(version_outcome(blobs)))
    comparison = {"metric": "r2", "champion_version": 1, "own": 0.9, "champion": 0.8, "is_better": True}
    second, third = (job_with(version_outcome(blobs, champion_seen=1)) for _ in range(2))
    for job in (second, third):
        job["outcome"]["record"]["comparison"] = comparison

    assert outcomes.apply(second)["is_champion"] is True
    overtaken = outcomes.apply(third)

    assert overtaken["is_champion"] is False
    assert overtaken["comparison"]["reason"] == (
        "this version was meant to replace the champion, but in the meantime version 2 has become the champion"
    )
    assert overtaken["comparison"]["own"] == 0.9
    stored = indexed["versions"].find_one({"_id": "churn@3"})
    assert stored is not None
    assert stored["comparison"] == overtaken["comparison"] == overtaken["version"]["comparison"]
    assert Library(indexed).version("churn")["version"] == 2
    # The worker that applied it died before it could say so; another one does it again.
    again = outcomes.apply(second)
    assert (again["is_champion"], again["comparison"]) == (True, comparison)


def test_of_two_first_versions_that_found_no_champion_one_becomes_it(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    first, second = (job_with(version_outcome(blobs, champion_seen=None)) for _ in range(2))

    assert outcomes.apply(first)["is_champion"] is True
    late = outcomes.apply(second)

    assert late["is_champion"] is False
    assert late["comparison"]["champion_version"] == 1
    assert "version 1 has become the champion" in late["comparison"]["reason"]
    assert Comparison.model_validate(late["comparison"]).margin == 0


def test_the_rows_of_a_version_become_live_with_it(
    outcomes: Outcomes, blobs: BlobStore, indexed: Database[Document]
) -> None:
    rows = blobs.save(b"rows", "rows", "another job", 1)
    result = outcomes.apply(job_with(version_outcome(blobs, apart={"rows_blob_id": rows})))
    assert state_of(indexed, rows) == "live"
    assert "rows_blob_id" not in result["version"]
