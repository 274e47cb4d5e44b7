"""Waiting for a job whose result has plots: its result is shown, and its plots are saved where that is wanted."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer
from pydantic import BaseModel

from modelbus.client.synchronous.job import Job
from modelbus.commands.tasks.plots import Plots, saved_plots
from modelbus.commands.terminal.job_waiting import result_of, started
from modelbus.commands.terminal.session import Session
from modelbus.shared.plural import counted

R = TypeVar("R", bound=BaseModel)
"""A result that can be printed."""


def require_waiting(folder: Path | None, *, no_wait: bool) -> None:
    """Make sure, before a job is started, that its plots are only wanted where its end is waited for.

    Raises:
        BadParameter: They are wanted, and it is not.
    """
    if no_wait and folder is not None:
        raise typer.BadParameter(
            "--plots waits for the job's end; leave out --no-wait, or save them later with modelbus plots ID",
            param_hint="--plots",
        )


def finish_with_plots(
    session: Session,
    job: Job[R],
    timeout_s: float | None,
    folder: Path | None,
    *,
    no_wait: bool,
    show: Callable[[R], None],
) -> None:
    """Wait for a job's end, save its plots and show its result.

    Args:
        session: The gateway and the terminal.
        job: The job.
        timeout_s: Seconds to wait; None for as long as it takes.
        folder: Where to save the plots, as SVG; None to save none.
        no_wait: Whether the job alone is shown.
        show: Prints the result for people.

    Raises:
        ModelbusError: The job failed, was cancelled, or has not ended in time.
    """
    if no_wait:
        started(session, job)
        return
    result = result_of(session, job, timeout_s)
    paths = [] if folder is None else saved_plots(Plots.of_job(job), folder, "svg")
    session.printer.show(result, lambda: show(result))
    if folder is not None:
        session.printer.say(f"{counted(len(paths), 'plot')} saved to {folder}" if paths else "No plots were drawn.")
    elif getattr(result, "plots", None):
        session.printer.say(f"Save its plots with: modelbus plots {job.correlation_id}")
