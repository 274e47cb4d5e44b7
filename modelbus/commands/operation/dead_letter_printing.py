"""How dead letters are shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from modelbus.commands.terminal.own_words import CommandWords, sentence_in_own_words
from modelbus.commands.terminal.printing import Printer, cell_text
from modelbus.commands.terminal.times import exact_time_text, time_of, time_text_with_zone, zone_name

if TYPE_CHECKING:
    from pydantic import BaseModel

    from modelbus.client.letters import DeadLetter, DeadLetterSummary

_LAID_OUT = frozenset({"lines", "history", "links", "base64"})
"""Fields that are not printed as a fact: they have a table of their own, or nothing to read."""


def given_fields(record: "BaseModel | None") -> Any:
    """A record as the gateway sent it, as JSON has it."""
    return record and record.model_dump(mode="json", exclude_unset=True)


def print_letters(printer: Printer, letters: "Sequence[DeadLetterSummary]") -> None:
    """Print dead letters as a table."""
    rows = [
        [
            letter.id,
            letter.kind,
            letter.queue,
            letter.at,
            letter.command,
            letter.size_bytes,
            letter.is_edited,
            " ".join(str(letter.reason or letter.code).split()),
        ]
        for letter in letters
    ]
    printer.table(
        ("id", "kind", "queue", "since", "command", "bytes", "edited", "reason"),
        rows,
        empty="There are no dead letters.",
        below=("reason",),
        optional=("bytes", "edited", "command"),
    )


def print_letter(printer: Printer, letter: "DeadLetter", *, no_color: bool) -> None:
    """Print all that is known of a dead letter."""
    from modelbus.commands.operation.logs import show_lines

    fields = given_fields(letter)
    for name in fields:
        fields[name] = _moment(getattr(letter, name, None)) or fields[name]
    if letter.problem is not None:
        fields["problem"] = sentence_in_own_words(letter.problem.message, CommandWords())
    printer.facts({name: _fact(value) for name, value in fields.items() if name not in _LAID_OUT})
    history = [_history_row(entry) for entry in letter.history]
    printer.table((f"time ({zone_name()})", "event", "facts"), history, empty="No history.")
    if letter.lines:
        printer.say("last log lines:")
        show_lines(letter.lines, no_color=no_color)


def _moment(value: Any) -> str | None:
    return time_text_with_zone(value) if isinstance(value, datetime) else None


def _fact(value: Any) -> Any:
    import json

    return value if value is None or isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _history_row(entry: dict[str, Any]) -> list[Any]:
    moment = time_of(entry.get("at"))
    facts = [f"{name}={cell_text(value)}" for name, value in entry.items() if name not in ("at", "event")]
    return [None if moment is None else exact_time_text(moment), entry.get("event"), " ".join(facts)]
