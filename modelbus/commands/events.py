"""``modelbus events``: what the services tell each other, as it happens."""

from typing import Annotated, Any

import typer

from modelbus.commands.options import DEFAULT_DIRECTORY, AsJson, Directory, NoColor, Url


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

    from modelbus.commands.gateway_calls import GatewayCalls, choose_url

    console = Console(no_color=no_color, highlight=False, soft_wrap=True)
    with GatewayCalls(choose_url(url, directory)) as gateway:
        try:
            for name, event in gateway.follow("/events", command=command, status=status):
                text = json.dumps(event) if as_json else _line(name, event)
                console.print(text, markup=False)
        except KeyboardInterrupt:
            return


def _line(name: str, event: dict[str, Any]) -> str:
    """An event in one line: which job, what it does, how it stands."""
    if name == "missed":
        return f"({event['count']} events were missed)"
    progress = event.get("progress") or {}
    error = event.get("error") or {}
    told = (event.get("correlation_id"), event.get("command"), event.get("status"))
    return "  ".join(str(fact) for fact in (*told, progress.get("message"), error.get("message")) if fact)
