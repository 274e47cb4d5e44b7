"""The messages between the predictor and its engine.

Questions are pickled, because they come from the service. Answers are JSON, because foreign code runs in the engine.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from modelbus.shared.errors import ModelbusError, error_of


@dataclass(frozen=True)
class Question:
    """Rows of several requests for the same version with the same options."""

    reference: str
    """The model version, as named by the requests."""
    has_probabilities: bool
    has_scores: bool
    requests: Sequence[Sequence[dict[str, Any]]]
    """The rows of each request, each a mapping from column to value."""


@dataclass(frozen=True)
class ToldError:
    """An error without its traceback."""

    code: str
    message: str
    details: list[dict[str, Any]] = field(default_factory=list)

    def error(self) -> ModelbusError:
        """Convert it to an exception."""
        return error_of(self.code, self.message, self.details)


@dataclass(frozen=True)
class Ready:
    """The first message of the engine: it has started."""

    kind: Literal["ready"] = "ready"


@dataclass(frozen=True)
class Loading:
    """A model is about to be loaded, which may take long."""

    kind: Literal["loading"] = "loading"


@dataclass(frozen=True)
class Loaded:
    """A model was loaded."""

    size_bytes: int
    """The estimated memory of all loaded models."""
    kind: Literal["loaded"] = "loaded"


@dataclass(frozen=True)
class Refused:
    """The version cannot be used: the answer to all requests."""

    error: ToldError
    kind: Literal["refused"] = "refused"


@dataclass(frozen=True)
class Reply:
    """The result of a request: predictions or an error."""

    result: dict[str, Any] | None = None
    error: ToldError | None = None


@dataclass(frozen=True)
class Answered:
    """The results of the requests, in their order."""

    model: str
    version: int
    version_id: str
    """The correlation id of the job that trained the version."""
    replies: list[Reply]
    kind: Literal["answered"] = "answered"


Said = Ready | Loading | Loaded | Refused | Answered

_NOTES: Final[dict[str, type[Ready | Loading | Loaded]]] = {"ready": Ready, "loading": Loading, "loaded": Loaded}


def write_question(question: Question) -> bytes:
    """Serialize a question."""
    return pickle.dumps(question, pickle.HIGHEST_PROTOCOL)


def read_question(text: bytes) -> Question:
    """Deserialize a question."""
    question: Question = pickle.loads(text)  # noqa: S301 - the service wrote it
    return question


def write_said(said: Said) -> bytes:
    """Serialize a message of the engine.

    Raises:
        TypeError: It contains a value that JSON cannot express, such as an integer of more than 64 bits.
    """
    return orjson.dumps(said, default=str)


def read_said(text: bytes) -> Said | None:
    """Deserialize a message of the engine; None if it is invalid, because foreign code wrote into the pipe."""
    try:
        fields = orjson.loads(text)
        match fields.pop("kind"):
            case "answered":
                return Answered(**{**fields, "replies": [_reply(**reply) for reply in fields["replies"]]})
            case "refused":
                return Refused(ToldError(**fields["error"]))
            case kind:
                return _NOTES[kind](**fields)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return None


def _reply(result: dict[str, Any] | None, error: dict[str, Any] | None) -> Reply:
    return Reply(result, None if error is None else ToldError(**error))


def told_error(error: ModelbusError) -> ToldError:
    """Convert an exception to a message."""
    return ToldError(error.code, error.message, [dict(detail) for detail in error.details])
