"""Dead letters: dead jobs, and messages that could not be read."""

from datetime import datetime
from typing import Any, Literal

from modelbus.client.moment_texts import Moment, moment_text
from modelbus.client.observations import LogLine
from modelbus.client.typed_answers import Result
from modelbus.shared.contracts import ErrorRecord

LetterKind = Literal["job", "message"]


class DeadLetterSummary(Result):
    """What a list shows of a dead letter."""

    id: str
    """Of a job its correlation id."""
    kind: str
    """`job`, whose attempts are exhausted, or `message`, which could not be read."""
    queue: str
    at: datetime
    """Since when it is dead."""
    is_edited: bool
    """Whether a replay takes something else than what was sent."""
    correlation_id: str | None
    code: str | None
    reason: str | None
    command: str | None = None
    """Of a job."""
    attempts: int | None = None
    """Of a job."""
    size_bytes: int | None = None
    """Of a message."""


class LetterProblem(Result):
    """Why a replay of a message would be refused."""

    code: str
    message: str
    details: list[dict[str, Any]] = []


class DeadLetter(DeadLetterSummary):
    """All that is known of a dead letter: what was sent, what came of it, its last log lines."""

    history: list[dict[str, Any]]
    lines: list[LogLine]
    links: dict[str, str] = {}
    expires_at: datetime | None = None
    """When it is forgotten."""
    spec: dict[str, Any] | None = None
    """Of a job: the command."""
    edited_spec: dict[str, Any] | None = None
    """Of a job: the command that a replay takes instead."""
    first_spec: dict[str, Any] | None = None
    """Of a job that was edited and replayed: the command as it was sent first."""
    error: ErrorRecord | None = None
    """Of a job, as are the next three."""
    max_attempts: int | None = None
    owner: str | None = None
    created_at: datetime | None = None
    service: str | None = None
    """Of a message: who could not read it."""
    reply_to: str | None = None
    """Of a message: where an answer was wanted."""
    text: str | None = None
    """Of a message: what was sent, cut after 20,000 characters."""
    is_text_cut: bool = False
    """Whether the message has more; `client.dead_letters.content` gives its bytes."""
    base64: str | None = None
    """Of a message: its bytes, up to 64 KiB."""
    edited_body: Any = None
    """Of a message: what a replay takes instead."""
    problem: LetterProblem | None = None
    """Of a message: why its replay would be refused; None if it would not be."""
    edited_at: datetime | None = None

    @property
    def replayed(self) -> Any:
        """What a replay takes: what was edited, else what was sent; of a message that was not edited its text."""
        if self.kind == "job":
            return self.edited_spec if self.edited_spec is not None else self.spec
        return self.edited_body if self.edited_body is not None else self.text


class DeadLetterPage(Result):
    """A page of dead letters, the newest first."""

    dead_letters: list[DeadLetterSummary]
    next: str | None
    """The cursor of the following page."""


def letter_query(kind: LetterKind | None, queue: str | None, before: Moment | None, **more: Any) -> dict[str, Any]:
    """The query string that says which dead letters are meant."""
    return {"kind": kind, "queue": queue, "before": moment_text(before), **more}
