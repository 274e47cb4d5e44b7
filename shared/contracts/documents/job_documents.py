"""Jobs as MongoDB holds them, whole and in the parts that are read of them."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from modelbus.shared.contracts.records.job_records import JobStatus


class ErrorDocument(TypedDict):
    """Why something failed."""

    code: str
    message: str
    details: NotRequired[list[dict[str, Any]]]


class BoundDatasetDocument(TypedDict):
    """A dataset that a job reads, as it was when the job was accepted."""

    name: str
    sha256: NotRequired[str | None]


class LeaseDocument(TypedDict):
    """Who runs a job, and until when that holds without a heartbeat."""

    worker: str
    until: datetime


class DraftDocument(TypedDict):
    """Another specification, which the next replay takes (docs/adr/0018)."""

    spec: dict[str, Any]
    spec_hash: str
    at: datetime


class FileDocument(TypedDict):
    """A stored file that a result or an evaluation names."""

    name: str
    blob_id: str


class NamedJob(TypedDict):
    """A job by its id alone."""

    _id: str


class Owned(TypedDict):
    """Whose a record is, a job's or another."""

    owner: str


class WatchedJob(NamedJob):
    """Whether a running job is to be cancelled."""

    cancel_requested: NotRequired[bool]


class SentJob(NamedJob):
    """A queued job whose message is sent again."""

    queue: str
    publish_count: int


class KnownJob(NamedJob):
    """What a job does, whose it is, and how it stands."""

    owner: str
    command: str
    status: JobStatus


class HashedJob(KnownJob):
    """By what a job is known for the one that is asked for again."""

    spec_hash: str
    former_hashes: NotRequired[list[str]]
    """Of the specifications that it had before it was edited."""


class EndedJob(HashedJob):
    """What whoever waits for a job's end is answered from; never what was asked, which the caller has."""

    result: NotRequired[dict[str, Any] | None]
    error: NotRequired[ErrorDocument | None]


class AnsweredJob(EndedJob):
    """A prediction that was recorded before, as far as it is told of again."""

    attempt: int
    progress: NotRequired[dict[str, Any] | None]


class JobDocument(AnsweredJob):
    """One job, whole."""

    spec: dict[str, Any]
    datasets: NotRequired[list[BoundDatasetDocument]]
    queue: str
    door: str
    reply_to: str | None
    given_correlation_id: NotRequired[str | None]
    """What its sender calls it, if that is not its id."""
    headers: NotRequired[dict[str, str]]
    """Of the trace that it belongs to."""
    retention_s: NotRequired[float | None]
    max_attempts: int
    fence: int
    lease: LeaseDocument | None
    cancel_requested: NotRequired[bool]
    cancel_reason: NotRequired[ErrorDocument | None]
    publish_count: int
    outcome: dict[str, Any] | None
    """What its work gave, until it is applied; the kinds are in ``shared/store/jobs/outcomes.py``."""
    files: NotRequired[list[FileDocument]]
    """The plots of its result."""
    draft: NotRequired[DraftDocument | None]
    first_spec: NotRequired[dict[str, Any]]
    """What was asked before it was edited."""
    is_forgotten: NotRequired[bool]
    """Whether the evaluation that it did not fill was deleted."""
    not_before: datetime
    next_publish_at: datetime
    published_at: datetime
    created_at: datetime
    started_at: NotRequired[datetime | None]
    finished_at: NotRequired[datetime | None]
    updated_at: datetime
    expires_at: NotRequired[datetime | None]
    history: NotRequired[list[dict[str, Any]]]


class ListedJob(KnownJob):
    """One job, as lists and the events of a job tell of it."""

    spec: NotRequired[dict[str, Any]]
    """``model`` and ``dataset``."""
    attempt: int
    max_attempts: int
    progress: NotRequired[dict[str, Any] | None]
    """Without the leaderboard."""
    cancel_requested: NotRequired[bool]
    error: NotRequired[ErrorDocument | None]
    created_at: datetime
    started_at: NotRequired[datetime | None]
    finished_at: NotRequired[datetime | None]
    updated_at: datetime
    expires_at: NotRequired[datetime | None]


class EvaluatingJob(KnownJob):
    """A job that computes an evaluation: what it says of it before it is filled."""

    spec: dict[str, Any]
    """``evaluation``, ``model`` and ``dataset``."""
    error: NotRequired[ErrorDocument | None]
    created_at: datetime


class ReadingJob(NamedJob):
    """A job that reads a dataset's rows."""

    command: str
    status: JobStatus
    fence: int


class UploadingJob(HashedJob):
    """A job that a file was uploaded for."""

    spec: dict[str, Any]


class StoringJob(NamedJob):
    """A job whose result lies in files."""

    command: str
    status: JobStatus
    result: NotRequired[dict[str, Any] | None]
    """``blobs``, and the ``id`` of its ``evaluation``."""
    files: NotRequired[list[FileDocument]]


class TimedJob(NamedJob):
    """When a job ran."""

    status: JobStatus
    started_at: NotRequired[datetime | None]
    finished_at: NotRequired[datetime | None]


class ServedJob(TypedDict):
    """A prediction, as far as drift is told from it."""

    command: str
    created_at: datetime
    spec: dict[str, Any]
    """Its rows, or ``dataset``."""
    datasets: NotRequired[list[BoundDatasetDocument]]
    result: dict[str, Any]
    """``model`` and ``version``, or ``stored_result``."""


class DeadJob(TypedDict):
    """A dead job, as the list of dead letters tells of it."""

    _id: str
    queue: str
    command: str
    attempt: int
    error: NotRequired[ErrorDocument | None]
    draft: NotRequired[DraftDocument | None]
    """Of it only ``at``: whether it was edited."""
    finished_at: NotRequired[datetime | None]
