"""The events that services exchange. An event is a hint, never the record."""

from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId, Name
from modelbus.shared.contracts.records.job_records import ErrorRecord, JobStatus, Progress


class JobChanged(Contract):
    """The status or the progress of a job changed; its record in MongoDB has the details."""

    event: Literal["JobChanged"] = "JobChanged"
    correlation_id: CorrelationId
    command: str
    """The command of the job, such as `TrainModel`."""
    service: str
    """The service that sent the event."""
    status: JobStatus
    attempt: int = 0
    progress: Progress | None = None
    error: ErrorRecord | None = None
    given_correlation_id: str | None = None
    """In replies only: the sender's correlation id, if the job has another one because the sender's was not a UUID in
    canonical form. The reply's property `correlation_id` has the same value."""
    dead_letter: CorrelationId | None = None
    """In replies only: the dead letter of a message that could not be read and did not become a job."""
    result: dict[str, Any] | None = None
    """In replies only: the result of the job, unless it is too large for the job's record
    (`MODELBUS_RESULT_INLINE_BYTES`). The gateway returns results of any size."""


class DriftFound(Contract):
    """A drift report exceeded its thresholds; the result of its job has the figures."""

    event: Literal["DriftFound"] = "DriftFound"
    correlation_id: CorrelationId
    """The job of the drift report."""
    service: str
    """The service that sent the event."""
    model: Name
    version: int = Field(ge=1)
    columns: list[str] = []
    """The columns that have drifted, at most 1,000."""
    has_drifted_predictions: bool = False
    """Whether the predictions have drifted."""


Event = JobChanged | DriftFound
