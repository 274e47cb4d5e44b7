"""``modelbus evaluations``: list, show, compare, plots, delete. ``modelbus evaluate`` makes them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from modelbus.client.comparison import Comparison
from modelbus.commands.metrics.headlines import headline_metrics
from modelbus.commands.tasks.evaluation_tables import evaluated, print_evaluation
from modelbus.commands.tasks.plots import PlotFormat, Plots, save_plots
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.metric_tables import ALL_METRICS, label_text, rounded
from modelbus.commands.terminal.model_options import AllMetrics
from modelbus.commands.terminal.session import Session, asks_gateway
from modelbus.shared.contracts import EvaluationRecord
from modelbus.shared.plural import counted

app = typer.Typer(name="evaluations", help="Evaluations: show, compare, plots, delete.", no_args_is_help=True)

Evaluation = Annotated[str, typer.Argument(help="The evaluation's id.", autocompletion=completion.evaluations)]


@app.command("list")
@asks_gateway
def list_evaluations(
    session: Session,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME", help="Only of this model.", autocompletion=completion.models),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Only on it.", autocompletion=completion.datasets),
    ] = None,
) -> None:
    """List evaluations, the newest first.

    For example:

    - `modelbus evaluations list`

    - `modelbus evaluations list --model churn --dataset customers`
    """
    found = session.client.evaluations.list(model=model, dataset=dataset)
    if not found:
        _require(session, model, dataset)
    rows = [[one.id, evaluated(one), one.dataset, _first(one), one.created_at] for one in found]
    headings = ("evaluation", "model", "dataset", "metric", "created")
    empty = "No evaluations. Make one: modelbus evaluate MODEL DATASET"
    session.printer.show(found, lambda: session.printer.table(headings, rows, empty=empty, below=("metric",)))


@app.command()
@asks_gateway
def show(session: Session, evaluation: Evaluation, all_metrics: AllMetrics = False) -> None:
    """Show an evaluation: metrics, classes, slices, thresholds.

    For example:

    - `modelbus evaluations show churn-on-march`

    - `modelbus evaluations show churn-on-march --all-metrics`
    """
    record = session.client.evaluations.get(evaluation)
    session.printer.show(record, lambda: print_evaluation(session.printer, record, is_all=all_metrics))


@app.command()
@asks_gateway
def compare(
    session: Session,
    evaluations: Annotated[
        list[str], typer.Argument(help="Ids of 2 to 10 evaluations.", autocompletion=completion.evaluations)
    ],
    all_metrics: AllMetrics = False,
) -> None:
    """Compare evaluations side by side: metrics, differences to the first, and what makes them differ.

    For example:

    - `modelbus evaluations compare churn-on-march churn-on-april`
    """
    if not 2 <= len(evaluations) <= 10:
        raise typer.BadParameter(f"name 2 to 10 evaluations, not {len(evaluations)}", param_hint="EVALUATIONS")
    if len(set(evaluations)) < len(evaluations):
        raise typer.BadParameter("an evaluation is named twice", param_hint="EVALUATIONS")
    found = session.client.evaluations.compare(evaluations)
    session.printer.show(found, lambda: _print_comparison(session, found, all_metrics))


@app.command()
@asks_gateway
def plots(
    session: Session,
    evaluation: Evaluation,
    out: Annotated[Path | None, typer.Option("--out", "-O", metavar="FOLDER", help="Save them to this folder.")] = None,
    format: PlotFormat = "svg",
) -> None:
    """List an evaluation's plots; with --out, save them.

    For example:

    - `modelbus evaluations plots churn-on-march`

    - `modelbus evaluations plots churn-on-march --out plots --format json`
    """
    found = Plots.of_evaluation(session.client, evaluation)
    if out is not None:
        save_plots(session, found, out, format)
        return
    empty = f"Evaluation {evaluation} has no plots."
    document = {"evaluation": evaluation, "plots": found.names}
    session.printer.show(
        document, lambda: session.printer.table(("plot",), [[name] for name in found.names], empty=empty)
    )


@app.command()
@asks_gateway
def delete(session: Session, evaluation: Evaluation) -> None:
    """Delete an evaluation; a job that still computes it is cancelled.

    For example:

    - `modelbus evaluations delete churn-on-march`
    """
    session.client.evaluations.delete(evaluation)
    session.printer.show({"deleted": evaluation}, lambda: session.printer.say(f"deleted evaluation {evaluation}"))


def _require(session: Session, model: str | None, dataset: str | None) -> None:
    """Make sure that what a list is filtered by exists.

    Raises:
        UnknownModel, UnknownDataset: It does not.
    """
    if model is not None:
        session.client.models.get(model)
    if dataset is not None:
        session.client.datasets.get(dataset)


def _first(record: EvaluationRecord) -> str:
    """The first of the headline metrics, or how far the evaluation is."""
    if record.metrics is None:
        return record.status
    names = headline_metrics(record.task, record.metrics)
    return f"{names[0]} {record.metrics[names[0]]:.4g}" if names else ""


def _print_comparison(session: Session, found: Comparison, is_all: bool) -> None:
    letters = [chr(ord("A") + place) for place in range(len(found.evaluations))]
    rows = [
        [letter, one.id, _model(one), one.dataset, one.row_count, _label(one.positive_class), one.created_at]
        for letter, one in zip(letters, found.evaluations, strict=True)
    ]
    headings = ("", "evaluation", "model", "dataset", "rows", "positive class", "created")
    session.printer.table(headings, rows, empty="", below=("positive class", "created"))
    session.printer.say("")
    ids = {one.id: letter for letter, one in zip(letters, found.evaluations, strict=True)}
    named = headline_metrics(found.evaluations[0].task, {one.metric: one.values[0] for one in found.metrics})
    shown = [one for one in found.metrics if is_all or one.metric in named]
    shown.sort(key=lambda one: named.index(one.metric) if one.metric in named else len(named))
    rows = [
        [
            one.metric,
            *map(rounded, one.values),
            *(_signed(value) for value in one.differences[1:]),
            ", ".join(ids[name] for name in one.best),
        ]
        for one in shown
    ]
    differences = [f"{letter} - A" for letter in letters[1:]]
    session.printer.table(("metric", *letters, *differences, "best"), rows, empty="They have no metric in common.")
    left = len(found.metrics) - len(shown)
    if left:
        session.printer.say(f"{ALL_METRICS} shows {counted(left, 'more metric')}.")
    session.printer.warn(found.warnings)


def _model(one: Any) -> str:
    return "predictions of the dataset" if one.model is None else f"{one.model}@{one.version}"


def _label(label: Any) -> str | None:
    return None if label is None else label_text(label)


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.4g}"
