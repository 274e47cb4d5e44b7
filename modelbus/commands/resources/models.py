"""``modelbus models``: list, show, versions, candidates, diff, alias, promote, tag, retrain, delete, artifact."""

from pathlib import Path
from typing import Annotated, Any

import typer

from modelbus.commands.metrics.headlines import headline_metrics
from modelbus.commands.resources.leaderboard import candidates
from modelbus.commands.resources.promotion import promote
from modelbus.commands.resources.retraining import retrain
from modelbus.commands.resources.version_diff import diff
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.model_options import AllMetrics, Reference
from modelbus.commands.terminal.options import Force
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.commands.terminal.version_tables import (
    choice_facts,
    class_facts,
    held_out_words,
    print_comparison,
    print_metrics,
)
from modelbus.shared.contracts import ModelRecord, VersionRecord
from modelbus.shared.plural import counted

app = typer.Typer(name="models", help="Models, their versions and aliases.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The model.", autocompletion=completion.models)]


@app.command("list")
@asks_gateway
def list_models(session: Session) -> None:
    """List all models.

    For example:

    - `modelbus models list`
    """
    found = session.client.models.list()
    rows = [[one.name, one.latest_version, len(one.versions), _aliases(one), one.created_at] for one in found]
    headings = ("name", "latest", "versions", "aliases", "created")
    empty = "No models yet. Train one: modelbus train DATASET TARGET --estimator NAME"
    session.printer.show(found, lambda: session.printer.table(headings, rows, empty=empty))


@app.command()
@asks_gateway
def show(session: Session, reference: Reference, all_metrics: AllMetrics = False) -> None:
    """Show one version: estimator, metrics, features, origin.

    For example:

    - `modelbus models show prices`

    - `modelbus models show prices@candidate --all-metrics`

    - `modelbus models show prices@2 --json`
    """
    version = session.client.models.version(reference)
    session.printer.show(version, lambda: _print_version(session, version, all_metrics))


@app.command()
@asks_gateway
def versions(session: Session, name: Name) -> None:
    """List a model's versions.

    For example:

    - `modelbus models versions prices`
    """
    model = session.client.models.get(name)
    found = session.client.models.versions(name)
    rows = [
        [one.version, _pointing(model, one.version), one.estimator, one.dataset, _first(one), one.created_at]
        for one in found
    ]
    headings = ("version", "aliases", "estimator", "dataset", "metric", "created")
    empty = f"Model {name} has no versions."
    session.printer.show(found, lambda: session.printer.table(headings, rows, empty=empty))


@app.command()
@asks_gateway
def alias(
    session: Session,
    name: Name,
    alias: Annotated[str, typer.Argument(help="The alias, such as champion.")],
    version: Annotated[int | None, typer.Argument(min=1, help="The version's number.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the alias.")] = False,
) -> None:
    """Point an alias at a version, or remove it.

    For example:

    - `modelbus models alias prices champion 2`

    - `modelbus models alias prices candidate --remove`
    """
    if remove == (version is not None):
        raise typer.BadParameter("give either a version or --remove")
    if version is None:
        session.client.models.remove_alias(name, alias)
        model = session.client.models.get(name)
    else:
        model = session.client.models.set_alias(name, alias, version)
    session.printer.show(model, lambda: session.printer.say(f"{name}: {_aliases(model) or 'no aliases'}"))


@app.command()
@asks_gateway
def tag(
    session: Session,
    reference: Reference,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=TEXT", help="Tags to set; NAME=null removes a tag.")
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="A new note.")] = None,
) -> None:
    """Change a version's tags and note.

    For example:

    - `modelbus models tag prices@2 team=risk reviewed=yes --note 'before the summer'`
    """
    changes = {
        name: value if value is None or isinstance(value, str) else str(value)
        for name, value in settings_of(tags, "TAGS").items()
    }
    version = session.client.models.tag(reference, changes, note=note)
    facts = {"model": f"{version.model}@{version.version}", "tags": version.tags, "note": version.note}
    session.printer.show(version, lambda: session.printer.facts(facts))


@app.command()
@asks_gateway
def artifact(
    session: Session,
    reference: Reference,
    path: Annotated[Path | None, typer.Argument(help="The file to write.", show_default="MODEL-VERSION.skops")] = None,
) -> None:
    """Save a version's artifact, a skops file.

    For example:

    - `modelbus models artifact prices@2`
    """
    version = session.client.models.version(reference)
    target = path or Path(f"{version.model}-{version.version}.skops")
    session.client.models.download_artifact(f"{version.model}@{version.version}", target)
    document = {"path": str(target), "sha256": version.artifact_sha256, "size_bytes": version.artifact_size_bytes}
    session.printer.show(document, lambda: session.printer.facts(document))


@app.command()
@asks_gateway
def delete(session: Session, reference: Reference, force: Force = False) -> None:
    """Delete one version, or a model with all its versions.

    For example:

    - `modelbus models delete prices@1`

    - `modelbus models delete prices --force`
    """
    if "@" in reference:
        session.client.models.delete_version(reference, force=force)
    elif not force:
        count = counted(len(session.client.models.get(reference).versions), "version")
        raise typer.BadParameter(f"{reference} has {count}; --force deletes the model with all of them")
    else:
        session.client.models.delete(reference)
    session.printer.show({"deleted": reference}, lambda: session.printer.say(f"deleted {reference}"))


def _aliases(model: ModelRecord) -> str:
    return ", ".join(f"{alias}@{number}" for alias, number in sorted(model.aliases.items()))


def _pointing(model: ModelRecord, version: int) -> str:
    return ", ".join(sorted(alias for alias, number in model.aliases.items() if number == version))


def _first(version: VersionRecord) -> str:
    """The first of the headline metrics."""
    names = headline_metrics(version.signature.task, version.metrics)
    return f"{names[0]} {version.metrics[names[0]]:.4g}" if names else ""


def _print_version(session: Session, version: VersionRecord, is_all: bool) -> None:
    facts: dict[str, Any] = {
        "model": f"{version.model}@{version.version}",
        "estimator": version.estimator,
        "hyperparameters": version.hyperparameters,
        **choice_facts(version),
        "task": version.signature.task,
        "target": version.signature.target,
        **class_facts(version),
        "dataset": version.dataset,
        "rows": f"{version.row_count:,}",
        "held out": held_out_words(version.held_out),
        "tags": version.tags,
        "note": version.note,
        "created": version.created_at,
        "job": version.correlation_id,
    }
    session.printer.facts(facts)
    print_metrics(session.printer, version, is_all=is_all)
    print_comparison(session.printer, version.comparison)
    columns = [[column.name, column.type] for column in version.signature.columns]
    session.printer.table(("feature", "type"), columns, empty="No features.")
    session.printer.warn(version.warnings)


app.command()(candidates)
app.command()(diff)
app.command()(promote)
app.command()(retrain)
