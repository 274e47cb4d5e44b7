"""``modelbus learning-curve``: how good a model would have become with fewer rows."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from modelbus.client.model_explanations import Learning
from modelbus.commands.metrics.headlines import headline_metrics
from modelbus.commands.tasks.job_plots import finish_with_plots, require_waiting
from modelbus.commands.terminal.metric_tables import ALL_METRICS, rounded
from modelbus.commands.terminal.model_options import AllMetrics, PlotFolder, Reference
from modelbus.commands.terminal.options import MoreFields, NoWait, Timeout
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.shared.contracts.metric_names import METRIC_TABLE
from modelbus.shared.plural import counted

_CURVE_LIMIT: Final = 3
"""Metrics that are printed without ``--all-metrics``."""


@asks_gateway
def learning_curve(
    session: Session,
    model: Reference,
    fraction: Annotated[
        list[float] | None,
        typer.Option(
            "--fraction",
            min=0,
            max=1,
            metavar="SHARE",
            help="Train on this share of the rows; may be repeated.",
            show_default="0.1, 0.325, 0.55, 0.775 and 1",
        ),
    ] = None,
    all_metrics: AllMetrics = False,
    plots: PlotFolder = None,
    option: MoreFields = None,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Show how good a version would have become with fewer rows: it is trained again on shares of them.

    For example:

    - `modelbus learning-curve churn`

    - `modelbus learning-curve churn@3 --fraction 0.25 --fraction 0.5 --fraction 1 --plots pictures`
    """
    require_waiting(plots, no_wait=no_wait)
    given = {} if not fraction else {"fractions": sorted(set(fraction))}
    job = session.client.learning_curve(model, **(given | settings_of(option, "--option")))
    finish_with_plots(
        session,
        job,
        timeout,
        plots,
        no_wait=no_wait,
        show=lambda found: print_learning(session.printer, found, is_all=all_metrics),
    )


def print_learning(printer: Printer, found: Learning, *, is_all: bool) -> None:
    """Print a learning curve: by training rows, the metrics on them and on the hold-out."""
    fits = ", ".join(f"{count:,} rows in {seconds:.2g} s" for count, seconds in zip(found.x, found.fit_s, strict=True))
    printer.facts(
        {
            "model": f"{found.model}@{found.version}",
            "estimator": found.estimator,
            "dataset": found.dataset,
            "fitted on": fits,
        }
    )
    last = {curve.name: curve.hold_out[-1] for curve in found.curves}
    defined = [name for name, value in last.items() if value is not None]
    names = defined if is_all else headline_metrics(_task(last), last)[:_CURVE_LIMIT]
    curves = {curve.name: curve for curve in found.curves}
    rows = [
        [name, count, rounded(curves[name].training[place]), rounded(curves[name].hold_out[place])]
        for name in names
        for place, count in enumerate(found.x)
    ]
    printer.table(("metric", "training rows", "on these rows", "held out"), rows, empty="No metrics.")
    if len(defined) > len(names):
        printer.say(f"{ALL_METRICS} shows {counted(len(defined) - len(names), 'more metric')}.")


def _task(metrics: Mapping[str, Any]) -> str | None:
    """The task whose own metrics they are."""
    tasks = {entry.name: entry.tasks for entry in METRIC_TABLE}
    first = next(iter(metrics), None)
    return next(iter(tasks.get(first or "", ())), None)
