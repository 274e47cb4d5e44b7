"""Jobs: their status, progress and outcome."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId
from modelbus.shared.contracts.records.candidate_records import TuningProgress

JobStatus = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]
TERMINAL_STATUSES: frozenset[JobStatus] = frozenset({"succeeded", "failed", "dead", "cancelled"})


class ErrorRecord(Contract):
    """The error of a failed job."""

    code: str
    """The stable code of the error."""
    message: str
    """The message for people."""
    details: list[dict[str, Any]] = []
    """The faults, one entry each."""


class Progress(Contract):
    """The progress of a running job."""

    fraction: float | None = Field(None, ge=0, le=1)
    """The completed fraction, if known."""
    message: str = ""
    """The current step."""
    tuning: TuningProgress | None = None
    """The progress of a search. Events omit the leaderboard."""


class BoundDataset(Contract):
    """A dataset that a job reads, in its state when the job was accepted or replayed."""

    name: str
    sha256: str | None = None
    """The digest of the stored table; the job runs on no other table. Null if the dataset did not exist; the job then
    uses the dataset that exists when it runs."""


class JobSummary(Contract):
    """A job, as lists show it."""

    correlation_id: CorrelationId
    command: str
    model: str | None = None
    """The model that the command names: a name, or a reference such as `churn@3`."""
    dataset: str | None = None
    """The dataset that the command names."""
    status: JobStatus
    owner: str
    attempt: int
    max_attempts: int
    progress: Progress | None = None
    cancel_requested: bool = False
    error: ErrorRecord | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    updated_at: datetime
    expires_at: datetime | None = None


class JobRecord(JobSummary):
    """A job with its command, result or error, and history."""

    spec: dict[str, Any]
    """The validated command, complete with defaults."""
    datasets: list[BoundDataset] = []
    """The datasets that the job reads: those of the command, and those of the version that it names."""
    result: dict[str, Any] | None = None
    """The result of the command, once the job has succeeded."""
    history: list[dict[str, Any]] = []
    """The history of the job, oldest first, at most 20 entries."""
