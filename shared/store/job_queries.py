"""The queries for jobs, for both drivers, each with the fields that it reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from modelbus.shared.contracts import (
    EvaluateModel,
    EvaluatePredictions,
    ExportDataset,
    Predict,
    PredictDataset,
    ProfileDataset,
    ReadRows,
)
from modelbus.shared.contracts.documents.dataset_documents import ListedDataset
from modelbus.shared.contracts.documents.job_documents import (
    AnsweredJob,
    EndedJob,
    EvaluatingJob,
    JobDocument,
    KnownJob,
    ListedJob,
    NamedJob,
    Owned,
    ReadingJob,
    SentJob,
    ServedJob,
    StoringJob,
    TimedJob,
    UploadingJob,
    WatchedJob,
)
from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.contracts.records.candidate_records import TuningProgress
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES, Progress
from modelbus.shared.store.indexes import JOBS
from modelbus.shared.store.operation import Claim, Document, Operation
from modelbus.shared.store.queries import PAGE_LIMIT, After, D, Query, Shape, newest_first, older_than, shape

EVALUATING: Final = (EvaluateModel.__name__, EvaluatePredictions.__name__)
"""The commands that make evaluations."""
READING: Final = (ReadRows.__name__, ExportDataset.__name__)
"""The commands whose jobs are removed with the dataset that they read."""

_PROGRESS: Final = (
    *(name for name in Progress.model_fields if name != "tuning"),
    *(f"tuning.{name}" for name in TuningProgress.model_fields if name != "leaderboard"),
)

JOB: Final = shape(JobDocument)
NAMED: Final = shape(NamedJob)
WATCHED: Final = shape(WatchedJob)
SENT: Final = shape(SentJob)
OWNED: Final = shape(Owned)
KNOWN: Final = shape(KnownJob)
ENDED: Final = shape(EndedJob)
ANSWERED: Final = shape(AnsweredJob)
LISTED: Final = shape(ListedJob, progress=_PROGRESS, spec=("model", "dataset"))
EVALUATING_JOB: Final = shape(EvaluatingJob, spec=("evaluation", "model", "dataset"))
READING_JOB: Final = shape(ReadingJob)
UPLOADING: Final = shape(UploadingJob)
STORING: Final = shape(StoringJob, result=("blobs", "evaluation.id"))
TIMED: Final = shape(TimedJob)
SERVED: Final = shape(
    ServedJob, spec=("rows", "columns", "data", "dataset"), result=("model", "version", "stored_result")
)

_SERVED_BATCH: Final = 100


def ended_jobs(correlation_ids: Sequence[str], read: Shape[D]) -> Query[D]:
    """Those of some jobs that have ended.

    Args:
        correlation_ids: Of the jobs.
        read: What is read of each.
    """
    return Query(JOBS, {"_id": {"$in": list(correlation_ids)}, "status": {"$in": sorted(TERMINAL_STATUSES)}}, read)


def queued_jobs(correlation_ids: Sequence[str]) -> Query[JobDocument]:
    """Those of some jobs that wait to be done."""
    return Query(JOBS, {"_id": {"$in": list(correlation_ids)}, "status": "queued", "cancel_requested": False}, JOB)


def answered_jobs(correlation_ids: Sequence[str]) -> Query[AnsweredJob]:
    """Some predictions, without their rows."""
    return Query(JOBS, {"_id": {"$in": list(correlation_ids)}}, ANSWERED)


def jobs_page(wanted: Document, *, after: After | None, limit: int) -> Query[ListedJob]:
    """Jobs that match, newest first.

    Args:
        wanted: The filter, of the gateway's own making.
        after: Where the page before ended.
        limit: How many at most.
    """
    return Query(JOBS, {**wanted, **older_than(after)}, LISTED, newest_first(), min(limit, PAGE_LIMIT))


def waiting_on(queue: str) -> Document:
    """What the queued jobs of a queue match."""
    return {"status": "queued", "queue": queue}


def queued_before(queue: str, created_at: datetime) -> Document:
    """What the queued jobs of a queue match that were accepted before a moment."""
    return {**waiting_on(queue), "created_at": {"$lt": created_at}}


def succeeded_lately(command: str, limit: int) -> Query[TimedJob]:
    """The last jobs of a command that succeeded, newest first."""
    wanted = {"command": command, "status": "succeeded", "started_at": {"$ne": None}}
    return Query(JOBS, wanted, TIMED, (("created_at", -1),), limit)


def jobs_using(dataset: ListedDataset) -> Query[KnownJob]:
    """The queued and running jobs that read a dataset, oldest first, but for its readings.

    Args:
        dataset: The dataset's document. Jobs that are bound to another of its name do not read this one.
    """
    name, digests = dataset["_id"], {"$in": [dataset["sha256"], None]}
    reads = [
        {"datasets.name": name, "datasets": {"$elemMatch": {"name": name, "sha256": digests}}},
        {"spec.dataset": name, "datasets": {"$exists": False}},  # an earlier release accepted it
    ]
    wanted = {
        "status": {"$in": ["queued", "running"]},
        "command": {"$nin": [*READING, ProfileDataset.__name__]},
        "$or": reads,
    }
    return Query(JOBS, wanted, KNOWN, (("created_at", 1),))


def jobs_reading(dataset: str) -> Query[ReadingJob]:
    """The jobs that read the rows of a dataset."""
    return Query(JOBS, {"spec.dataset": dataset, "command": {"$in": list(READING)}}, READING_JOB)


def jobs_evaluating(evaluation_id: str) -> Query[EvaluatingJob]:
    """The newest job that computes an evaluation: named by its command, or by the job's own id."""
    wanted = {**_of_evaluation(evaluation_id), "is_forgotten": {"$ne": True}}
    return Query(JOBS, wanted, EVALUATING_JOB, (("created_at", -1),), 1)


