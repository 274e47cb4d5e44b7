"""Waiting for jobs: a progress bar, and on Ctrl-C the command that continues to wait."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from pydantic import BaseModel

from modelbus.client.synchronous.job import Job
from modelbus.commands.terminal import exits
from modelbus.commands.terminal.session import Session

T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)
"""A result that can be printed."""


def result_of(session: Session, job: Job[T], timeout_s: float | None) -> T:
    """Wait for a job's end and give its result; Ctrl-C ends the waiting, not the job.

    Raises:
        ModelbusError: The job failed, was cancelled, or has not ended in time.
        Exit: Ctrl-C.
    """
    try:
        return job.result(timeout_s, progress=False if session.printer.as_json else None)
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{how_to_go_on(job)}\n")
        raise typer.Exit(exits.INTERRUPTED) from None


def finish(session: Session, job: Job[R], timeout_s: float | None, *, no_wait: bool, show: Callable[[R], None]) -> None:
    """Wait for a job's end and show its result, or print the job's id without waiting.

    Args:
        session: The gateway and the terminal.
        job: The job.
        timeout_s: Seconds to wait; None for as long as it takes.
        no_wait: Whether only the id is printed.
        show: Prints the result for people.

    Raises:
        ModelbusError: The job failed, was cancelled, or has not ended in time.
        Exit: Ctrl-C.
    """
    if no_wait:
        started(session, job)
        return
    result = result_of(session, job, timeout_s)
    session.printer.show(result, lambda: show(result))


def started(session: Session, job: Job[Any]) -> None:
    """Print the id of a job, alone on standard output; on a terminal, standard error says how to wait for it."""
    document = {"correlation_id": job.correlation_id}
    session.printer.show(document, lambda: session.printer.say(job.correlation_id))
    if sys.stdout.isatty():
        session.printer.note(_hints(job))


def how_to_go_on(job: Job[Any]) -> str:
    """Say that a job continues, and how to wait for it or cancel it."""
    return f"The job continues.\n{_hints(job)}"


def _hints(job: Job[Any]) -> str:
    waiting, ending = (f"modelbus jobs {verb} {job.correlation_id}" for verb in ("wait", "cancel"))
    return f"wait for it:  {waiting}\ncancel it:    {ending}"
