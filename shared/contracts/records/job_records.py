"""Jobs: how they stand, how far they are, and what they ended with."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId
from modelbus.shared.contracts.records.candidate_records import TuningProgress

JobStatus = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]
TERMINAL_STATUSES: frozenset[JobStatus] = frozenset({"succeeded", "failed", "dead", "cancelled"})


class ErrorRecord(Contract):
    """Why something failed."""

    code: str
    """The stable name of the error."""
    message: str
    """A sentence for people."""
    details: list[dict[str, Any]] = []
    """One entry for each fault."""


class Progress(Contract):
    """How far a running job is."""

    fraction: float | None = Field(None, ge=0, le=1)
    """The share that is done, where it is known."""
    message: str = ""
    """What is being done."""
    tuning: TuningProgress | None = None
    """How far a search is, where there is one. In a job's record; events leave the leaderboard out."""


class BoundDataset(Contract):
    """A dataset that a job reads, as it was when the job was accepted, or replayed."""

    name: str
    sha256: str | None = None
    """Of its stored table: the job is done on no other. Null where there was none of that name: then the job takes the
    one that is there when it runs."""


class JobSummary(Contract):
    """One job, in short."""

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
    """One job, as `GET /jobs/{correlation_id}` answers it."""

    spec: dict[str, Any]
    """The command as it was validated, complete with defaults."""
    datasets: list[BoundDataset] = []
    """The datasets that the job reads: those that the command names, and those of the version that it names."""
    result: dict[str, Any] | None = None
    """What the command's result is, once it succeeded."""
    history: list[dict[str, Any]] = []
    """What happened to the job, oldest first, 20 entries at most."""