def unfilled_evaluations() -> Query[EvaluatingJob]:
    """The newest jobs whose evaluations are not filled, or never will be."""
    wanted = {
        "command": {"$in": list(EVALUATING)},
        "status": {"$in": ["queued", "running", "failed", "dead"]},
        "is_forgotten": {"$ne": True},
    }
    return Query(JOBS, wanted, EVALUATING_JOB, newest_first(), PAGE_LIMIT)


def forget_evaluation(evaluation_id: str) -> Operation:
    """Remove an evaluation that was never completed; its jobs are kept."""
    wanted = {
        **_of_evaluation(evaluation_id),
        "status": {"$in": ["failed", "dead"]},
        "is_forgotten": {"$ne": True},
    }
    return Operation(wanted, {"$set": {"is_forgotten": True}})


def _of_evaluation(evaluation_id: str) -> Document:
    mine = [{"spec.evaluation": evaluation_id}, {"_id": evaluation_id}]
    return {"command": {"$in": list(EVALUATING)}, "$or": mine}


def ended_for_a_reason(claim: Claim) -> Query[NamedJob]:
    """The claimed job, if its cancellation has a reason."""
    return Query(JOBS, {**claim.filter, "cancel_reason": {"$ne": None}}, NAMED, limit=1)


def some_ids(wanted: Document, limit: int) -> Query[NamedJob]:
    """The ids of some jobs that match."""
    return Query(JOBS, wanted, NAMED, limit=limit)


def jobs_served_by(version: VersionDocument, since: datetime) -> Query[ServedJob]:
    """The predictions that a version may have answered, the newest first.

    A result that was too large for its job has only ``stored_result``; its blob has the model and version.

    Args:
        version: The version's document. What an earlier one of its name answered is not its own.
        since: How old the oldest may be.
    """
    own = {"result.model": version["model"], "result.version": version["version"]}
    wanted = {
        "command": {"$in": [Predict.__name__, PredictDataset.__name__]},
        "status": "succeeded",
        "created_at": {"$gte": max(since, version["created_at"])},
        "$or": [own, {"result.stored_result": {"$exists": True}}],
    }
    return Query(JOBS, wanted, SERVED, (("created_at", -1),), batch_size=_SERVED_BATCH)
