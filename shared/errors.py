"""Every error that Modelbus raises on purpose, one tree.

::

    ModelbusError
    ├── BadRequest                a request that is not well-formed
    │   └── UnsupportedMediaType
    ├── InvalidCommand            a command or a request that breaks its contract
    │   ├── SignatureMismatch     rows that do not fit a model's signature
    │   └── LimitExceeded         too large, too long, too many
    ├── Unauthenticated           no API key, or none that is valid
    ├── Forbidden                 a valid key that does not reach so far, or a page of another origin
    ├── NotFound
    │   ├── UnknownDataset · UnknownModel · UnknownEstimator
    │   └── UnknownEvaluation · UnknownJob · UnknownUpload · UnknownApiKey
    ├── Conflict
    │   ├── DatasetExists · EvaluationExists · ApiKeyExists
    │   ├── DatasetChanged        a job's dataset was replaced by another of its name
    │   ├── CorrelationIdReused   same correlation id, another specification
    │   ├── StillInUse            deletion of something that others stand on
    │   └── JobFinished           cancel or replay of a job whose status does not allow it
    ├── MalformedTable            a file that is no table, with the lines at fault
    ├── EstimatorRejected         scikit-learn refused the data or the hyperparameters
    ├── ArtifactRefused           a stored model that may not or cannot be loaded
    ├── JobCancelled · JobTimedOut · JobOutOfMemory · JobCrashed
    ├── Unavailable               (retryable) a server that Modelbus needs does not answer
    │   └── StoreUnavailable · BusUnavailable · TooManyStreams
    ├── BacklogFull               too many jobs wait for the same workers
    └── LeaseLost                 the job belongs to another worker now

``code`` is the stable name a program tests; the class docstring is the default sentence. HTTP status numbers exist
only in ``gateway/http/problems.py``. Errors cross processes as ``ErrorRecord``: code, message, details, no traceback.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

Detail = Mapping[str, Any]


class ModelbusError(Exception):
    """Something went wrong inside Modelbus."""

    code: ClassVar[str] = "internal"
    is_retryable: ClassVar[bool] = False

    retry_after_s: float | None = None
    """Seconds after which to try again, where that is known."""
    correlation_id: str | None = None
    """The job or request that it belongs to, where that is known: in the client, of what the gateway answered."""

    def __init__(self, message: str | None = None, *, details: Sequence[Detail] = ()) -> None:
        """Args:
        message: A sentence for people: what was wrong, where, what would be right. Default: the class docstring.
        details: One mapping for each fault, such as ``{"where": "rows.2.age", "problem": "...", "expected": "..."}``.
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
    """The request is not well-formed."""

    code = "bad_request"


class UnsupportedMediaType(BadRequest):
    """The body is of a kind that is not taken here."""

    code = "unsupported_media_type"


class InvalidCommand(ModelbusError):
    """The command breaks its contract."""

    code = "invalid_command"


class SignatureMismatch(InvalidCommand):
    """The rows do not fit the model's signature."""

    code = "signature_mismatch"


class LimitExceeded(InvalidCommand):
    """The request is larger than a limit allows."""

    code = "limit_exceeded"


class Unauthenticated(ModelbusError):
    """The request needs a valid API key."""

    code = "unauthenticated"


class Forbidden(ModelbusError):
    """The request is not allowed to whoever sent it."""

    code = "forbidden"


class NotFound(ModelbusError):
    """There is no such thing."""

    code = "not_found"


class UnknownDataset(NotFound):
    """There is no dataset of that name."""

    code = "unknown_dataset"


class UnknownModel(NotFound):
    """There is no model, version or alias of that name."""

    code = "unknown_model"


class UnknownEstimator(NotFound):
    """There is no estimator of that name."""

    code = "unknown_estimator"


class UnknownEvaluation(NotFound):
    """There is no evaluation of that id."""

    code = "unknown_evaluation"


class UnknownJob(NotFound):
    """There is no job of that correlation id."""

    code = "unknown_job"


class UnknownUpload(NotFound):
    """The uploaded file is not there."""

    code = "unknown_upload"


class UnknownApiKey(NotFound):
    """There is no API key of that name."""

    code = "unknown_api_key"


class Conflict(ModelbusError):
    """The request contradicts what is already there."""

    code = "conflict"


class DatasetExists(Conflict):
    """A dataset of that name exists; datasets are immutable."""

    code = "dataset_exists"


class DatasetChanged(Conflict):
    """The dataset was replaced after the job was accepted."""

    code = "dataset_changed"


class EvaluationExists(Conflict):
    """An evaluation of that id exists."""

    code = "evaluation_exists"


class ApiKeyExists(Conflict):
    """An API key of that name exists and is valid."""

    code = "api_key_exists"


class CorrelationIdReused(Conflict):
    """The correlation id belongs to a job with another specification."""

    code = "correlation_id_reused"


class StillInUse(Conflict):
    """Something else stands on what was to be deleted."""

    code = "still_in_use"


class JobFinished(Conflict):
    """The job's status does not allow that."""

    code = "job_finished"


class MalformedTable(ModelbusError):
    """The file cannot be read as a table."""

    code = "malformed_table"


class EstimatorRejected(ModelbusError):
    """The estimator rejected the data or the hyperparameters."""

    code = "estimator_rejected"


class ArtifactRefused(ModelbusError):
    """The stored model may not or cannot be loaded."""

    code = "artifact_refused"


class JobCancelled(ModelbusError):
    """The job was cancelled."""

    code = "cancelled"


class JobTimedOut(ModelbusError):
    """The job ran longer than its time limit."""

    code = "timed_out"


class JobOutOfMemory(ModelbusError):
    """The job needed more memory than its limit."""

    code = "out_of_memory"


class JobCrashed(ModelbusError):
    """The process that did the job died."""

    code = "crashed"


class Unavailable(ModelbusError):
    """A server that Modelbus needs does not answer."""

    code = "unavailable"
    is_retryable = True


class StoreUnavailable(Unavailable):
    """MongoDB does not answer."""

    code = "store_unavailable"


class BusUnavailable(Unavailable):
    """The message broker does not answer."""

    code = "bus_unavailable"


class TooManyStreams(Unavailable):
    """So many readers follow events that no further one is taken."""

    code = "too_many_streams"


class BacklogFull(ModelbusError):
    """As many jobs wait for the same workers as may; send it again later."""

    code = "backlog_full"


def backlog_full(queue: str, waiting: int, limit: int) -> BacklogFull:
    """The refusal of one more job where ``waiting`` wait on a queue and ``limit`` may."""
    return BacklogFull(
        f"{waiting} jobs wait on queue {queue!r}, the limit is {limit}: send it again later, start more workers, or "
        "raise MODELBUS_BACKLOG_LIMIT"
    )


class LeaseLost(ModelbusError):
    """The job belongs to another worker now."""

    code = "lease_lost"


def error_types() -> Iterator[type[ModelbusError]]:
    """Yield every class of the tree, root first."""
    pending: list[type[ModelbusError]] = [ModelbusError]
    while pending:
        kind = pending.pop(0)
        yield kind
        pending.extend(kind.__subclasses__())


def error_of(code: str, message: str, details: Sequence[Detail] = ()) -> ModelbusError:
    """Rebuild the error that a record of it describes; an unknown code gives a plain ``ModelbusError``."""
    kind = next((kind for kind in error_types() if kind.code == code), ModelbusError)
    return kind(message, details=details)
