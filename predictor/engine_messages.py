"""What the predictor asks its engine, and what the engine says: the contract of the pipe between them.

What is asked is pickled: it comes from the service. What is said is JSON: foreign code has run where it comes from.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from modelbus.shared.errors import ModelbusError, error_of


@dataclass(frozen=True)
class Question:
    """Rows of several requests that want the same of one version."""

    reference: str
    """The model version, as it was named by whoever asks."""
    has_probabilities: bool
    has_scores: bool
    requests: Sequence[Sequence[dict[str, Any]]]
    """Of each request its rows, a mapping from column to value each."""


@dataclass(frozen=True)
class ToldError:
    """An error, without its trace."""

    code: str
    message: str
    details: list[dict[str, Any]] = field(default_factory=list)

    def error(self) -> ModelbusError:
        """The error that it tells of."""
        return error_of(self.code, self.message, self.details)


@dataclass(frozen=True)
class Ready:
    """The engine has begun; its first message."""

    kind: Literal["ready"] = "ready"


@dataclass(frozen=True)
class Loading:
    """A model is going to be loaded, which may take long."""

    kind: Literal["loading"] = "loading"


@dataclass(frozen=True)
class Loaded:
    """It was loaded."""

    size_bytes: int
    """What all models together take in memory now, as estimated."""
    kind: Literal["loaded"] = "loaded"


@dataclass(frozen=True)
class Refused:
    """The version cannot be asked: the answer to all requests."""

    error: ToldError
    kind: Literal["refused"] = "refused"


@dataclass(frozen=True)
class Reply:
    """What one request gets: its predictions or its error."""

    result: dict[str, Any] | None = None
    error: ToldError | None = None


@dataclass(frozen=True)
class Answered:
    """What the requests get, in their order."""

    model: str
    version: int
    version_id: str
    """The correlation id of the job that made the version."""
    replies: list[Reply]
    kind: Literal["answered"] = "answered"


Said = Ready | Loading | Loaded | Refused | Answered

_NOTES: Final[dict[str, type[Ready | Loading | Loaded]]] = {"ready": Ready, "loading": Loading, "loaded": Loaded}


def write_question(question: Question) -> bytes:
    """The question as the engine reads it."""
    return pickle.dumps(question, pickle.HIGHEST_PROTOCOL)


def read_question(text: bytes) -> Question:
    """What ``write_question`` wrote."""
    question: Question = pickle.loads(text)  # noqa: S301 - the service wrote it
    return question


def write_said(said: Said) -> bytes:
    """What the engine says, as the predictor reads it.

    Raises:
        TypeError: Something in it has no form in JSON, and no text: an integer of more than 64 bits.
    """
    return orjson.dumps(said, default=str)


def read_said(text: bytes) -> Said | None:
    """What the engine said; None if it broke the contract, as foreign code can that writes where it should not."""
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
    """The error as it is told."""
    return ToldError(error.code, error.message, [dict(detail) for detail in error.details])
