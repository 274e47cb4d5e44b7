"""Dead letters: dead jobs and unreadable messages."""

from datetime import datetime
from typing import Any, Literal

from modelbus.client.moment_texts import Moment, moment_text
from modelbus.client.observations import LogLine
from modelbus.client.typed_answers import Result
from modelbus.shared.contracts import ErrorRecord

LetterKind = Literal["job", "message"]


class DeadLetterSummary(Result):
    """A dead letter in a list."""

    id: str
    """A job's correlation id, or a message's own id."""
    kind: str
    """`job`, whose attempts are exhausted, or `message`, which is not readable."""
    queue: str
    at: datetime
    """When it became a dead letter."""
    is_edited: bool
    """Whether a replay sends something else than the original."""
    correlation_id: str | None
    code: str | None
    reason: str | None
    command: str | None = None
    """Only for a job."""
    attempts: int | None = None
    """Only for a job."""
    size_bytes: int | None = None
    """Only for a message."""


class LetterProblem(Result):
    """Why the replay of a message would be refused."""

    code: str
    message: str
    details: list[dict[str, Any]] = []


class DeadLetter(DeadLetterSummary):
    """A dead letter: its content, history and last log lines."""

    history: list[dict[str, Any]]
    lines: list[LogLine]
    links: dict[str, str] = {}
    expires_at: datetime | None = None
    """When it is removed."""
    spec: dict[str, Any] | None = None
    """The job's command."""
    edited_spec: dict[str, Any] | None = None
    """The edited command, which a replay of the job sends instead."""
    first_spec: dict[str, Any] | None = None
    """The original command of a job that was edited and replayed."""
    error: ErrorRecord | None = None
    """Only for a job, like the next three fields."""
    max_attempts: int | None = None
    owner: str | None = None
    created_at: datetime | None = None
    service: str | None = None
    """The service that could not read the message."""
    reply_to: str | None = None
    """The queue for the reply to the message."""
    text: str | None = None
    """The message as text, cut after 20,000 characters."""
    is_text_cut: bool = False
    """Whether the text was cut; `client.dead_letters.content` has all bytes."""
    base64: str | None = None
    """The bytes of the message, up to 64 KiB."""
    edited_body: Any = None
    """The edited body, which a replay of the message sends instead."""
    problem: LetterProblem | None = None
    """The reason why a replay of the message would be refused; None if it would be accepted."""
    edited_at: datetime | None = None

    @property
    def replayed(self) -> Any:
        """What a replay sends: the edited command or body, else the original; of an unedited message its text."""
        if self.kind == "job":
            return self.edited_spec if self.edited_spec is not None else self.spec
        return self.edited_body if self.edited_body is not None else self.text


class DeadLetterPage(Result):
    """A page of dead letters, newest first."""

    dead_letters: list[DeadLetterSummary]
    next: str | None
    """The cursor of the next page."""


def letter_query(kind: LetterKind | None, queue: str | None, before: Moment | None, **more: Any) -> dict[str, Any]:
    """The fields of the query string that select dead letters."""
    return {"kind": kind, "queue": queue, "before": moment_text(before), **more}
