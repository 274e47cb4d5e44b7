"""``modelbus evaluate``: measure a model on a dataset."""

from typing import Annotated

import typer

from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import finish
from modelbus.commands.terminal.options import MoreFields, NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.shared.contracts import EvaluationRecord


@asks_gateway
def evaluate(
    session: Session,
    model: Annotated[str, typer.Argument(help="name, name@alias or name@3.", autocompletion=completion.models)],
    dataset: Annotated[str, typer.Argument(help="A dataset that has the target.", autocompletion=completion.datasets)],
    evaluation: Annotated[str | None, typer.Option("--name", help="The id of the record.")] = None,
    option: MoreFields = None,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Measure a model on a dataset that has the target.

    For example:

    - `modelbus evaluate prices shop-2024`

    - `modelbus evaluate churn@3 customers --name churn-on-march`
    """
    options = settings_of(option, "--option") | ({} if evaluation is None else {"evaluation": evaluation})
    job = session.client.evaluate(model, dataset, **options)
    finish(session, job, timeout, no_wait=no_wait, show=lambda record: _print_evaluation(session, record))


def _print_evaluation(session: Session, record: EvaluationRecord) -> None:
    facts = {
        "evaluation": record.id,
        "model": f"{record.model}@{record.version}",
        "dataset": record.dataset,
        "rows": record.row_count,
        "left out": f"{record.dropped_row_count} without target" if record.dropped_row_count else None,
    }
    session.printer.facts(facts)
    session.printer.table(("metric", "value"), list((record.metrics or {}).items()), empty="No metrics.")
    confusion = record.confusion or {}
    if confusion:
        headings = ("true \\ predicted", *map(str, confusion["labels"]))
        rows = [[label, *counts] for label, counts in zip(confusion["labels"], confusion["counts"], strict=True)]
        session.printer.table(headings, rows, empty="No rows.")
