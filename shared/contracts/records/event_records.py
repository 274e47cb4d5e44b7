"""The events: what services tell each other. An event is a hint, never the record."""

from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId, Name
from modelbus.shared.contracts.records.job_records import ErrorRecord, JobStatus, Progress


class JobChanged(Contract):
    """A job's status or progress changed; its record in MongoDB tells the rest."""

    event: Literal["JobChanged"] = "JobChanged"
    correlation_id: CorrelationId
    command: str
    """The job's command, such as `TrainModel`."""
    service: str
    """Who says it."""
    status: JobStatus
    attempt: int = 0
    progress: Progress | None = None
    error: ErrorRecord | None = None
    given_correlation_id: str | None = None
    """In a reply to the sender: the correlation id as the sender gave it, where the job has another, because it was no
    UUID or was spelt otherwise. The reply's own property `correlation_id` is this one, too."""
    dead_letter: CorrelationId | None = None
    """In a reply to the sender of a message that could not be read, and became no job: the dead letter that keeps it
    (`GET /dead-letters/{id}`)."""
    result: dict[str, Any] | None = None
    """In a reply to the sender, and nowhere else: what the job found out, unless it is larger than a job keeps in its
    record (`MODELBUS_RESULT_INLINE_BYTES`); then `GET /jobs/{correlation_id}` has it."""


class DriftFound(Contract):
    """A drift report went over its thresholds; the result of its job has the figures."""

    event: Literal["DriftFound"] = "DriftFound"
    correlation_id: CorrelationId
    """The job that reported it."""
    service: str
    """Who says it."""
    model: Name
    version: int = Field(ge=1)
    columns: list[str] = []
    """The columns that have drifted, 1,000 at most."""
    has_drifted_predictions: bool = False
    """Whether what the model answers has drifted."""


Event = JobChanged | DriftFound
