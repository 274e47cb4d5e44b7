"""Jobs in MongoDB, complete and in the parts that queries read."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from modelbus.shared.contracts.records.job_records import JobStatus


class ErrorDocument(TypedDict):
    """The error of a failed job."""

    code: str
    message: str
    details: NotRequired[list[dict[str, Any]]]


class BoundDatasetDocument(TypedDict):
    """A dataset that a job reads, in its state when the job was accepted."""

    name: str
    sha256: NotRequired[str | None]


class LeaseDocument(TypedDict):
    """The worker of a job, and the end of its lease without a heartbeat."""

    worker: str
    until: datetime


class DraftDocument(TypedDict):
    """An edited specification for the next replay (docs/adr/0018)."""

    spec: dict[str, Any]
    spec_hash: str
    at: datetime


class FileDocument(TypedDict):
    """A stored file of a result or an evaluation."""

    name: str
    blob_id: str


class NamedJob(TypedDict):
    """The id of a job."""

    _id: str


class Owned(TypedDict):
    """The owner of a record."""

    owner: str


class WatchedJob(NamedJob):
    """Whether the cancellation of a running job was requested."""

    cancel_requested: NotRequired[bool]


class SentJob(NamedJob):
    """A queued job whose message is sent again."""

    queue: str
    publish_count: int


class KnownJob(NamedJob):
    """The command, the owner and the status of a job."""

    owner: str
    command: str
    status: JobStatus


class HashedJob(KnownJob):
    """The fields that identify a repeated request."""

    spec_hash: str
    former_hashes: NotRequired[list[str]]
    """The hashes of earlier specifications, before edits."""


class EndedJob(HashedJob):
    """The fields for clients that wait for a job; without the command, which they have."""

    result: NotRequired[dict[str, Any] | None]
    error: NotRequired[ErrorDocument | None]


class AnsweredJob(EndedJob):
    """The fields of an earlier recorded prediction for repeated requests."""

    attempt: int
    progress: NotRequired[dict[str, Any] | None]


class JobDocument(AnsweredJob):
    """A complete job."""

    spec: dict[str, Any]
    datasets: NotRequired[list[BoundDatasetDocument]]
    queue: str
    door: str
    reply_to: str | None
    given_correlation_id: NotRequired[str | None]
    """The sender's own correlation id, if it differs from the job's."""
    headers: NotRequired[dict[str, str]]
    """The trace context of the job."""
    retention_s: NotRequired[float | None]
    max_attempts: int
    fence: int
    lease: LeaseDocument | None
    cancel_requested: NotRequired[bool]
    cancel_reason: NotRequired[ErrorDocument | None]
    publish_count: int
    outcome: dict[str, Any] | None
    """The outcome until it is applied; the kinds are in ``shared/store/jobs/outcomes.py``."""
    files: NotRequired[list[FileDocument]]
    """The plots of the result."""
    draft: NotRequired[DraftDocument | None]
    first_spec: NotRequired[dict[str, Any]]
    """The original specification, before edits."""
    is_forgotten: NotRequired[bool]
    """Whether the unfinished evaluation of the job was deleted."""
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
    """A job for lists and events."""

    spec: NotRequired[dict[str, Any]]
    """``model`` and ``dataset``."""
    attempt: int
    max_attempts: int
    progress: NotRequired[dict[str, Any] | None]
    """The progress without the leaderboard."""
    cancel_requested: NotRequired[bool]
    error: NotRequired[ErrorDocument | None]
    created_at: datetime
    started_at: NotRequired[datetime | None]
    finished_at: NotRequired[datetime | None]
    updated_at: datetime
    expires_at: NotRequired[datetime | None]


class EvaluatingJob(KnownJob):
    """The fields of a job for its unfinished evaluation."""

    spec: dict[str, Any]
    """The fields ``evaluation``, ``model`` and ``dataset``."""
    error: NotRequired[ErrorDocument | None]
    created_at: datetime


class ReadingJob(NamedJob):
    """A job that reads rows of a dataset."""

    command: str
    status: JobStatus
    fence: int


class UploadingJob(HashedJob):
    """A job with an uploaded file."""

    spec: dict[str, Any]


class StoringJob(NamedJob):
    """A job with a result in files."""

    command: str
    status: JobStatus
    result: NotRequired[dict[str, Any] | None]
    """The ``blobs``, and the ``id`` of the ``evaluation``."""
    files: NotRequired[list[FileDocument]]


class TimedJob(NamedJob):
    """The run times of a job."""

    status: JobStatus
    started_at: NotRequired[datetime | None]
    finished_at: NotRequired[datetime | None]


class ServedJob(TypedDict):
    """A prediction for drift reports."""

    command: str
    created_at: datetime
    spec: dict[str, Any]
    """The rows, or ``dataset``."""
    datasets: NotRequired[list[BoundDatasetDocument]]
    result: dict[str, Any]
    """The ``model`` and ``version``, or ``stored_result``."""


class DeadJob(TypedDict):
    """A dead job for the list of dead letters."""

    _id: str
    queue: str
    command: str
    attempt: int
    error: NotRequired[ErrorDocument | None]
    draft: NotRequired[DraftDocument | None]
    """The time ``at`` of the edit, if any."""
    finished_at: NotRequired[datetime | None]
