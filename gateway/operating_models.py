"""What the gateway answers about log lines and dead letters, and what may be asked of them."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from gateway.answer_models import JobView
from gateway.examples import CORRELATION_ID, QUEUED_JOB
from gateway.query import Page, Query, Whole
from shared.bus import QUEUES
from shared.contracts import Contract, CorrelationId, Name
from shared.contracts.records import ErrorRecord

LevelName = Literal["debug", "info", "warning", "error", "critical"]


class LogsQuery(Query):
    """Which log lines."""

    level: LevelName = "debug"
    """This level and graver ones."""
    since: str | None = Field(None, max_length=100, examples=["10m", "2026-01-31T12:00:00Z"])
    """No older ones: a time in ISO 8601, or an age in `s`, `m`, `h` or `d`."""
    limit: Whole = Field(200, ge=0, le=1000)
    """How many at most, counted from the end."""
    cursor: str | None = Field(None, max_length=200)
    """The `next` of the answer before: the lines before those."""
    follow: bool | None = None
    """Whether to go on with what is logged next, as server-sent events; also by `Accept: text/event-stream`."""


class ServiceLogsQuery(LogsQuery):
    """Which lines of a service."""

    correlation_id: CorrelationId | None = None
    """Only lines about this job."""


class AllLogsQuery(ServiceLogsQuery):
    """Which lines of all services."""

    service: list[Name] = []
    """Only of these services."""


class LogLine(Contract):
    """One log line: as on stdout, with its id and the process that wrote it."""

    model_config = ConfigDict(extra="allow")

    id: str
    """Its own, among all lines."""
    timestamp: datetime
    level: str
    service: str
    instance: str
    """The process that kept it."""
    event: str
    """What happened; further fields are the facts."""
    correlation_id: str | None = None
    """The job that it is about."""


class LogLineList(Contract):
    """Lines of one or several services, in the order of their times."""

    lines: list[LogLine]
    next: str | None
    """The cursor of the lines before these; null where there are none."""


class DeadLetterFilter(Query):
    """Which dead letters."""

    kind: Literal["job", "message"] | None = None
    """Dead jobs, or messages that could not be read."""
    queue: Literal[QUEUES] | None = None  # type: ignore[valid-type]  # the queues' names
    """Only of this queue."""
    before: str | None = Field(None, max_length=100, examples=["7d", "2026-01-31T12:00:00Z"])
    """Only older ones: than a time in ISO 8601, or than an age in `s`, `m`, `h` or `d`."""


class DeadLettersQuery(DeadLetterFilter, Page):
    """Which page of them."""


class PurgeQuery(DeadLetterFilter):
    """Which dead letters are removed."""

    all: bool = False
    """All there are, where nothing else says which."""


class DeadLetterSummary(Contract):
    """A dead letter in a list."""

    id: CorrelationId
    """Its id; of a job its correlation id."""
    kind: Literal["job", "message"]
    queue: str
    at: datetime
    """When the job died, or the message was put aside."""
    is_edited: bool
    """Whether a replay would send something else than what came."""
    correlation_id: str | None
    code: str | None
    """The error of a job; `poison` of a message."""
    reason: str | None
    command: str | None = None
    """Of a job."""
    attempts: int | None = None
    """Of a job."""
    size_bytes: int | None = None
    """Of a message."""


class DeadLetterList(Contract):
    """A page of dead letters, newest first."""

    dead_letters: list[DeadLetterSummary]
    next: str | None
    """The cursor of the following page; null after the last one."""


class DeadLetterView(DeadLetterSummary):
    """A dead letter, with all that is known of it."""

    history: list[dict[str, Any]]
    links: dict[str, str]
    lines: list[LogLine]
    """Its last log lines."""
    expires_at: datetime | None = None
    edited_at: datetime | None = None
    max_attempts: int | None = None
    """Of a job, as the following ones."""
    error: ErrorRecord | None = None
    spec: dict[str, Any] | None = None
    """What was asked for, and what a replay asks for unless it was edited."""
    edited_spec: dict[str, Any] | None = None
    """What a replay asks for."""
    first_spec: dict[str, Any] | None = None
    """What was asked for first, if an earlier replay was edited."""
    owner: str | None = None
    created_at: datetime | None = None
    service: str | None = None
    """Who could not read the message; of a message, as the following ones."""
    reply_to: str | None = None
    text: str | None = None
    """The beginning of what came; bytes that are no UTF-8 as escapes."""
    is_text_cut: bool | None = None
    base64: str | None = None
    """All of it, up to 64 KB."""
    edited_body: Any = None
    """What a replay sends."""
    problem: ErrorRecord | None = None
    """Why a replay would be refused; null where it would not."""


class DeadLetterEdit(Contract):
    """What a replay is to send: one of the two."""

    spec: dict[str, Any] | None = None
    """Of a job: its command, without the correlation id."""
    body: dict[str, Any] | list[dict[str, Any]] | None = None
    """Of a message: a command, or an array of commands."""


class ReplayedLetter(Contract):
    """What became of a dead letter."""

    jobs: list[JobView]
    """The job; of a message, one for each of its commands."""


class Purged(Contract):
    """What was removed."""

    purged: int
    """How many."""


LOG_LINE: Final = {
    "id": "6565f1c2a1b2c3d4e5f60718-00003",
    "timestamp": "2026-01-31T12:00:00.123456Z",
    "level": "info",
    "service": "trainer",
    "instance": "trainer-host-4711",
    "event": "job.finished",
    "correlation_id": CORRELATION_ID,
    "status": "succeeded",
}
DEAD_LETTER_SUMMARY: Final = {
    "id": CORRELATION_ID,
    "kind": "message",
    "queue": "train",
    "at": "2026-01-31T12:00:00Z",
    "is_edited": False,
    "correlation_id": None,
    "code": "poison",
    "reason": "the body is not JSON: unexpected character",
    "size_bytes": 4,
}
DEAD_LETTER: Final = {
    **DEAD_LETTER_SUMMARY,
    "service": "trainer",
    "text": "junk",
    "base64": "anVuaw==",
    "problem": {"code": "invalid_command", "message": "the body is not JSON: unexpected character", "details": []},
    "history": [{"at": "2026-01-31T12:00:00Z", "what": "put aside", "service": "trainer"}],
    "links": {"self": f"/dead-letters/{CORRELATION_ID}"},
    "lines": [],
}
REPLAYED: Final = {"jobs": [QUEUED_JOB]}
EDITS: Final = {
    "a job": {"spec": {"command": "EvaluateModel", "model": "prices", "dataset": "shop"}},
    "a message": {"body": {"command": "EvaluateModel", "model": "prices", "dataset": "shop"}},
}
