"""``modelbus events``: the events of all services as they happen."""

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelbus.commands.terminal.options import AsJson, Directory, NoColor, Url
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.shown_text import shown_in_line
from modelbus.commands.terminal.times import clock_text, zone_name
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.client.observations import AnyEvent


def events(
    command: Annotated[str | None, typer.Option(help="Only this command, such as TrainModel.")] = None,
    status: Annotated[str | None, typer.Option(help="Only jobs with this status, such as failed.")] = None,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
    no_color: NoColor = False,
) -> None:
    """Show the changes of all jobs as they happen, until Ctrl-C.

    Events are sent once and are not stored; `modelbus jobs list` shows all jobs. Each line begins with the time of its
    arrival, in the terminal's time zone, which `TZ` sets.

    For example:

    - `modelbus events`

    - `modelbus events --command TrainModel --status failed --json`
    """
    from modelbus.commands.terminal.session import open_once

    printer = Printer(no_color=no_color)
    chosen: Any = status
    with open_once(url, directory) as client, client.events(command=command, status=chosen, away_s=None) as events:
        if not as_json:
            printer.note(f"listening to {client.url}; times are in {zone_name()}, Ctrl-C stops")
        try:
            for event in events:
                if as_json:
                    sys.stdout.write(f"{json.dumps(_fields(event))}\n")
                else:
                    printer.say(_line(event))
                sys.stdout.flush()
        except KeyboardInterrupt:
            return


def _fields(event: "AnyEvent") -> dict[str, Any]:
    """An event as it was sent."""
    from modelbus.client.observations import OtherEvent

    return event.told if isinstance(event, OtherEvent) else event.model_dump(mode="json", exclude_none=True)


def _line(event: "AnyEvent") -> str:
    """An event in one line: when it arrived, the job, its command, its status, and its progress or error."""
    from modelbus.client.observations import EventsMissed

    now = clock_text(datetime.now(UTC))
    if isinstance(event, EventsMissed):
        return f"{now}  ({event.count:,} {'event was' if event.count == 1 else 'events were'} missed)"
    fields = _fields(event)
    facts = [fields.get(name) for name in ("correlation_id", "command", "status")]
    facts += [(fields.get(name) or {}).get("message") for name in ("progress", "error")]
    return "  ".join([now, *(shown_in_line(fact) for fact in facts if fact)])
