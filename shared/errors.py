"""Every error that Modelbus raises on purpose, one tree.

::

    ModelbusError
    ├── BadRequest                a malformed request
    │   └── UnsupportedMediaType
    ├── InvalidCommand            a command or a request that violates its contract
    │   ├── SignatureMismatch     rows that do not match a model's signature
    │   └── LimitExceeded         too large, too long or too many
    ├── Unauthenticated           no valid API key
    ├── Forbidden                 a key without the scope or the ownership, or a page of another origin
    ├── NotFound
    │   ├── UnknownDataset · UnknownModel · UnknownEstimator
    │   └── UnknownEvaluation · UnknownJob · UnknownUpload · UnknownApiKey
    ├── Conflict
    │   ├── DatasetExists · EvaluationExists · ApiKeyExists
    │   ├── DatasetChanged        a job's dataset was replaced by another with the same name
    │   ├── CorrelationIdReused   the same correlation id with another specification
    │   ├── StillInUse            deletion of something that is in use
    │   └── JobFinished           cancelling or replaying a job in the wrong status
    ├── MalformedTable            a file that cannot be read as a table, with the faulty lines
    ├── EstimatorRejected         scikit-learn rejected the data or the hyperparameters
    ├── ArtifactRefused           a stored model that cannot be loaded safely
    ├── JobCancelled · JobTimedOut · JobOutOfMemory · JobCrashed
    ├── Unavailable               (retryable) a required server is not responding
    │   └── StoreUnavailable · BusUnavailable · TooManyStreams
    ├── BacklogFull               too many jobs are waiting for the same workers
    └── LeaseLost                 another worker has taken over the job

``code`` is the stable name that programs test; the class docstring is the default message. HTTP status numbers exist
only in ``gateway/http/problems.py``. Errors cross processes as ``ErrorRecord``: code, message, details, no traceback.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

Detail = Mapping[str, Any]


class ModelbusError(Exception):
    """An internal error occurred."""

    code: ClassVar[str] = "internal"
    is_retryable: ClassVar[bool] = False

    retry_after_s: float | None = None
    """Seconds to wait before a retry, if known."""
    correlation_id: str | None = None
    """The job or request that the error belongs to, if known; set by the client from the gateway's response."""

    def __init__(self, message: str | None = None, *, details: Sequence[Detail] = ()) -> None:
        """Args: message: A sentence for people: what is wrong, where, and what would be right. Default: the class
        docstring. details: One mapping for each fault, such as ``{"where": "rows.2.age", "problem": "...", "expected":
        "..."}``.
        """
        self.message = message or (type(self).__doc__ or "").strip().split("\n")[0]
        self.details = [dict(detail) for detail in details]
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message if self.correlation_id is None else f"{self.message} (correlation id {self.correlation_id})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.details), self.__dict__


def _rebuild(kind: type[ModelbusError], message: str, details: list[Detail]) -> ModelbusError:
    return kind(message, details=details)


class BadRequest(ModelbusError):
    """The request is malformed."""

    code = "bad_request"


class UnsupportedMediaType(BadRequest):
    """The media type of the body is not supported."""

    code = "unsupported_media_type"


class InvalidCommand(ModelbusError):
    """The command is invalid."""

    code = "invalid_command"


class SignatureMismatch(InvalidCommand):
    """The rows do not match the model's signature."""

    code = "signature_mismatch"


class LimitExceeded(InvalidCommand):
    """The request exceeds a limit."""

    code = "limit_exceeded"


class Unauthenticated(ModelbusError):
    """The request requires a valid API key."""

    code = "unauthenticated"


class Forbidden(ModelbusError):
    """The request is not permitted."""

    code = "forbidden"


class NotFound(ModelbusError):
    """The resource does not exist."""

    code = "not_found"


class UnknownDataset(NotFound):
    """The dataset does not exist."""

    code = "unknown_dataset"


class UnknownModel(NotFound):
    """The model, version or alias does not exist."""

    code = "unknown_model"


class UnknownEstimator(NotFound):
    """The estimator does not exist."""

    code = "unknown_estimator"


