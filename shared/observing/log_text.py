"""Parsing and rendering of log lines. Pure; reads and writes nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.color import ColorSystem
from rich.style import Style

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
SERVICE_STYLES = {
    "gateway": Style(color="cyan"),
    "trainer": Style(color="green"),
    "predictor": Style(color="blue"),
    "evaluator": Style(color="magenta"),
    "stack": Style(color="white", bold=True),
}
OTHER_STYLE = Style(color="yellow")
LEVEL_STYLES = {
    "debug": Style(dim=True),
    "warning": Style(color="yellow"),
    "error": Style(color="red", bold=True),
    "critical": Style(color="red", bold=True),
}
DIM = Style(dim=True)
PLAIN = Style()
SERVICE_WIDTH = 10
LEVEL_WIDTH = 7
HEAD_FIELDS = ("event", "level", "timestamp", "service", "pid")
BLOCK_FIELDS = ("exception", "stack")
"""Multi-line fields, which are shown below the line."""
MONGOD_LEVELS = {"F": "critical", "E": "error", "W": "warning", "I": "info"}


@dataclass(frozen=True)
class LogLine:
    """A line of one process.

    Attributes:
        service: The service that wrote it.
        text: The raw line.
        moment: The time, if the line has one.
        level: One of ``LEVELS``, if the line has one.
        event: The event, if the line is structured.
        facts: The other fields.
    """

    service: str
    text: str
    moment: datetime | None = None
    level: str | None = None
    event: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def belongs_to(self, correlation_id: str) -> bool:
        """Whether the line belongs to a job."""
        many = self.facts.get("correlation_ids")
        return self.facts.get("correlation_id") == correlation_id or (isinstance(many, list) and correlation_id in many)

    def is_at_least(self, level: str) -> bool:
        """Whether the line has this level or above; unstructured lines, such as tracebacks, always do."""
        return self.level is None or LEVELS.get(self.level, LEVELS["info"]) >= LEVELS[level]


def parse_line(service: str, text: str) -> LogLine:
    """Parse a line; an unstructured line is kept as text."""
    if text.startswith("{"):
        try:
            fields = json.loads(text)
        except ValueError:
            fields = {}
        if "event" in fields:
            return _from_service(service, text, fields)
        if "msg" in fields and "t" in fields:
            return _from_mongod(service, text, fields)
    return LogLine(service, text)


def render_line(line: LogLine, *, use_color: bool, today: datetime | None = None) -> str:
    """Render a line for people: local time, service, level, event, fields.

    Args:
        line: The line.
        use_color: Whether the terminal supports colours.
        today: The current day by default; lines of another day get their date.
    """
    colors = ColorSystem.EIGHT_BIT if use_color else None

    def paint(text: str, style: Style) -> str:
        return style.render(text, color_system=colors) if colors else text

    service = paint(f"{line.service:<{SERVICE_WIDTH}}", SERVICE_STYLES.get(line.service, OTHER_STYLE))
    if line.event is None:
        return f"{_clock(line.moment, today)} {service} {printable(line.text)}"
    level = line.level or ""
    words = [
        paint(_clock(line.moment, today), DIM),
        service,
        paint(f"{level:<{LEVEL_WIDTH}}", LEVEL_STYLES.get(level, PLAIN)),
        paint(printable(line.event), LEVEL_STYLES.get(level, PLAIN)),
        *(f"{paint(f'{name}=', DIM)}{_show(value)}" for name, value in _ordered(line.facts)),
    ]
    return "\n".join([" ".join(words), *_blocks(line.facts)])


def _from_service(service: str, text: str, fields: dict[str, Any]) -> LogLine:
    return LogLine(
        service=service,
        text=text,
        moment=_moment(fields.get("timestamp")),
        level=str(fields.get("level", "info")).lower(),
        event=str(fields["event"]),
        facts={name: value for name, value in fields.items() if name not in HEAD_FIELDS},
    )


def _from_mongod(service: str, text: str, fields: dict[str, Any]) -> LogLine:
    when = fields["t"].get("$date") if isinstance(fields["t"], dict) else None
    attributes = fields.get("attr")
    return LogLine(
        service=service,
        text=text,
        moment=_moment(when),
        level=MONGOD_LEVELS.get(str(fields.get("s")), "debug"),
        event=str(fields["msg"]),
        facts=attributes if isinstance(attributes, dict) else {},
    )


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _clock(moment: datetime | None, today: datetime | None) -> str:
    if moment is None:
        return " " * 8
    local = moment.astimezone()
    is_today = local.date() == (today or datetime.now(UTC)).astimezone().date()
    return local.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S")


def _ordered(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    shown = [(name, value) for name, value in facts.items() if name not in BLOCK_FIELDS and value is not None]
    return sorted(shown, key=lambda fact: fact[0] != "correlation_id")


def _blocks(facts: Mapping[str, Any]) -> list[str]:
    texts = [facts[name] for name in BLOCK_FIELDS if isinstance(facts.get(name), str)]
    return [f"    {printable(part)}" for text in texts for part in text.splitlines()]


def _show(value: object) -> str:
    if isinstance(value, str):
        is_word = value and not any(character.isspace() or character in "\"'=" for character in value)
        return printable(value) if is_word else printable(json.dumps(value, ensure_ascii=False))
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(json.dumps(value, ensure_ascii=False, default=str))


def printable(text: str) -> str:
    """Escape control characters, so that logged values cannot control the terminal."""
    return "".join(
        character if character.isprintable() or character == "\t" else character.encode("unicode_escape").decode()
        for character in text
    )
