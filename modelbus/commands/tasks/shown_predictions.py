"""How predictions are printed and saved: a first page on a terminal, CSV in a pipe, a file in its own format."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from modelbus.client.typed_answers import Predictions
from modelbus.commands.terminal.printing import Printer
from modelbus.shared.contracts.commands.prediction import kept_names

PAGE: Final = 20
"""Rows that are shown on a terminal."""
_SHOWN_INPUTS: Final = 3
"""Columns of the input that are shown where none are kept."""
_REPORT: Final = {
    "coerced": "{rows} converted to the column's type",
    "unseen": "{rows} with values unseen in training",
    "missing": "{rows} without a value",
    "extra": "ignored in {rows}: not a feature of the model",
}


def print_predictions(
    printer: Printer, rows: Sequence[Mapping[str, Any]], found: Predictions, *, is_text: bool
) -> None:
    """Print predictions: the first page on a terminal, all of them as CSV elsewhere. Notes go to standard error there.

    Args:
        printer: Where to.
        rows: The rows that were sent.
        found: One prediction for each.
        is_text: Whether the rows came as text.
    """
    said = notes(found.report, found.warnings, is_text=is_text)
    if printer.width is None:
        write_csv(found, sys.stdout)
        for note in said:
            sys.stderr.write(f"note: {note}\n")
        return
    figures = {f"P({name})": values for name, values in _by_class(found, "probabilities", "").items()}
    figures |= _by_class(found, "scores", "score")
    kept = found.kept or {name: [row.get(name) for row in rows] for name in list(rows[0])[:_SHOWN_INPUTS]}
    before = kept if found.kept else {}
    after = {} if found.kept else kept
    titles = [*before, "prediction", *figures, *after]
    values = [*before.values(), found.predictions, *figures.values(), *after.values()]
    page = list(zip(*(column[:PAGE] for column in values), strict=True))
    printer.table(titles, page, empty="No rows.", optional=[*reversed(list(after))])
    if len(rows) > PAGE:
        printer.say(f"first {PAGE} of {len(rows):,} rows; --out FILE saves all of them")
    printer.warn(said)


def notes(report: Mapping[str, Mapping[str, int]], warnings: Sequence[str] = (), *, is_text: bool = False) -> list[str]:
    """What had to be done to the rows, one sentence for each column.

    Args:
        report: Rows by incident and column.
        warnings: What the predictor says of them; a column with many unseen values is not mentioned twice.
        is_text: Whether the rows came as text, which always has to be converted.
    """
    said = [
        f"{column!r}: {_REPORT.get(incident, incident + ' in {rows}').format(rows=_rows(count))}"
        for incident, columns in report.items()
        for column, count in columns.items()
        if not (incident == "coerced" and is_text)
        and not (incident == "unseen" and any(repr(column) in warning for warning in warnings))
    ]
    return [*said, *warnings]


def save_predictions(found: Predictions, path: Path) -> None:
    """Save predictions as CSV, JSON lines or Parquet, as the file's name says."""
    kind = path.suffix.lower()
    if kind == ".parquet":
        found.to_frame().to_parquet(path)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if kind in (".jsonl", ".ndjson"):
            names, columns = _table(found)
            for row in zip(*columns, strict=True):
                file.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n")
        else:
            write_csv(found, file)


def write_csv(found: Predictions, file: TextIO) -> None:
    """Write predictions as CSV: ``row``, kept columns, ``prediction``, probabilities and scores."""
    names, columns = _table(found)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["row", *names])
    for number, row in enumerate(zip(*columns, strict=True)):
        writer.writerow([number, *(_csv_cell(cell) for cell in row)])


def _table(found: Predictions) -> tuple[list[str], list[Sequence[Any]]]:
    """The names and the values of the columns, as ``Predictions.to_frame`` has them."""
    own: dict[str, Sequence[Any]] = {"prediction": found.predictions}
    own |= {f"probability_{name}": values for name, values in _by_class(found, "probabilities", "").items()}
    own |= _by_class(found, "scores", "score")
    kept = found.kept or {}
    names = kept_names(list(kept), own)
    return [*names.values(), *own], [*kept.values(), *own.values()]


def _by_class(found: Predictions, field: str, single: str) -> dict[str, Sequence[Any]]:
    """The figures of a field by class, or under one name where each row has one figure."""
    figures = getattr(found, field)
    if not figures:
        return {}
    if not isinstance(figures[0], list):
        return {single: figures}
    prefix = f"{single}_" if single else ""
    labels = [f"{prefix}{label}" for label in found.classes or []]
    return dict(zip(labels, zip(*figures, strict=True), strict=True))


def _csv_cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
