"""``modelbus explain``: which columns a model relies on, or what each contributes to a prediction."""

from typing import Annotated, Any

import typer

from modelbus.commands.tasks.explanation_tables import print_contributions, print_explanation
from modelbus.commands.tasks.given_rows import rows_of_file, rows_of_options
from modelbus.commands.tasks.job_plots import finish_with_plots, require_waiting
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import finish
from modelbus.commands.terminal.model_options import PlotFolder, Reference
from modelbus.commands.terminal.options import MoreFields, NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of


@asks_gateway
def explain(
    session: Session,
    model: Reference,
    row: Annotated[
        list[str] | None,
        typer.Option("--row", "-r", metavar="NAME=VALUE,...", help="Explain the prediction for a row, or JSON object."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", metavar="FILE", help="Explain up to ten rows of a file; - is standard input."),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            metavar="NAME",
            help="The rows to look at, or to compare with.",
            show_default="the training dataset",
            autocompletion=completion.datasets,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="importance or partial_dependence.",
            show_default="both",
            autocompletion=completion.words("importance", "partial_dependence"),
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            "-c",
            metavar="COLUMN",
            help="Partial dependence of this column; may be repeated.",
            show_default="the most important",
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Measure the importance by it.", show_default="by task")
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="For rows: explain the predicted class, or all.",
            show_default="predicted",
            autocompletion=completion.words("predicted", "all"),
        ),
    ] = None,
    plots: PlotFolder = None,
    option: MoreFields = None,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Explain a model, or with --row or --file its predictions.

    For a model: how important each column is, and how the prediction depends on the most important ones. For rows:
    what each column contributes to the prediction (Shapley values). docs/explanation.md describes both.

    For example:

    - `modelbus explain churn`

    - `modelbus explain churn@3 --dataset customers-2025 --column age --metric roc_auc --plots pictures`

    - `modelbus explain churn --row age=31,plan=basic`

    - `modelbus explain churn --file odd-customers.csv --outputs all`
    """
    of_model: dict[str, Any] = {"kinds": kind and [kind], "columns": column, "metric": metric}
    _check(row, file, {**of_model, "plots": plots}, outputs)
    require_waiting(plots, no_wait=no_wait)
    fields = settings_of(option, "--option")
    if row or file is not None:
        given_rows = rows_of_options(row or []) if file is None else rows_of_file(file)
        fields = ({} if outputs is None else {"outputs": outputs}) | fields
        asked = session.client.explain_prediction(model, given_rows.rows, dataset=dataset, **fields)
        finish(session, asked, timeout, no_wait=no_wait, show=lambda found: print_contributions(session.printer, found))
        return
    given = {**of_model, "dataset": dataset}
    job = session.client.explain(model, **({name: value for name, value in given.items() if value} | fields))
    finish_with_plots(
        session, job, timeout, plots, no_wait=no_wait, show=lambda found: print_explanation(session.printer, found)
    )


def _check(row: list[str] | None, file: str | None, of_model: dict[str, Any], outputs: str | None) -> None:
    """Refuse options that do not go together.

    Raises:
        BadParameter: They do not.
    """
    if row and file is not None:
        raise typer.BadParameter("give either --row or --file")
    is_of_rows = bool(row) or file is not None
    names = {"kinds": "--kind", "columns": "--column", "metric": "--metric", "plots": "--plots"}
    unfit = [names[name] for name, value in of_model.items() if value]
    if is_of_rows and unfit:
        raise typer.BadParameter(f"{' and '.join(unfit)} explain a model; leave out --row and --file")
    if not is_of_rows and outputs is not None:
        raise typer.BadParameter("--outputs goes with --row or --file", param_hint="--outputs")
