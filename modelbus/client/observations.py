"""What is heard while services work: log lines, events, who is there, how the gateway does."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import RootModel, field_validator

from modelbus.client.calls import record_of
from modelbus.client.sent_events import SentEvent
from modelbus.client.typed_answers import Result
from modelbus.shared.contracts import DriftFound, JobChanged
from modelbus.shared.contracts.records.job_records import JobSummary

Level = Literal["debug", "info", "warning", "error", "critical"]


class LogLine(RootModel[dict[str, Any]]):
    """One log line: an action, and its facts."""

    model_config = {"frozen": True}

    @field_validator("root")
    @classmethod
    def _is_whole(cls, fields: dict[str, Any]) -> dict[str, Any]:
        lacking = [name for name in ("id", "event") if not isinstance(fields.get(name), str)]
        if lacking:
            raise ValueError(f"a log line lacks {lacking[0]}")
        return fields

    @property
    def id(self) -> str:
        """Its id among all lines."""
        return str(self.root["id"])

    @property
    def moment(self) -> datetime | None:
        """When it was logged; None where the line does not say so."""
        text = self.root.get("timestamp")
        return datetime.fromisoformat(text) if isinstance(text, str) else None

    @property
    def level(self) -> str:
        """``debug``, ``info``, ``warning``, ``error`` or ``critical``."""
        return str(self.root.get("level", ""))

    @property
    def service(self) -> str:
        """Who says it."""
        return str(self.root.get("service", ""))

    @property
    def event(self) -> str:
        """The action, such as ``job.finished``."""
        return str(self.root["event"])

    @property
    def correlation_id(self) -> str | None:
        """The job or request that it is about, if it is about one."""
        found = self.root.get("correlation_id")
        return None if found is None else str(found)

    @property
    def facts(self) -> dict[str, Any]:
        """All of it but the id, as it was logged."""
        return {name: value for name, value in self.root.items() if name != "id"}

    def __str__(self) -> str:
        said = {"timestamp", "level", "service", "event"}
        facts = " ".join(f"{name}={value}" for name, value in self.facts.items() if name not in said)
        head = (str(self.root.get("timestamp", "")), self.service, self.level, self.event)
        return " ".join(filter(None, (*head, facts)))


class LogPage(Result):
    """Some log lines, oldest first."""

    lines: list[LogLine]
    next: str | None
    """The cursor of the lines before these."""


class EventsMissed(Result):
    """Events were left out, since whoever listens was too slow for them."""

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
    """What the services tell; None of what the stream says of itself."""
    if sent.name == "error":
        return None
    kind = _KINDS.get(sent.name)
    return OtherEvent(name=sent.name, told=sent.data) if kind is None else record_of(kind, sent.data)


def read_line(sent: SentEvent) -> LogLine | None:
    """A log line; None of what the stream says of itself."""
    return record_of(LogLine, sent.data) if sent.name == "log" else None


def read_change(sent: SentEvent) -> JobSummary | None:
    """How a job stands; None of what the stream says of itself."""
    return record_of(JobSummary, sent.data) if sent.name in ("status", "progress") else None


class DeadLetterCount(Result):
    """How many dead letters there are of a kind and a queue."""

    kind: str
    queue: str
    count: int


class ServiceReport(Result):
    """Which consumers are alive, and what waits."""

    version: str
    services: list[dict[str, Any]]
    """One for each instance: `service`, `is_alive`, `heartbeat_age_s`, ..."""
    queues: dict[str, int | None]
    """Messages that wait, by queue; None when the broker is away."""
    dead_letters: list[DeadLetterCount] = []
    """What waits to be looked at."""


class Readiness(Result):
    """Whether the gateway can answer requests."""

    status: str
    checks: dict[str, bool]
    """`store`: MongoDB answers; `bus`: Redis does. Without Redis jobs are late, and none is lost."""

    @property
    def is_ready(self) -> bool:
        """Whether requests can be answered."""
        return self.status == "ok"


class About(Result):
    """What is at that address."""

    service: str
    version: str
    routes: list[str]
    """Such as `GET /jobs`."""
