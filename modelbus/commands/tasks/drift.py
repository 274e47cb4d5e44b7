"""``modelbus drift``: are rows still like those that a model was trained on?"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args

import typer

from modelbus.client.model_explanations import Drift
from modelbus.commands.tasks.job_plots import finish_with_plots, require_waiting
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.metric_tables import rounded
from modelbus.commands.terminal.model_options import PlotFolder, Reference
from modelbus.commands.terminal.options import MoreFields, NoWait, Timeout
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.commands.terminal.times import time_of, time_text_with_zone
from modelbus.shared.contracts.commands.drift import DriftThresholds
from modelbus.shared.contracts.records.explanation_results import CurrentRows, DriftFinding, DriftStatistic
from modelbus.shared.plural import counted

STATISTICS: Final[tuple[str, ...]] = get_args(DriftStatistic.model_fields["name"].annotation)


@asks_gateway
def drift(
    session: Session,
    model: Reference,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            metavar="NAME",
            help="Compare the rows of this dataset.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Compare what the model predicted since: 7d, 12h, 2026-01-31T12:00Z."),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            "-t",
            metavar="NAME=VALUE",
            help=f"Drift from this value on, of {', '.join(DriftThresholds.model_fields)}; null for none.",
            show_default="psi=0.2",
        ),
    ] = None,
    plots: PlotFolder = None,
    option: MoreFields = None,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Compare rows with those that a model was trained on: a dataset's, or those that it predicted.

    For example:

    - `modelbus drift churn --dataset customers-2025`

    - `modelbus drift churn@3 --since 7d --threshold psi=0.1 --threshold missing_rate=0.05`
    """
    if (dataset is None) == (since is None):
        raise typer.BadParameter("give either --dataset or --since")
    require_waiting(plots, no_wait=no_wait)
    thresholds = settings_of(threshold, "--threshold")
    fields: dict[str, Any] = ({"thresholds": thresholds} if thresholds else {}) | settings_of(option, "--option")
    job = session.client.drift(model, dataset=dataset, since=since, **fields)
    finish_with_plots(
        session, job, timeout, plots, no_wait=no_wait, show=lambda found: print_drift(session.printer, found)
    )


def print_drift(printer: Printer, found: Drift) -> None:
    """Print whether rows have drifted, and each column's statistics, the drifted columns first."""
    limits = found.thresholds.model_dump()
    facts = {
        "model": f"{found.model}@{found.version}",
        "trained on": f"{found.reference.row_count:,} rows of {found.reference.dataset}",
        "compared with": _current_words(found.current),
        "thresholds": {name: value for name, value in limits.items() if value is not None},
        "drift": _verdict(found),
    }
    printer.facts(facts)
    if not found.current.row_count:
        return
    findings = [*([] if found.predictions is None else [found.predictions]), *found.columns]
    findings.sort(key=lambda one: not one.has_drifted)
    names = [name for name in STATISTICS if any(_statistic(one, name) is not None for one in findings)]
    rows = [_row(one, names, is_prediction=one is found.predictions) for one in findings]
    printer.table(("column", "type", *names, "drift"), rows, empty="No rows to compare.", optional=("type",))
    printer.warn([*found.warnings, *_unseen_words(found.columns)])


def _verdict(found: Drift) -> str:
    if not found.current.row_count:
        return "unknown: there are no rows to compare"
    drifted = list(found.drifted_columns)
    if found.predictions is None:
        drifted.append("the predictions are unknown")
    elif found.predictions.has_drifted:
        drifted.append("the predictions")
    return f"yes: {', '.join(drifted)}" if found.has_drifted else "no"


def _current_words(current: CurrentRows) -> str:
    rows = counted(current.row_count, "row")
    capped = (
        ", the newest" if current.is_capped and current.dataset is None else ", a sample" if current.is_capped else ""
    )
    if current.dataset is not None:
        return f"{rows} of {current.dataset}{capped}"
    since = time_of(current.since)
    moment = current.since if since is None else time_text_with_zone(since)
    lost = f"; {counted(current.lost_count, 'prediction')} no longer kept" if current.lost_count else ""
    return f"{rows} predicted since {moment}{capped}{lost}"


def _row(one: DriftFinding, names: Sequence[str], *, is_prediction: bool) -> list[Any]:
    label = "(predictions)" if is_prediction else one.name
    exceeded = [statistic.name for statistic in one.statistics if statistic.is_exceeded]
    values = [rounded(_statistic(one, name)) for name in names]
    return [label, one.type, *values, ", ".join(exceeded) or ("yes" if one.has_drifted else "no")]


def _statistic(finding: DriftFinding, name: str) -> float | None:
    return next((one.value for one in finding.statistics if one.name == name), None)


def _unseen_words(columns: Sequence[DriftFinding]) -> list[str]:
    return [
        f"column {one.name!r} holds values unseen in training in {counted(one.unseen.count, 'row')}"
        for one in columns
        if one.unseen is not None and one.unseen.count
    ]
