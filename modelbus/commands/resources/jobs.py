"""``modelbus jobs``: list, show, wait, cancel, replay, events."""

import json
import sys
from typing import Annotated, Any

import typer

from modelbus.commands.terminal import completion, exits
from modelbus.commands.terminal.job_waiting import how_to_go_on, result_of
from modelbus.commands.terminal.options import Timeout
from modelbus.commands.terminal.printing import plain
from modelbus.commands.terminal.session import Session, asks_gateway
from modelbus.shared.contracts import JobRecord

app = typer.Typer(name="jobs", help="What was asked for: look, wait, cancel, replay.", no_args_is_help=True)

CorrelationId = Annotated[str, typer.Argument(help="The job's correlation id.", autocompletion=completion.jobs)]


@app.command("list")
@asks_gateway
def list_jobs(
    session: Session,
    status: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed, dead or cancelled.")] = None,
    command: Annotated[str | None, typer.Option(help="Only those, such as TrainModel.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
) -> None:
    """List the newest jobs.

    For example:

    - `modelbus jobs list --status failed`

    - `modelbus jobs list --command TrainModel -n 100`
    """
    chosen: Any = status
    found = session.client.jobs.list(status=chosen, command=command, limit=limit)
    rows = [[one.correlation_id, one.command, one.status, one.created_at] for one in found]
    headings = ("correlation id", "command", "status", "created")
    session.printer.show(found, lambda: session.printer.table(headings, rows, empty="No jobs."))


@app.command()
@asks_gateway
def show(session: Session, correlation_id: CorrelationId) -> None:
    """Show a job: status, progress, error, what happened to it.

    For example:

    - `modelbus jobs show 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    record = session.client.jobs.get(correlation_id).refresh()
    session.printer.show(record, lambda: _print_job(session, record))


@app.command()
@asks_gateway
def wait(session: Session, correlation_id: CorrelationId, timeout: Timeout = None) -> None:
    """Wait for a job's end; the exit code is 0 if it succeeded.

    For example:

    - `modelbus jobs wait 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10 --timeout 600`
    """
    job = session.client.jobs.get(correlation_id)
    result_of(session, job, timeout)
    record = job.record
    assert record is not None  # it was waited for
    session.printer.show(record, lambda: _print_job(session, record))


@app.command()
@asks_gateway
def cancel(session: Session, correlation_id: CorrelationId) -> None:
    """Cancel a job: at once while it waits, within a heartbeat while it runs.

    For example:

    - `modelbus jobs cancel 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    record = session.client.jobs.cancel(correlation_id)
    told = "cancelled" if record.status == "cancelled" else "its worker ends it within a heartbeat"
    session.printer.show(record, lambda: session.printer.say(f"job {correlation_id}: {told}"))


@app.command()
@asks_gateway
def replay(session: Session, correlation_id: CorrelationId) -> None:
    """Queue a failed, dead or cancelled job once more, with fresh attempts.

    For example:

    - `modelbus jobs replay 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    job = session.client.jobs.replay(correlation_id)
    record = job.record
    assert record is not None  # it was just asked for
    session.printer.show(record, lambda: session.printer.say(f"job {correlation_id} is queued again"))


@app.command()
@asks_gateway
def events(session: Session, correlation_id: CorrelationId, timeout: Timeout = None) -> None:
    """Follow a job: a line for each change of its status or progress, until its end.

    With --json, one JSON document for each line.

    For example:

    - `modelbus jobs events 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    job = session.client.jobs.get(correlation_id)
    try:
        for record in job.changes(timeout):
            _print_change(session, record)
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{how_to_go_on(job)}\n")
        raise typer.Exit(exits.INTERRUPTED) from None


def _print_change(session: Session, record: JobRecord) -> None:
    if session.printer.as_json:
        names = ("correlation_id", "status", "attempt", "progress", "error", "updated_at")
        sys.stdout.write(json.dumps({name: plain(record)[name] for name in names}) + "\n")
    else:
        percent = f"{record.progress.fraction:4.0%}" if record.progress and record.progress.fraction is not None else ""
        message = record.progress.message if record.progress else ""
        session.printer.say(f"{record.updated_at:%H:%M:%S}  {record.status:<9}  {percent:>4}  {message}".rstrip())
    sys.stdout.flush()


def _print_job(session: Session, record: JobRecord) -> None:
    facts = {
        "job": record.correlation_id,
        "command": record.command,
        "status": record.status,
        "attempt": f"{record.attempt} of {record.max_attempts}",
        "progress": record.progress.message if record.progress else None,
        "error": record.error and f"{record.error.code}: {record.error.message}",
        "created": record.created_at,
        "finished": record.finished_at,
    }
    session.printer.facts(facts)
    asked = {name: value for name, value in record.spec.items() if name not in ("command", "contract", "rows")}
    session.printer.facts({"parameters": {name: value for name, value in asked.items() if value not in (None, {}, [])}})
    rows = [[str(entry.get("at", ""))[:19], entry.get("event"), entry.get("worker")] for entry in record.history]
    session.printer.table(("time", "event", "worker"), rows, empty="Nothing has happened to it yet.")
