"""Waiting for jobs: a progress bar, and on Ctrl-C the command that continues to wait."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import typer
from pydantic import BaseModel

from modelbus.client.client_errors import WaitTimedOut
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
    with waiting_for(job, timeout_s):
        return job.result(timeout_s, progress=False if session.printer.as_json else None)


@contextmanager
def waiting_for(job: Job[Any], timeout_s: float | None) -> Iterator[None]:
    """Wait for a job inside the block; where the wait ends early, say how to continue it.

    Raises:
        WaitTimedOut: The job has not ended in time.
        Exit: Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(f"\nThe job continues.\n{_hints(job)}\n")
        raise typer.Exit(exits.INTERRUPTED) from None
    except WaitTimedOut as error:
        better = WaitTimedOut(
            f"job {job.correlation_id} is still {job.status} after {timeout_s:g} s, and continues. "
            f"Wait for it with: modelbus jobs wait {job.correlation_id}"
        )
        raise better from error


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


def _hints(job: Job[Any]) -> str:
    waiting, ending = (f"modelbus jobs {verb} {job.correlation_id}" for verb in ("wait", "cancel"))
    return f"wait for it:  {waiting}\ncancel it:    {ending}"
