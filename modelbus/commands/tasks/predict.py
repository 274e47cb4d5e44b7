"""``modelbus predict``: for rows of the command line or of a file, and for whole datasets."""

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from modelbus.client.typed_answers import Predictions
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import result_of, started
from modelbus.commands.terminal.options import NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.extras import require


@asks_gateway
def predict(
    session: Session,
    model: Annotated[str, typer.Argument(help="name, name@alias or name@3.", autocompletion=completion.models)],
    row: Annotated[
        list[str] | None,
        typer.Option("--row", "-r", metavar="NAME=VALUE,...", help="A row; may be repeated. JSON objects too."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", help="Rows: CSV, JSON or JSON lines; - is standard input (JSON).")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="All rows of this one.", autocompletion=completion.datasets)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-O", help="Save as CSV, JSON lines or Parquet.")] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Also of each class.")] = False,
    scores: Annotated[bool, typer.Option("--scores", help="Also decision or anomaly scores.")] = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Predict, by one of --row, --file and --dataset.

    For example:

    - `modelbus predict prices --row size=2.0,color=red --row size=3.5,color=blue`

    - `modelbus predict prices@3 --file new.csv --out predicted.csv`

    - `modelbus predict churn@champion --dataset customers --out churn.parquet --probabilities`

    - `echo '[{"size": 2.0, "color": "red"}]' | modelbus predict prices --file - --json`
    """
    if sum(given is not None for given in (row or None, file, dataset)) != 1:
        raise typer.BadParameter("give one of --row, --file and --dataset")
    asked = {"has_probabilities": probabilities, "has_scores": scores}
    if dataset is not None:
        job = session.client.predict_dataset(model, dataset, **asked)
        if no_wait:
            started(session, job)
            return
        table = result_of(session, job, timeout)
        path = table.download(out) if out else None
        told = {**table.told.model_dump(mode="json"), "path": path and str(path)}
        session.printer.show(told, lambda: _print_table(session, told))
        return
    rows = _rows_of_options(row or []) if file is None else _rows_of_file(file)
    if out is not None:
        require("frames", "--out")  # before anything is asked
    found = session.client.predict(model, rows, **asked)
    if out is not None:
        _save(found, out)
    session.printer.show(found, lambda: _print_predictions(session, rows, found, out))


def _rows_of_options(given: Iterable[str]) -> list[dict[str, Any]]:
    return [_row_of_option(text) for text in given]


def _row_of_option(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        return _objects(text, "--row")[0]
    # csv, so that a value in quotes may have a comma
    return settings_of(next(csv.reader([text])), "--row")


def _rows_of_file(name: str) -> list[dict[str, Any]]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{name} cannot be read: {error}", param_hint="--file") from error
    if name.lower().endswith((".csv", ".tsv")):
        delimiter = "\t" if name.lower().endswith(".tsv") else ","
        return [
            {column: value or None for column, value in row.items()}
            for row in csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter)
        ]
    return _objects(text, "--file")


def _objects(text: str, option: str) -> list[dict[str, Any]]:
    """JSON objects: one, a list of them, or one a line."""
    try:
        document = json.loads(text)
    except ValueError:
        try:
            document = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise typer.BadParameter(f"no JSON: {error}", param_hint=option) from None
    rows = document if isinstance(document, list) else [document]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise typer.BadParameter("expected are JSON objects, from column to value", param_hint=option)
    return rows


def _save(found: Predictions, path: Path) -> None:
    frame = found.to_frame()
    kind = path.suffix.lower()
    if kind == ".parquet":
        frame.to_parquet(path)
    elif kind in (".jsonl", ".ndjson"):
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index_label="row")


def _print_predictions(session: Session, rows: list[dict[str, Any]], found: Predictions, out: Path | None) -> None:
    if out is not None:
        session.printer.say(f"{out}: {len(found)} predictions of {found.model}@{found.version}")
        return
    names = [f"P({label})" for label in found.classes or []] if found.probabilities else []
    shown = list(rows[0])[:3]
    table = [
        [
            prediction,
            *([] if found.probabilities is None else found.probabilities[place]),
            *([] if found.scores is None else [found.scores[place]]),
            *(row.get(name) for name in shown),
        ]
        for place, (row, prediction) in enumerate(zip(rows, found.predictions, strict=True))
    ]
    headings = ("prediction", *names, *([] if found.scores is None else ["score"]), *shown)
    session.printer.table(headings, table, empty="No rows.")
    _print_report(session, found.report)


def _print_table(session: Session, told: dict[str, Any]) -> None:
    facts = {
        "model": f"{told['model']}@{told['version']}",
        "dataset": told["dataset"],
        "rows": f"{told['row_count']:,}",
        "saved to": told["path"],
        "job": told["correlation_id"],
    }
    session.printer.facts(facts)
    _print_report(session, told["report"])


def _print_report(session: Session, report: dict[str, dict[str, int]]) -> None:
    words = {"coerced": "had to be cast", "unseen": "was never seen", "missing": "is missing", "extra": "was ignored"}
    session.printer.warn(
        f"column {column!r} {words.get(incident, incident)} in {count} row(s)"
        for incident, columns in report.items()
        for column, count in columns.items()
    )
