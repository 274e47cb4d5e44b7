"""``modelbus plots``: save the plots of an evaluation or a job."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelbus.client.client_errors import UnexpectedAnswer
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.session import Session, asks_gateway
from modelbus.shared.contracts.base import PLOT_NAME_PATTERN, canonical_uuid
from modelbus.shared.errors import NotFound, UnknownEvaluation, UnknownJob
from modelbus.shared.plural import counted

if TYPE_CHECKING:
    from modelbus.client.synchronous.client import Client
    from modelbus.client.synchronous.job import Job

PlotFormat = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="svg for pictures, json for the points behind them.",
        autocompletion=completion.words("svg", "json"),
    ),
]


@dataclass(frozen=True)
class Plots:
    """The plots of one thing."""

    owner: str
    """The id of the evaluation or the job."""
    names: Sequence[str]
    download: Callable[[str, Path], Path]
    """Saves the plot of a name to a file that ends in ``.svg`` or ``.json``."""

    @classmethod
    def of_evaluation(cls, client: "Client", evaluation: str) -> "Plots":
        """An evaluation's plots.

        Raises:
            UnknownEvaluation: It does not exist.
            Conflict: It has no metrics yet.
        """
        evaluations = client.evaluations
        names = evaluations.plots(evaluation)
        return cls(evaluation, names, lambda name, path: evaluations.download_plot(evaluation, name, path))

    @classmethod
    def of_job(cls, job: "Job[Any]") -> "Plots":
        """A job's plots.

        Raises:
            UnknownJob: It does not exist.
            NotFound: Such jobs have no plots.
            Conflict: It has not succeeded yet.
        """
        return cls(job.correlation_id, job.plots(), job.download_plot)


@asks_gateway
def plots(
    session: Session,
    owner: Annotated[
        str,
        typer.Argument(metavar="ID", help="The id of an evaluation or a job.", autocompletion=completion.plot_owners),
    ],
    folder: Annotated[
        Path | None, typer.Argument(help="Where to save them; made if needed.", show_default="a folder named ID")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", "-n", metavar="NAME", help="Only this plot; may be repeated.")
    ] = None,
    format: PlotFormat = "svg",
) -> None:
    """Save the plots of an evaluation, or of a job that explains, measures drift or a learning curve.

    For example:

    - `modelbus plots churn-on-march`

    - `modelbus plots churn-on-march pictures --name roc --name calibration`

    - `modelbus plots 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10 points --format json`
    """
    found = _plots_of(session.client, owner)
    save_plots(session, found, folder or Path(found.owner), format, names=name)


def save_plots(
    session: Session, plots: Plots, folder: Path, format: str, *, names: Sequence[str] | None = None
) -> None:
    """Save plots to a folder and print where they are.

    Args:
        session: Where to print.
        plots: The plots.
        folder: The folder; it is made if needed.
        format: ``svg`` or ``json``.
        names: Only these; default: all.

    Raises:
        NotFound: A name is not one of them.
        UnexpectedAnswer: The gateway names a plot in a way that could leave the folder.
        BadParameter: There is no such format.
    """
    if format not in ("svg", "json"):
        raise typer.BadParameter(f"must be svg or json, not {format!r}", param_hint="--format")
    unknown = [name for name in names or [] if name not in plots.names]
    if unknown:
        there = ", ".join(plots.names) or "none"
        raise NotFound(f"{plots.owner} has no plot {unknown[0]!r}; its plots: {there}")
    saved = [str(path) for path in saved_plots(plots, folder, format, names)]
    if not saved:
        session.printer.show({"paths": []}, lambda: session.printer.say(f"{plots.owner} has no plots."))
        return
    told = f"{counted(len(saved), 'plot')} saved to {folder}: {', '.join(Path(path).name for path in saved)}"
    session.printer.show({"paths": saved}, lambda: session.printer.say(told))


def saved_plots(plots: Plots, folder: Path, format: str, names: Sequence[str] | None = None) -> list[Path]:
    """Save plots to a folder; their paths."""
    chosen = [name for name in plots.names if not names or name in names]
    if any(re.fullmatch(PLOT_NAME_PATTERN, name) is None for name in chosen):
        raise UnexpectedAnswer("the gateway names a plot by something that is not the name of a plot")
    if chosen:
        folder.mkdir(parents=True, exist_ok=True)
    return [plots.download(name, folder / f"{name}.{format}") for name in chosen]


def _plots_of(client: "Client", owner: str) -> Plots:
    try:
        return Plots.of_evaluation(client, owner)
    except UnknownEvaluation:
        if canonical_uuid(owner) is None:
            raise
    try:
        return Plots.of_job(client.jobs.get(owner))
    except UnknownJob as error:
        raise NotFound(f"neither an evaluation nor a job has the id {owner}") from error
