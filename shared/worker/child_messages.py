"""The messages of a job's process to its worker, one JSON object each, which the worker validates."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from modelbus.shared.contracts import Progress
from modelbus.shared.contracts.base import Contract
from modelbus.shared.contracts.records.job_outcomes import Outcome, faults_of
from modelbus.shared.errors import ModelbusError, error_of


class ProgressMade(Contract):
    """The progress of the job."""

    kind: Literal["progress"] = "progress"
    progress: Progress


class EarlyEndOffered(Contract):
    """From now on, the job can end with its current result."""

    kind: Literal["early_end_offered"] = "early_end_offered"


class OutcomeReached(Contract):
    """The job succeeded; the last message."""

    kind: Literal["outcome"] = "outcome"
    outcome: Outcome


class ErrorRaised(Contract):
    """The job failed; the last message."""

    kind: Literal["error"] = "error"
    code: str
    message: str
    details: list[dict[str, Any]] = []

    def error(self) -> ModelbusError:
        """Convert it to an exception."""
        return error_of(self.code, self.message, self.details)


ChildMessage = ProgressMade | EarlyEndOffered | OutcomeReached | ErrorRaised

_ADAPTER: TypeAdapter[ChildMessage] = TypeAdapter(Annotated[ChildMessage, Field(discriminator="kind")])


def write_message(message: ChildMessage) -> bytes:
    """Serialize a message; values of an outcome that JSON cannot express become text."""
    if isinstance(message, OutcomeReached):
        return orjson.dumps({"kind": message.kind, "outcome": message.outcome.document()}, default=str)
    return orjson.dumps(message.model_dump(mode="json"))


def read_message(text: bytes) -> ChildMessage:
    """Deserialize a message; an invalid message becomes an error."""
    try:
        return _ADAPTER.validate_python(orjson.loads(text))
    except ValidationError as error:
        return ErrorRaised(
            code=ModelbusError.code, message=f"the job's process sent an invalid message: {faults_of(error)}"
        )
