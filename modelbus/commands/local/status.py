"""``modelbus status``: which processes of the local stack run; of a gateway elsewhere, which services are alive."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from modelbus.commands.terminal import exits
from modelbus.commands.terminal.options import ApiKey, AsJson, Directory, Url
from modelbus.commands.terminal.printing import Printer
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.client.observations import ServiceReport
    from modelbus.stack.stack_status import StackStatus


def status(
    directory: Directory = DEFAULT_DIRECTORY, url: Url = None, api_key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Show what runs, and whether it is ready.

    Of the local stack of this folder its processes; with --url, the services behind that gateway and what waits in
    their queues. The exit code is 0 when all are ready, else 1.

    For example:

    - `modelbus status`

    - `modelbus status --json | jq .gateway_url`

    - `modelbus status --url http://10.0.0.5:8000`
    """
    is_ready = _print_services(url, api_key, as_json=as_json) if url else _print_stack(directory, as_json=as_json)
    if not is_ready:
        raise typer.Exit(exits.FAILED)


def _print_stack(directory: Any, *, as_json: bool) -> bool:
    from modelbus.stack.stack_status import read_status
    from modelbus.stack_folder.running import meant_folder
    from modelbus.stack_folder.stack_layout import Layout

    report = read_status(Layout(meant_folder(directory)))
    if as_json:
        typer.echo(json.dumps(_as_fields(report), indent=2))
    else:
        _print_table(report, Console(highlight=False))
    return report.is_ready


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


def _print_services(url: str, api_key: str | None, *, as_json: bool) -> bool:
    from modelbus.client.synchronous.client import Client

    with Client(url, api_key=api_key, retry_s=2.0) as client:
        report = client.services()
    printer = Printer(as_json=as_json)
    printer.show(report, lambda: _print_report(printer, report))
    alive = {one["service"] for one in report.services if one.get("is_alive")}
    return {"trainer", "predictor", "evaluator"} <= alive and None not in report.queues.values()


def _print_report(printer: Printer, report: "ServiceReport") -> None:
    rows = [
        [one["service"], one.get("host"), one.get("is_alive"), one.get("jobs_running"), one.get("version")]
        for one in report.services
    ]
    empty = "No service is alive: nothing will be done."
    printer.table(("service", "host", "alive", "running", "version"), rows, empty=empty)
    waiting = [[name, depth] for name, depth in report.queues.items() if depth != 0]
    printer.table(("queue", "waiting"), waiting, empty="Nothing waits in the queues.")
