"""``modelbus estimators``: list them, and show their hyperparameters."""

from typing import Annotated, Any

import typer

from modelbus.commands.terminal import completion
from modelbus.commands.terminal.printing import fact_text
from modelbus.commands.terminal.schema_words import allowed_values
from modelbus.commands.terminal.session import Session, asks_gateway

app = typer.Typer(name="estimators", help="Estimators and their hyperparameters.", no_args_is_help=True)

TASKS = "classification, regression, outlier_detection or clustering"


@app.command("list")
@asks_gateway
def list_estimators(
    session: Session,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help=f"Only for {TASKS}.",
            autocompletion=completion.words("classification", "regression", "outlier_detection", "clustering"),
        ),
    ] = None,
) -> None:
    """List the estimators.

    For example:

    - `modelbus estimators list --task regression`
    """
    chosen: Any = task
    found = session.client.estimators.list(chosen)
    rows = [[one.name, one.task, one.description] for one in found]
    empty = "No estimators: no trainer has reported its catalogue yet. Check with: modelbus status"
    session.printer.show(found, lambda: session.printer.table(("name", "task", "description"), rows, empty=empty))


@app.command()
@asks_gateway
def show(
    session: Session,
    name: Annotated[str, typer.Argument(help="The estimator.", autocompletion=completion.estimators)],
) -> None:
    """Show an estimator's hyperparameters; --json has their JSON Schema.

    For example:

    - `modelbus estimators show RandomForestClassifier`
    """
    record = session.client.estimators.get(name)
    properties = record.hyperparameters.get("properties", {})
    rows = [[one, allowed_values(schema), _default(schema)] for one, schema in properties.items()]

    def people() -> None:
        facts = {"estimator": record.name, "task": record.task, "description": record.description}
        session.printer.facts(facts)
        empty = "No hyperparameters to set."
        session.printer.table(("hyperparameter", "values", "default"), rows, empty=empty)

    session.printer.show(record, people)


def _default(schema: dict[str, Any]) -> Any:
    return fact_text(schema["default"]) if schema.get("default") is not None else None
