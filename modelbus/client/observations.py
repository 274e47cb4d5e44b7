"""Log lines, events, and the state of gateway and services."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import RootModel, field_validator

from modelbus.client.calls import record_of
from modelbus.client.sent_events import SentEvent
from modelbus.client.shown.records import JobEntry
from modelbus.client.typed_answers import Result
from modelbus.shared.contracts import DriftFound, JobChanged

Level = Literal["debug", "info", "warning", "error", "critical"]


class LogLine(RootModel[dict[str, Any]]):
    """One log line: an event and its fields."""

    model_config = {"frozen": True}

    @field_validator("root")
    @classmethod
    def _is_whole(cls, fields: dict[str, Any]) -> dict[str, Any]:
        missing = [name for name in ("id", "event") if not isinstance(fields.get(name), str)]
        if missing:
            raise ValueError(f"a log line has no field {missing[0]!r}")
        return fields

    @property
    def id(self) -> str:
        """The line's id."""
        return str(self.root["id"])

    @property
    def moment(self) -> datetime | None:
        """When it was logged; None without a valid timestamp."""
        text = self.root.get("timestamp")
        return datetime.fromisoformat(text) if isinstance(text, str) else None

    @property
    def level(self) -> str:
        """``debug``, ``info``, ``warning``, ``error`` or ``critical``."""
        return str(self.root.get("level", ""))

    @property
    def service(self) -> str:
        """The service that logged it."""
        return str(self.root.get("service", ""))

    @property
    def event(self) -> str:
        """The event, such as ``job.finished``."""
        return str(self.root["event"])

    @property
    def correlation_id(self) -> str | None:
        """The id of the job or request that it is about; None without one."""
        found = self.root.get("correlation_id")
        return None if found is None else str(found)

    @property
    def facts(self) -> dict[str, Any]:
        """All fields except the id, as they were logged."""
        return {name: value for name, value in self.root.items() if name != "id"}

    def __str__(self) -> str:
        said = {"timestamp", "level", "service", "event"}
        facts = " ".join(f"{name}={value}" for name, value in self.facts.items() if name not in said)
        head = (str(self.root.get("timestamp", "")), self.service, self.level, self.event)
        return " ".join(filter(None, (*head, facts)))


class LogPage(Result):
    """A page of log lines, oldest first."""

    lines: list[LogLine]
    next: str | None
    """The cursor of the previous lines."""


class EventsMissed(Result):
    """Events were left out because this reader was too slow."""

    count: int


class OtherEvent(Result):
    """An event of a later release."""

    name: str
    told: dict[str, Any]


AnyEvent = JobChanged | DriftFound | EventsMissed | OtherEvent
_KINDS: Final[dict[str, type[JobChanged | DriftFound | EventsMissed]]] = {
    "JobChanged": JobChanged,
    "DriftFound": DriftFound,
    "missed": EventsMissed,
}


def read_event(sent: SentEvent) -> AnyEvent | None:
    """Read an event; None for events about the stream itself."""
    if sent.name == "error":
        return None
    kind = _KINDS.get(sent.name)
    return OtherEvent(name=sent.name, told=sent.data) if kind is None else record_of(kind, sent.data)


def read_line(sent: SentEvent) -> LogLine | None:
    """Read a log line; None for events about the stream itself."""
    return record_of(LogLine, sent.data) if sent.name == "log" else None


def read_change(sent: SentEvent) -> JobEntry | None:
    """Read a change of a job; None for events about the stream itself."""
    return record_of(JobEntry, sent.data) if sent.name in ("status", "progress") else None


class DeadLetterCount(Result):
    """The number of dead letters of a kind and a queue."""

    kind: str
    queue: str
    count: int


class ServiceReport(Result):
    """The consumers, the queues and the dead letters."""

    version: str
    services: list[dict[str, Any]]
    """One mapping for each instance: `service`, `is_alive`, `heartbeat_age_s`, …"""
    queues: dict[str, int | None]
    """Waiting messages by queue; None while the broker is unavailable."""
    dead_letters: list[DeadLetterCount] = []
    """The number of dead letters by kind and queue."""


class Readiness(Result):
    """Whether the gateway can answer requests."""

    status: str
    checks: dict[str, bool]
    """`store`: whether MongoDB answers; `bus`: whether Redis answers. Without Redis jobs are delayed, not lost."""

    @property
    def is_ready(self) -> bool:
        """Whether requests can be answered."""
        return self.status == "ok"


class About(Result):
    """The service at an address."""

    service: str
    version: str
    routes: list[str]
    """Such as `GET /jobs`."""
