"""``modelbus jobs``: list, show, wait, cancel, replay, events."""

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import result_of, waiting_for
from modelbus.commands.terminal.options import Timeout
from modelbus.commands.terminal.own_words import CommandWords, sentence_in_own_words
from modelbus.commands.terminal.printing import fact_text, plain
from modelbus.commands.terminal.session import Session, asks_gateway
from modelbus.commands.terminal.times import clock_text, exact_time_text, time_of, zone_name
from modelbus.shared.contracts import JobRecord
from modelbus.shared.contracts.records.job_records import JobSummary

app = typer.Typer(name="jobs", help="List, show, wait for, cancel and replay jobs.", no_args_is_help=True)

_NOT_PARAMETERS: Final = frozenset({"command", "contract", "rows", "columns", "data"})

CorrelationId = Annotated[str, typer.Argument(help="The job's correlation id.", autocompletion=completion.jobs)]


@app.command("list")
@asks_gateway
def list_jobs(
    session: Session,
    status: Annotated[
        str | None, typer.Option(help="Only queued, running, succeeded, failed, dead or cancelled jobs.")
    ] = None,
    command: Annotated[str | None, typer.Option(help="Only jobs of this command, such as TrainModel.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Only jobs of this model.", autocompletion=completion.models)
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Only jobs of this dataset.", autocompletion=completion.datasets)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Maximum number of jobs.")] = 20,
) -> None:
    """List the newest jobs.

    For example:

    - `modelbus jobs list --status failed`

    - `modelbus jobs list --command TrainModel -n 100`

    - `modelbus jobs list --model prices`
    """
    chosen: Any = status
    found = session.client.jobs.list(status=chosen, command=command, model=model, dataset=dataset, limit=limit)
    rows = [
        [one.correlation_id, one.status, one.command, one.created_at, one.model, one.dataset, _error(one)]
        for one in found
    ]
    headings = ("correlation id", "status", "command", "created", "model", "dataset", "error")
    below, optional = ("model", "dataset", "error"), ("created", "command")
    session.printer.show(
        found, lambda: session.printer.table(headings, rows, empty="No jobs.", below=below, optional=optional)
    )


@app.command()
@asks_gateway
def show(session: Session, correlation_id: CorrelationId) -> None:
    """Show a job: its status, progress, parameters, error and history.

    For example:

    - `modelbus jobs show 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    record = session.client.jobs.get(correlation_id).refresh()
    session.printer.show(record, lambda: _print_job(session, record))


@app.command()
@asks_gateway
def wait(session: Session, correlation_id: CorrelationId, timeout: Timeout = None) -> None:
    """Wait until a job has ended; the exit code is 0 if it succeeded.

    For example:

    - `modelbus jobs wait 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10 --timeout 600`
    """
    job = session.client.jobs.get(correlation_id)
    result_of(session, job, timeout)
    record = job.record
    assert record is not None  # its end was just read
    session.printer.show(record, lambda: _print_job(session, record))


@app.command()
@asks_gateway
def cancel(session: Session, correlation_id: CorrelationId) -> None:
    """Cancel a job: at once if it is queued, within seconds if it is running.

    For example:

    - `modelbus jobs cancel 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    record = session.client.jobs.cancel(correlation_id)
    outcome = "cancelled" if record.status == "cancelled" else "its worker ends it within seconds"
    session.printer.show(record, lambda: session.printer.say(f"job {correlation_id}: {outcome}"))


@app.command()
@asks_gateway
def replay(session: Session, correlation_id: CorrelationId) -> None:
    """Queue a failed, dead or cancelled job again, with fresh attempts.

    For example:

    - `modelbus jobs replay 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    job = session.client.jobs.replay(correlation_id)
    record = job.record
    assert record is not None  # the replay has just answered it
    session.printer.show(record, lambda: session.printer.say(f"job {correlation_id} is queued again"))


@app.command()
@asks_gateway
def events(session: Session, correlation_id: CorrelationId, timeout: Timeout = None) -> None:
    """Follow a job: one line for each change of its status or progress, until it has ended.

    With --json, each line is a JSON document. Times are in the terminal's time zone, which `TZ` sets.

    For example:

    - `modelbus jobs events 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    job = session.client.jobs.get(correlation_id)
    session.printer.note(f"times are in {zone_name()}")
    with waiting_for(job, timeout):
        for record in job.changes(timeout):
            _print_change(session, record)


def _print_change(session: Session, record: JobRecord) -> None:
    if session.printer.as_json:
        names = ("correlation_id", "status", "attempt", "progress", "error", "updated_at")
        sys.stdout.write(json.dumps({name: plain(record)[name] for name in names}) + "\n")
    else:
        percent = f"{record.progress.fraction:4.0%}" if record.progress and record.progress.fraction is not None else ""
        message = record.progress.message if record.progress else ""
        moment = clock_text(record.updated_at)
        session.printer.say(f"{moment}  {record.status:<9}  {percent:>4}  {message}".rstrip())
    sys.stdout.flush()


def _print_job(session: Session, record: JobRecord) -> None:
    facts = {
        "job": record.correlation_id,
        "command": record.command,
        "status": record.status,
        "attempt": f"{record.attempt} of {record.max_attempts}",
        "progress": record.progress.message if record.progress else None,
        "error": _error(record),
        "created": record.created_at,
        "finished": record.finished_at,
        "parameters": _parameters(record.spec),
    }
    session.printer.facts(facts)
    rows = [[_when(entry), entry.get("event"), entry.get("attempt"), entry.get("worker")] for entry in record.history]
    headings = (f"time ({zone_name()})", "event", "attempt", "worker")
    session.printer.table(headings, rows, empty="No history.", optional=("worker",))


def _when(entry: Mapping[str, Any]) -> str | None:
    moment = time_of(entry.get("at"))
    return None if moment is None else exact_time_text(moment)


def _error(job: JobSummary) -> str | None:
    if job.error is None:
        return None
    return f"{job.error.code}: {sentence_in_own_words(job.error.message, CommandWords())}"


def _parameters(spec: Mapping[str, Any]) -> str:
    """What a job's command says, one parameter a line; of rows their number."""
    rows = spec.get("rows", spec.get("data"))
    said = {name: value for name, value in spec.items() if name not in _NOT_PARAMETERS}
    said |= {"rows": len(rows)} if isinstance(rows, list) else {}
    texts = {name: fact_text(_without_nothing(value)) for name, value in said.items() if value is not None}
    return "\n".join(f"{name}: {text}" for name, text in texts.items() if text)


def _without_nothing(value: Any) -> Any:
    """A mapping without the fields that nobody gave."""
    if not isinstance(value, Mapping):
        return value
    return {name: inner for name, inner in value.items() if inner not in (None, [], {})}
