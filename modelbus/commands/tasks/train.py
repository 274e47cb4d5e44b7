"""``modelbus train``: train a model and say how good it is."""

from typing import Annotated, Any

import typer

from modelbus.client.typed_answers import TrainedVersion
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import finish
from modelbus.commands.terminal.options import MoreFields, NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.commands.terminal.version_tables import held_out_words, print_comparison, print_metrics
from modelbus.shared.contracts.records.results import CheckResult


@asks_gateway
def train(
    session: Session,
    dataset: Annotated[str, typer.Argument(help="The dataset.", autocompletion=completion.datasets)],
    target: Annotated[str | None, typer.Argument(help="The column to predict; none for outliers and clusters.")] = None,
    estimator: Annotated[
        str, typer.Option("--estimator", "-e", help="What to train.", autocompletion=completion.estimators)
    ] = ...,  # type: ignore[assignment]
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The model's name.", show_default="the dataset's")
    ] = None,
    hyperparameters: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="NAME=VALUE", help="A hyperparameter; 1 and 1.0 may differ."),
    ] = None,
    feature: Annotated[list[str] | None, typer.Option(help="Predict from this column; may be repeated.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Do not predict from this column.")] = None,
    free_text: Annotated[
        list[str] | None, typer.Option(help="Read this column of text by its words; may be repeated.")
    ] = None,
    categorical: Annotated[list[str] | None, typer.Option(help="Read this column of text as categories.")] = None,
    folds: Annotated[int | None, typer.Option(min=2, max=20, help="Measure by cross-validation too.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same model.")] = None,
    promote: Annotated[
        str | None,
        typer.Option(help="Move champion: if_comparable, if_better, always or never.", show_default="if_comparable"),
    ] = None,
    promote_metric: Annotated[str | None, typer.Option(help="What if_better compares by, such as roc_auc.")] = None,
    allow_target_change: Annotated[
        bool, typer.Option("--allow-target-change", help="Let the model predict another target than it does.")
    ] = False,
    tag: Annotated[list[str] | None, typer.Option(metavar="NAME=TEXT", help="Something to remember.")] = None,
    note: Annotated[str | None, typer.Option(help="More to remember, in words.")] = None,
    option: MoreFields = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what it would take.")] = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Train a model on a dataset.

    The version is measured on rows that are held out. What can be said of a training is in docs/training.md.

    For example:

    - `modelbus train shop price --estimator Ridge`

    - `modelbus train churn left -e RandomForestClassifier -s max_depth=3 -s max_features=0.5 --folds 5`

    - `modelbus train churn left -e LogisticRegression -o class_weight=balanced -o 'hold_out={"fraction": 0.3}'`

    - `modelbus train churn left -e RandomForestClassifier --promote if_better --promote-metric roc_auc`

    - `modelbus train sensors -e IsolationForest --model odd-ones --no-wait`
    """
    given = {
        "features": feature,
        "exclude": exclude,
        "free_text": free_text,
        "categorical": categorical,
        "seed": seed,
        "promote": promote,
        "promote_metric": promote_metric,
        "allow_target_change": allow_target_change or None,
        "note": note,
        "cross_validation": None if folds is None else {"folds": folds},
        "tags": {name: _text(value) for name, value in settings_of(tag, "--tag").items()} or None,
    }
    options = {name: value for name, value in given.items() if value is not None}
    options |= settings_of(option, "--option")
    values = settings_of(hyperparameters, "--set")
    asked: dict[str, Any] = {"estimator": estimator, "hyperparameters": values, **options}
    if check:
        found = session.client.check_training(model or dataset, dataset, target, **asked)
        session.printer.show(found, lambda: _print_check(session, found))
        return
    job = session.client.train(model or dataset, dataset, target, **asked)
    finish(session, job, timeout, no_wait=no_wait, show=lambda trained: print_training(session, trained))


def print_training(session: Session, trained: TrainedVersion) -> None:
    """Print what a training made."""
    version = trained.version
    facts = {
        "model": trained.reference,
        "champion": "yes" if trained.is_champion else "no",
        "estimator": version.estimator,
        "rows": f"{version.row_count:,}",
        "fitted in": f"{version.fit_s:.2f} s",
        "held out": held_out_words(version.held_out),
        "free text": ", ".join(f"{each.column} ({each.feature_count} features)" for each in version.free_text) or None,
        "job": version.correlation_id,
    }
    session.printer.facts(facts)
    print_metrics(session.printer, version)
    print_comparison(session.printer, trained.comparison)
    session.printer.warn(version.warnings)


def _print_check(session: Session, found: CheckResult) -> None:
    mebibytes = {"least": found.minimum_memory_bytes, "likely": found.expected_memory_bytes}
    facts = {
        "estimator": found.estimator,
        "task": found.task,
        "rows": f"{found.row_count:,} and {found.hold_out_row_count:,} held out",
        "features": found.features,
        "free text": ", ".join(found.free_text) or None,
        "classes": found.classes,
        "memory": ", ".join(f"{name} {size / 2**20:,.0f} MiB" for name, size in mebibytes.items()),
        "streamed": "yes" if found.streamed else "no",
    }
    session.printer.facts(facts)
    session.printer.warn(found.warnings)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
