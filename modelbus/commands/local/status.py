"""``modelbus status``: the processes of the local stack, or the services behind a gateway elsewhere."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

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
    """Show what is running and whether it is ready.

    Shows the processes of this folder's local stack; with --url, the services behind that gateway and their queues. The
    exit code is 0 if everything is ready, otherwise 1.

    For example:

    - `modelbus status`

    - `modelbus status --json | jq .gateway_url`

    - `modelbus status --url http://10.0.0.5:8000`
    """
    is_ready = _print_services(url, api_key, as_json=as_json) if url else _print_stack(directory, as_json=as_json)
    if not is_ready:
        raise typer.Exit(exits.FAILED)


def _print_stack(directory: Path, *, as_json: bool) -> bool:
    from modelbus.stack.stack_status import read_status
    from modelbus.stack_folder.running import meant_folder
    from modelbus.stack_folder.stack_layout import Layout

    folder = meant_folder(directory)
    report = read_status(Layout(folder))
    printer = Printer(as_json=as_json)
    printer.show(_as_fields(report), lambda: _print_processes(printer, report, folder))
    return report.is_ready


def _as_fields(report: "StackStatus") -> dict[str, Any]:
    return {**asdict(report), "is_ready": report.is_ready}


def _print_processes(printer: Printer, report: "StackStatus", folder: Path) -> None:
    if not report.is_running:
        printer.say(f"No local stack is running in {folder.resolve().parent}. Start one with: modelbus up")
        printer.say("A gateway elsewhere is shown with: modelbus status --url URL")
        return
    rows = [[member.name, member.pid, member.port, member.is_ready, member.restarts] for member in report.members]
    printer.table(("process", "pid", "port", "ready", "restarts"), rows, empty="No processes.")
    started = None if report.started_at is None else datetime.fromtimestamp(report.started_at, UTC)
    printer.facts(
        {"gateway": report.gateway_url, "MongoDB": report.mongo_url, "bus": report.bus_url, "started": started}
    )


def _print_services(url: str, api_key: str | None, *, as_json: bool) -> bool:
    from modelbus.commands.terminal.session import gateway

    with gateway(url, api_key=api_key, retry_s=2.0) as client:
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
    empty = "No service is alive: jobs wait in their queues."
    printer.table(("service", "host", "alive", "running jobs", "version"), rows, empty=empty)
    waiting = [[name, depth] for name, depth in report.queues.items() if depth != 0]
    printer.table(("queue", "waiting jobs"), waiting, empty="All queues are empty.")
