"""``modelbus train``: train a model and say how good it is."""

from typing import Annotated, Any

import typer

from modelbus.client.typed_answers import TrainedVersion
from modelbus.commands.tasks.tuning_options import (
    Calibrate,
    Candidates,
    Scoring,
    SearchMethod,
    Space,
    TimeBudget,
    TuneThreshold,
    tuning_fields,
)
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import finish
from modelbus.commands.terminal.model_options import AllMetrics, Promote, PromoteMetric
from modelbus.commands.terminal.options import MoreFields, NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.commands.terminal.version_tables import (
    choice_facts,
    class_facts,
    held_out_words,
    print_comparison,
    print_metrics,
)
from modelbus.shared.contracts.records.results import CheckResult


@asks_gateway
def train(
    session: Session,
    dataset: Annotated[str, typer.Argument(help="The dataset.", autocompletion=completion.datasets)],
    target: Annotated[
        str | None, typer.Argument(help="The column to predict; none for outlier detection and clustering.")
    ] = None,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator", "-e", metavar="NAME", help="An estimator, or auto.", autocompletion=completion.estimators
        ),
    ] = ...,  # type: ignore[assignment]
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME", help="The model's name.", show_default="the dataset's"),
    ] = None,
    hyperparameters: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="NAME=VALUE", help="A hyperparameter; 1 and 1.0 may differ."),
    ] = None,
    feature: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Predict from this column only; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Leave this column out; may be repeated.")
    ] = None,
    free_text: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Read this text column word by word; may be repeated.")
    ] = None,
    categorical: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Read this text column as categories; may be repeated.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, max=20, metavar="N", help="Cross-validate too, on this many folds.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, metavar="N", help="The same seed gives the same model.")] = None,
    search: SearchMethod = None,
    space: Space = None,
    candidates: Candidates = None,
    scoring: Scoring = None,
    time_budget: TimeBudget = None,
    calibrate: Calibrate = None,
    tune_threshold: TuneThreshold = None,
    promote: Promote = None,
    promote_metric: PromoteMetric = None,
    allow_target_change: Annotated[
        bool, typer.Option("--allow-target-change", help="Let the model change its target or task.")
    ] = False,
    tag: Annotated[list[str] | None, typer.Option(metavar="NAME=TEXT", help="A tag; may be repeated.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="A note to keep with the version.")] = None,
    option: MoreFields = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the training and estimate its memory; train nothing.")
    ] = False,
    all_metrics: AllMetrics = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Train a model on a dataset.

    The new version is measured on held-out rows. docs/training.md describes every field of a training.

    For example:

    - `modelbus train shop price --estimator Ridge`

    - `modelbus train churn left -e RandomForestClassifier -s max_depth=3 -s max_features=0.5 --folds 5`

    - `modelbus train churn left -e LogisticRegression -o class_weight=balanced -o 'hold_out={"fraction": 0.3}'`

    - `modelbus train churn left -e auto --time-budget 120 --scoring roc_auc`

    - `modelbus train churn left -e SVC --search random --space C=log_uniform:0.01:10 --candidates 12`

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
        "tags": {name: str(value) for name, value in settings_of(tag, "--tag").items()} or None,
        "calibration": None if calibrate is None else {"method": calibrate},
        "threshold": None if tune_threshold is None else {"scoring": tune_threshold},
        **tuning_fields(estimator, search, space, candidates, scoring, time_budget),
    }
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    fields |= settings_of(option, "--option")
    fields |= {"estimator": estimator, "hyperparameters": settings_of(hyperparameters, "--set")}
    if check:
        found = session.client.check_training(model or dataset, dataset, target, **fields)
        session.printer.show(found, lambda: _print_check(session, found))
        return
    job = session.client.train(model or dataset, dataset, target, **fields)
    finish(
        session,
        job,
        timeout,
        no_wait=no_wait,
        show=lambda trained: print_training(session, trained, is_all=all_metrics),
    )


def print_training(session: Session, trained: TrainedVersion, *, is_all: bool = False) -> None:
    """Print the version that a training made.

    Args:
        session: Where to print.
        trained: What the training made.
        is_all: Whether all metrics are printed.
    """
    version = trained.version
    facts = {
        "model": trained.reference,
        "champion": "yes" if trained.is_champion else "no",
        "estimator": version.estimator,
        "hyperparameters": version.hyperparameters,
        **choice_facts(version, trained.stopped_early),
        **class_facts(version),
        "rows": f"{version.row_count:,}",
        "fitted in": f"{version.fit_s:.2f} s",
        "held out": held_out_words(version.held_out),
        "free text": ", ".join(f"{each.column} ({each.feature_count} features)" for each in version.free_text) or None,
        "job": version.correlation_id,
    }
    session.printer.facts(facts)
    print_metrics(session.printer, version, is_all=is_all)
    print_comparison(session.printer, trained.comparison)
    session.printer.warn(version.warnings)


def _print_check(session: Session, found: CheckResult) -> None:
    sizes = {"at least": found.minimum_memory_bytes, "likely": found.expected_memory_bytes}
    sizes["of"] = found.memory_limit_bytes
    facts = {
        "estimator": found.estimator,
        "task": found.task,
        "candidates": found.candidate_count,
        "rows": f"{found.row_count:,} to fit on, {found.hold_out_row_count:,} held out",
        "features": found.features,
        "free text": ", ".join(found.free_text) or None,
        "classes": found.classes,
        "memory": ", ".join(f"{name} {size / 2**20:,.0f} MiB" for name, size in sizes.items()),
        "streamed": "yes" if found.streamed else "no",
    }
    session.printer.facts(facts)
    session.printer.warn(found.warnings)
