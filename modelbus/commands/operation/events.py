"""``modelbus events``: what the services tell each other, as it happens."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelbus.commands.terminal.options import AsJson, Directory, NoColor, Url
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.client.observations import AnyEvent


def events(
    command: Annotated[str | None, typer.Option(help="Only of this command, such as TrainModel.")] = None,
    status: Annotated[str | None, typer.Option(help="Only of jobs that stand so, such as failed.")] = None,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
    no_color: NoColor = False,
) -> None:
    """Show every job's changes as they happen, until Ctrl-C.

    Events are hints, told once: what came while nobody listened stands in `modelbus jobs list`.

    For example:

    - `modelbus events`

    - `modelbus events --command TrainModel --status failed --json`
    """
    import json

    from rich.console import Console

    from modelbus.commands.terminal.session import open_once

    console = Console(no_color=no_color, highlight=False, soft_wrap=True)
    chosen: Any = status
    with open_once(url, directory) as client, client.events(command=command, status=chosen, away_s=None) as events:
        try:
            for event in events:
                console.print(json.dumps(_told(event)) if as_json else _line(event), markup=False)
        except KeyboardInterrupt:
            return


def _told(event: "AnyEvent") -> dict[str, Any]:
    """An event as it was sent."""
    from modelbus.client.observations import OtherEvent

    return event.told if isinstance(event, OtherEvent) else event.model_dump(mode="json", exclude_none=True)


def _line(event: "AnyEvent") -> str:
    """An event in one line: which job, what it does, how it stands."""
    from modelbus.client.observations import EventsMissed

    if isinstance(event, EventsMissed):
        return f"({event.count} events were missed)"
    told = _told(event)
    facts = [told.get(name) for name in ("correlation_id", "command", "status")]
    facts += [(told.get(name) or {}).get("message") for name in ("progress", "error")]
    return "  ".join(str(fact) for fact in facts if fact)
