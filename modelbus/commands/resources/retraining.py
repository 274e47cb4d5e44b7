"""``modelbus models retrain``: train a version again, with changes."""

from typing import Annotated, Any

import typer

from modelbus.commands.tasks.train import print_training
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import finish
from modelbus.commands.terminal.model_options import AllMetrics, Promote, PromoteMetric, Reference
from modelbus.commands.terminal.options import MoreFields, NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of


@asks_gateway
def retrain(
    session: Session,
    reference: Reference,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            metavar="NAME",
            help="The dataset.",
            show_default="the version's own",
            autocompletion=completion.datasets,
        ),
    ] = None,
    hyperparameters: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="NAME=VALUE", help="Change a hyperparameter; may be repeated."),
    ] = None,
    promote: Promote = None,
    promote_metric: PromoteMetric = None,
    option: MoreFields = None,
    all_metrics: AllMetrics = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Train a version again, with changes. A search or auto is repeated, unless -o tuning=reuse.

    For example:

    - `modelbus models retrain prices --dataset shop-2025`

    - `modelbus models retrain prices@1 --set alpha=2.0 --promote never`

    - `modelbus models retrain churn -d customers-2025 -o tuning=reuse`
    """
    given: dict[str, Any] = {
        "dataset": dataset,
        "promote": promote,
        "promote_metric": promote_metric,
        "hyperparameters": settings_of(hyperparameters, "--set") or None,
    }
    changes = {name: value for name, value in given.items() if value is not None} | settings_of(option, "--option")
    job = session.client.models.retrain(reference, **changes)
    finish(
        session,
        job,
        timeout,
        no_wait=no_wait,
        show=lambda trained: print_training(session, trained, is_all=all_metrics),
    )
