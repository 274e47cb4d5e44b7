"""Outcomes: the product of a job's work, passed from its process to the worker and stored in the job until it ends.

An outcome describes what to create and names the stored blobs; ``Outcomes`` in ``shared/store/jobs/outcomes.py``
creates it, repeatedly if needed (ADR 0006). It travels from the job's process to the worker, and is stored in MongoDB
from its commit to the job's end; ``parse_outcome`` parses it at both places.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from modelbus.shared.contracts.base import Contract
from modelbus.shared.contracts.records.event_records import DriftFound
from modelbus.shared.errors import ModelbusError


def _named_by(field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A check that a record has its key field."""

    def check(record: dict[str, Any]) -> dict[str, Any]:
        name = record.get(field)
        if not (isinstance(name, str) and name):
            raise ValueError(f"must have {field!r}, a non-empty text")
        return record

    return check


class StoredFile(Contract):
    """A file that was stored with a result or a record."""

    name: str
    blob_id: str


class _Outcome(Contract):
    """The fields of every outcome."""

    kind: str
    survives_cancel: bool = False
    """Whether the outcome is kept although the job was cancelled, because the command requested it (ADR 0015)."""

    def document(self) -> dict[str, Any]:
        """The outcome for JSON and MongoDB, without defaults."""
        return {"kind": self.kind, **self.model_dump(exclude_unset=True)}


class DatasetOutcome(_Outcome):
    """A new dataset."""

    kind: Literal["dataset"] = "dataset"
    record: Annotated[dict[str, Any], AfterValidator(_named_by("name"))]
    """The dataset's record (``DatasetRecord``), without the fields that are only known on creation."""
    blob_id: str
    """The Parquet file."""
    upload_id: str | None = None
    """The upload it was made from, which is removed at the end of the job."""


class KeptApart(Contract):
    """The data of a version outside its record: returned separately, or only for other jobs."""

    rows_blob_id: str | None = None
    """The numbers of the training rows (ADR 0023)."""
    candidates: list[dict[str, Any]] | None = None
    """The table of candidates (``Candidate``), if it is small."""
    candidates_blob_id: str | None = None
    """The blob of the table, if it is large."""


class VersionOutcome(_Outcome):
    """The next version of a model."""

    kind: Literal["version"] = "version"
    record: Annotated[dict[str, Any], AfterValidator(_named_by("model"))]
    """The version's record (``VersionRecord``), without its number and other fields that are only known on creation."""
    blob_id: str
    """Its artifact."""
    apart: KeptApart = KeptApart()
    promote: bool
    """Whether ``champion`` moves to the version."""
    champion_seen: int | None = None
    """The champion at the time of the decision; null if there was none. Absent if the decision does not depend on it:
    see ``depends_on_champion``."""
    report: dict[str, Any] = {}
    """The fields of the job's result in addition to the version."""

    @property
    def depends_on_champion(self) -> bool:
        """Whether ``champion`` moves only if it is unchanged since the decision."""
        return "champion_seen" in self.model_fields_set


class EvaluationOutcome(_Outcome):
    """A new evaluation."""

    kind: Literal["evaluation"] = "evaluation"
    record: Annotated[dict[str, Any], AfterValidator(_named_by("id"))]
    """The evaluation's record (``EvaluationRecord``), without the fields that are only known on creation."""
    files: list[StoredFile] = []
    """The plots."""


class FilesOutcome(_Outcome):
    """Files that are kept as long as the job."""

    kind: Literal["predictions", "export"]
    blobs: dict[str, str]
    """By format, the id of the stored file."""
    report: dict[str, Any]
    """The job's result in addition to the files."""


class AnswerOutcome(_Outcome):
    """Only a result, without any new record."""

    kind: Literal["answer"] = "answer"
    result: dict[str, Any]
    """The result, or the place of a large result (``stored_result``)."""
    upload_id: str | None = None
    """An upload that was only previewed and is removed at the end of the job."""
    files: list[StoredFile] = []
    """The files stored with the result, which are kept as long as the job."""
    event: DriftFound | None = None
    """The event to publish once the job has succeeded."""


Outcome = Annotated[
    DatasetOutcome | VersionOutcome | EvaluationOutcome | FilesOutcome | AnswerOutcome, Field(discriminator="kind")
]

_ADAPTER: TypeAdapter[Outcome] = TypeAdapter(Outcome)


def parse_outcome(document: Any) -> Outcome:
    """Validate an outcome from JSON or MongoDB.

    Raises:
        ModelbusError: The outcome violates its contract, which is a fault of the service, since no caller writes
            outcomes.
    """
    try:
        return _ADAPTER.validate_python(document)
    except ValidationError as error:
        raise ModelbusError(f"invalid outcome: {faults_of(error)}") from error


def faults_of(error: ValidationError) -> str:
    """The first faults that pydantic found, with their places."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'outcome'}: {fault['msg']}" for fault in found[:3])
