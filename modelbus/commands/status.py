"""``modelbus status``: which processes of the local stack run, where, and whether they are ready."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from modelbus.commands.options import DEFAULT_DIRECTORY, AsJson, Directory

if TYPE_CHECKING:
    from modelbus.stack.status import StackStatus

EXIT_NOT_READY = 1


def status(directory: Directory = DEFAULT_DIRECTORY, as_json: AsJson = False) -> None:
    """Show the local stack's processes.

    The exit code is 0 when all are ready, else 1.

    For example:

    - `modelbus status`

    - `modelbus status --json | jq .gateway_url`
    """
    from modelbus.stack.layout import Layout
    from modelbus.stack.status import read_status

    report = read_status(Layout(directory))
    if as_json:
        typer.echo(json.dumps(_as_fields(report), indent=2))
    else:
        _print_table(report, Console(highlight=False))
    if not report.is_ready:
        raise typer.Exit(EXIT_NOT_READY)


def _as_fields(report: "StackStatus") -> dict[str, Any]:
    return {**asdict(report), "is_ready": report.is_ready}


def _print_table(report: "StackStatus", console: Console) -> None:
    if not report.is_running:
        console.print("No local stack runs in this folder. Start one with: modelbus up")
        return
    table = Table("service", "pid", "port", "ready", "restarts")
    for member in report.members:
        ready = "[green]yes[/]" if member.is_ready else "[red]no[/]"
        table.add_row(member.name, str(member.pid or "-"), str(member.port or "-"), ready, str(member.restarts))
    console.print(table)
    console.print(f"gateway  {report.gateway_url}\nMongoDB  {report.mongo_url}\nbus      {report.bus_url}")