class UnknownEvaluation(NotFound):
    """The evaluation does not exist."""

    code = "unknown_evaluation"


class UnknownJob(NotFound):
    """The job does not exist."""

    code = "unknown_job"


class UnknownUpload(NotFound):
    """The uploaded file no longer exists."""

    code = "unknown_upload"


class UnknownApiKey(NotFound):
    """The API key does not exist."""

    code = "unknown_api_key"


class Conflict(ModelbusError):
    """The request conflicts with the current state."""

    code = "conflict"


class DatasetExists(Conflict):
    """A dataset with this name already exists; datasets are immutable."""

    code = "dataset_exists"


class DatasetChanged(Conflict):
    """The dataset was replaced after the job had been accepted."""

    code = "dataset_changed"


class EvaluationExists(Conflict):
    """An evaluation with this id already exists."""

    code = "evaluation_exists"


class ApiKeyExists(Conflict):
    """A valid API key with this name already exists."""

    code = "api_key_exists"


class CorrelationIdReused(Conflict):
    """The correlation id belongs to a job with another specification."""

    code = "correlation_id_reused"


class StillInUse(Conflict):
    """The resource is still in use."""

    code = "still_in_use"


class JobFinished(Conflict):
    """The job's status does not allow this operation."""

    code = "job_finished"


class MalformedTable(ModelbusError):
    """The file cannot be read as a table."""

    code = "malformed_table"


class EstimatorRejected(ModelbusError):
    """The estimator rejected the data or the hyperparameters."""

    code = "estimator_rejected"


class ArtifactRefused(ModelbusError):
    """The stored model cannot be loaded safely."""

    code = "artifact_refused"


class JobCancelled(ModelbusError):
    """The job was cancelled."""

    code = "cancelled"


class JobTimedOut(ModelbusError):
    """The job exceeded its time limit."""

    code = "timed_out"


class JobOutOfMemory(ModelbusError):
    """The job exceeded its memory limit."""

    code = "out_of_memory"


class JobCrashed(ModelbusError):
    """The process that ran the job died."""

    code = "crashed"


class Unavailable(ModelbusError):
    """A required server is not responding."""

    code = "unavailable"
    is_retryable = True


class StoreUnavailable(Unavailable):
    """MongoDB is not responding."""

    code = "store_unavailable"


class BusUnavailable(Unavailable):
    """The message broker is not responding."""

    code = "bus_unavailable"


class TooManyStreams(Unavailable):
    """The limit of open event streams is reached."""

    code = "too_many_streams"


class BacklogFull(ModelbusError):
    """Too many jobs are waiting for the same workers; try again later."""

    code = "backlog_full"


def backlog_full(queue: str, waiting: int, limit: int) -> BacklogFull:
    """The error for one more job on a queue where ``waiting`` jobs wait and ``limit`` are allowed."""
    return BacklogFull(
        f"queue {queue!r} has {waiting} waiting jobs and the limit is {limit}; try again later, start more workers, "
        "or raise MODELBUS_BACKLOG_LIMIT"
    )


def dataset_exists(name: str) -> DatasetExists:
    """The error for a new dataset whose name is taken, the same at both doors."""
    return DatasetExists(
        f"dataset {name!r} already exists; datasets are immutable, so use another name or delete it first"
    )


def evaluation_exists(evaluation_id: str) -> EvaluationExists:
    """The error for a new evaluation whose id is taken, the same at both doors."""
    return EvaluationExists(f"evaluation {evaluation_id!r} already exists; delete it first or use another id")


class LeaseLost(ModelbusError):
    """Another worker has taken over the job."""

    code = "lease_lost"


def error_types() -> Iterator[type[ModelbusError]]:
    """Yield every class of the tree, root first."""
    pending: list[type[ModelbusError]] = [ModelbusError]
    while pending:
        kind = pending.pop(0)
        yield kind
        pending.extend(kind.__subclasses__())


def error_of(code: str, message: str, details: Sequence[Detail] = ()) -> ModelbusError:
    """Rebuild an error from its record; an unknown code gives a plain ``ModelbusError``."""
    kind = next((kind for kind in error_types() if kind.code == code), ModelbusError)
    return kind(message, details=details)
