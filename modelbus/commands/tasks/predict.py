"""``modelbus predict``: for rows of the command line or of a file, and for whole datasets."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from modelbus.client.typed_answers import Predictions
from modelbus.commands.tasks.given_rows import GivenRows, rows_of_file, rows_of_options
from modelbus.commands.tasks.shown_predictions import notes, print_predictions, save_predictions
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import result_of, started
from modelbus.commands.terminal.names import names_of
from modelbus.commands.terminal.options import NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway
from modelbus.extras import require
from modelbus.shared.errors import LimitExceeded

_WAIT_S: Final = 60.0


@asks_gateway
def predict(
    session: Session,
    model: Annotated[str, typer.Argument(help="name, name@alias or name@3.", autocompletion=completion.models)],
    row: Annotated[
        list[str] | None,
        typer.Option("--row", "-r", metavar="NAME=VALUE,...", help="A row, or a JSON object; may be repeated."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", help="A file of rows: CSV, TSV, JSON or JSON lines; - reads standard input."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Every row of a dataset.", autocompletion=completion.datasets)
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", "-k", metavar="COLUMN,...", help="Input columns to return with the predictions."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-O", help="Save as CSV, JSON lines or Parquet.")] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Add the probability of each class.")] = False,
    scores: Annotated[bool, typer.Option("--scores", help="Add decision or anomaly scores.")] = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Predict for rows, a file or a dataset.

    A terminal shows the first rows as a table; a pipe gets all of them as CSV.

    For example:

    - `modelbus predict prices --row size=2.0,color=red --row size=3.5,color=blue`

    - `modelbus predict prices@3 --file new.csv --keep order_id --out predicted.csv`

    - `modelbus predict churn@champion --dataset customers --out churn.parquet --probabilities`

    - `cat new.csv | modelbus predict prices --file - --keep order_id`
    """
    if sum(given is not None for given in (row or None, file, dataset)) != 1:
        raise typer.BadParameter("give one of --row, --file and --dataset")
    wanted: dict[str, Any] = {
        "has_probabilities": probabilities,
        "has_scores": scores,
        "keep": names_of(keep, "--keep"),
    }
    if dataset is not None:
        _predict_dataset(session, model, dataset, wanted, out, timeout, no_wait=no_wait)
        return
    if no_wait:
        raise typer.BadParameter("rows are answered at once; --no-wait is for --dataset", param_hint="--no-wait")
    if out is not None and out.suffix.lower() == ".parquet":
        require("frames", "--out with Parquet")  # before anything is sent
    given = rows_of_options(row or []) if file is None else rows_of_file(file)
    found = _predict_rows(session, model, given, wanted, timeout)
    if out is not None:
        save_predictions(found, out)
    session.printer.show(found, lambda: _print_rows(session, given, found, out))


def _predict_rows(
    session: Session, model: str, given: GivenRows, wanted: dict[str, Any], timeout: float | None
) -> Predictions:
    try:
        return session.client.predict(model, given.rows, timeout_s=_WAIT_S if timeout is None else timeout, **wanted)
    except LimitExceeded as error:
        error.add_note(
            "Many rows are predicted as a dataset: modelbus datasets upload FILE --name NAME, "
            f"then modelbus predict {model} --dataset NAME"
        )
        raise


def _print_rows(session: Session, given: GivenRows, found: Predictions, out: Path | None) -> None:
    if out is None:
        print_predictions(session.printer, given.rows, found, is_text=given.is_text)
        return
    session.printer.say(f"{out}: {len(found):,} predictions of {found.model}@{found.version}")
    session.printer.warn(notes(found.report, found.warnings, is_text=given.is_text))


def _predict_dataset(
    session: Session,
    model: str,
    dataset: str,
    wanted: dict[str, Any],
    out: Path | None,
    timeout: float | None,
    *,
    no_wait: bool,
) -> None:
    if no_wait and out is not None:
        raise typer.BadParameter("--out needs the predictions, for which --no-wait does not wait", param_hint="--out")
    job = session.client.predict_dataset(model, dataset, **wanted)
    if no_wait:
        started(session, job)
        return
    table = result_of(session, job, timeout)
    path = table.download(out) if out else None
    document = {**table.told.model_dump(mode="json"), "path": path and str(path)}
    session.printer.show(document, lambda: _print_table(session, document))


def _print_table(session: Session, document: dict[str, Any]) -> None:
    facts = {
        "model": f"{document['model']}@{document['version']}",
        "dataset": document["dataset"],
        "rows": f"{document['row_count']:,}",
        "saved to": document["path"],
        "job": document["correlation_id"],
    }
    session.printer.facts(facts)
    session.printer.warn(notes(document["report"], document.get("warnings") or ()))
