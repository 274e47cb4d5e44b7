"""Outcomes: what a job's work gave, as its process hands it to the worker and as the job keeps it until it has ended.

An outcome describes what is to be made and names the blobs that lie ready for it; ``Outcomes`` in
``shared/store/jobs/outcomes.py`` makes it, as often as it must (ADR 0006). It crosses from the job's process to the
worker, and lies in MongoDB between its commit and the job's end: at both places it is parsed by ``parse_outcome``.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from modelbus.shared.contracts.base import Contract
from modelbus.shared.contracts.records.event_records import DriftFound
from modelbus.shared.errors import ModelbusError


def _named_by(field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Checks that a record has the field under which it is stored."""

    def check(record: dict[str, Any]) -> dict[str, Any]:
        name = record.get(field)
        if not (isinstance(name, str) and name):
            raise ValueError(f"must have {field!r}, a text that is not empty")
        return record

    return check


class StoredFile(Contract):
    """A file that was stored beside a result or a record."""

    name: str
    blob_id: str


class _Outcome(Contract):
    """What all outcomes have."""

    kind: str
    survives_cancel: bool = False
    """Whether it is kept although the job was cancelled, because that was asked for beforehand (ADR 0015)."""

    def document(self) -> dict[str, Any]:
        """The outcome as JSON has it, and MongoDB: what was said of it, without defaults."""
        return {"kind": self.kind, **self.model_dump(exclude_unset=True)}


class DatasetOutcome(_Outcome):
    """A dataset is to be made."""

    kind: Literal["dataset"] = "dataset"
    record: Annotated[dict[str, Any], AfterValidator(_named_by("name"))]
    """The dataset's record (``DatasetRecord``), without what is known only when it is made."""
    blob_id: str
    """Its Parquet file."""
    upload_id: str | None = None
    """The upload that it was made from, which goes with the end of the job."""


class KeptApart(Contract):
    """What a version has beside its record: answered apart, or only for other jobs."""

    rows_blob_id: str | None = None
    """Which rows it was trained on (ADR 0023)."""
    candidates: list[dict[str, Any]] | None = None
    """The table of candidates (``Candidate``), where it is small."""
    candidates_blob_id: str | None = None
    """Where it is stored, where it is large."""


class VersionOutcome(_Outcome):
    """The next version of a model is to be made."""

    kind: Literal["version"] = "version"
    record: Annotated[dict[str, Any], AfterValidator(_named_by("model"))]
    """The version's record (``VersionRecord``), without its number and what else is known only when it is made."""
    blob_id: str
    """Its artifact."""
    apart: KeptApart = KeptApart()
    promote: bool
    """Whether ``champion`` is to move to it."""
    champion_seen: int | None = None
    """The version that was the champion when that was decided; null if there was none. Absent where the decision does
    not depend on it: see ``depends_on_champion``."""
    report: dict[str, Any] = {}
    """What the job's result has beside the version."""

    @property
    def depends_on_champion(self) -> bool:
        """Whether ``champion`` moves only if it is still what it was when that was decided."""
        return "champion_seen" in self.model_fields_set


class EvaluationOutcome(_Outcome):
    """An evaluation is to be made."""

    kind: Literal["evaluation"] = "evaluation"
    record: Annotated[dict[str, Any], AfterValidator(_named_by("id"))]
    """The evaluation's record (``EvaluationRecord``), without what is known only when it is made."""
    files: list[StoredFile] = []
    """Its plots."""


class FilesOutcome(_Outcome):
    """Files are to be kept as long as the job."""

    kind: Literal["predictions", "export"]
    blobs: dict[str, str]
    """By format, the id of the stored file."""
    report: dict[str, Any]
    """What the job's result says beside them."""


class AnswerOutcome(_Outcome):
    """Nothing is to be made but the job's result."""

    kind: Literal["answer"] = "answer"
    result: dict[str, Any]
    """The result, or where it is stored apart because it is large (``stored_result``)."""
    upload_id: str | None = None
    """An upload that was only looked at, and goes with the end of the job."""
    files: list[StoredFile] = []
    """What was stored beside the result, and is kept as long as the job."""
    event: DriftFound | None = None
    """What is to be told once the job has succeeded."""


Outcome = Annotated[
    DatasetOutcome | VersionOutcome | EvaluationOutcome | FilesOutcome | AnswerOutcome, Field(discriminator="kind")
]

_ADAPTER: TypeAdapter[Outcome] = TypeAdapter(Outcome)


def parse_outcome(document: Any) -> Outcome:
    """Validate an outcome, as JSON or MongoDB gave it.

    Raises:
        ModelbusError: It breaks its contract: a fault of the service, since no caller writes outcomes.
    """
    try:
        return _ADAPTER.validate_python(document)
    except ValidationError as error:
        raise ModelbusError(f"an outcome breaks its contract: {faults_of(error)}") from error


def faults_of(error: ValidationError) -> str:
    """The first faults that pydantic found, each with its place."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault['msg']}" for fault in found[:3])
