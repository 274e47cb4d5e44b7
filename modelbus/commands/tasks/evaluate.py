"""``modelbus evaluate``: measure a model on a dataset."""

from typing import Annotated, Any

import typer

from modelbus.commands.tasks.evaluation_tables import print_evaluation
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import finish
from modelbus.commands.terminal.model_options import AllMetrics, Reference
from modelbus.commands.terminal.options import MoreFields, NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, json_or_text, settings_of


@asks_gateway
def evaluate(
    session: Session,
    model: Reference,
    dataset: Annotated[str, typer.Argument(help="A dataset that has the target.", autocompletion=completion.datasets)],
    evaluation: Annotated[
        str | None, typer.Option("--name", help="The evaluation's id.", show_default="its job's id")
    ] = None,
    slices: Annotated[
        list[str] | None, typer.Option("--slice", metavar="COLUMN", help="Measure by this column too; may be repeated.")
    ] = None,
    intervals: Annotated[bool, typer.Option("--intervals", help="Add 95 % intervals, by bootstrap.")] = False,
    best_threshold: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="Find the threshold with the best METRIC, such as f1; binary only."),
    ] = None,
    positive_class: Annotated[
        str | None, typer.Option(metavar="CLASS", help="The positive class, of two.", show_default="the second")
    ] = None,
    option: MoreFields = None,
    all_metrics: AllMetrics = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Measure a model on a dataset that has the target.

    For example:

    - `modelbus evaluate prices shop-2024`

    - `modelbus evaluate churn@3 customers --name churn-on-march --slice plan --intervals`

    - `modelbus evaluate churn customers --best-threshold f1 --all-metrics`
    """
    given: dict[str, Any] = {
        "evaluation": evaluation,
        "slices": slices,
        "intervals": {} if intervals else None,
        "best_threshold": None if best_threshold is None else {"metric": best_threshold},
        "positive_class": None if positive_class is None else json_or_text(positive_class),
    }
    fields = {name: value for name, value in given.items() if value is not None} | settings_of(option, "--option")
    job = session.client.evaluate(model, dataset, **fields)
    finish(
        session,
        job,
        timeout,
        no_wait=no_wait,
        show=lambda record: print_evaluation(session.printer, record, is_all=all_metrics),
    )
