"""An evaluation in tables and sentences: headline metrics, classes, slices and threshold; never its whole record."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from modelbus.commands.metrics.constant_baselines import baselines_of_evaluation
from modelbus.commands.metrics.headlines import headline_metrics
from modelbus.commands.tasks.shown_predictions import notes
from modelbus.commands.terminal.metric_tables import MetricColumn, label_text, print_metric_table, rounded
from modelbus.commands.terminal.printing import Printer, cell_text
from modelbus.shared.contracts import EvaluationRecord
from modelbus.shared.plural import counted

CLASS_LIMIT: Final = 10
"""Classes that the confusion matrix and the table of classes may have on a terminal."""
SLICE_LIMIT: Final = 10
"""Slices of one column that are printed without ``--all-metrics``."""
_SLICE_METRIC_LIMIT: Final = 3
_CLASS_FIGURES: Final = ("support", "precision", "recall", "f1")


def evaluated(record: EvaluationRecord) -> str:
    """What was measured: ``churn@3``, or the predictions of a dataset."""
    return "predictions of the dataset" if record.model is None else f"{record.model}@{record.version}"


def print_evaluation(printer: Printer, record: EvaluationRecord, *, is_all: bool = False) -> None:
    """Print an evaluation.

    Args:
        printer: Where to print.
        record: The evaluation; without metrics, its status is printed instead.
        is_all: Whether all metrics, classes and slices are printed.
    """
    printer.facts(_facts(record))
    if record.metrics is None:
        printer.say(f"No metrics: the evaluation's job is {record.status}.")
        return
    _print_metrics(printer, record, is_all)
    _print_confusion(printer, record, is_all)
    _print_classes(printer, record, is_all)
    printer.facts({"best threshold": _threshold_words(record), "residuals": _rounded_all(record.residuals)})
    for column in record.slices or []:
        _print_slices(printer, record, column, is_all)
    printer.warn([*record.warnings, *notes(_notable(record.report or {}))])
    if record.plots:
        printer.say(f"{counted(len(record.plots), 'plot')}. Save with: modelbus plots {record.id}")


def _facts(record: EvaluationRecord) -> dict[str, Any]:
    dropped = [f"{count:,} without {name}" for name, count in record.dropped.items() if count]
    if not dropped and record.dropped_row_count:
        dropped = [f"{record.dropped_row_count:,} without target"]
    return {
        "evaluation": record.id,
        "model": evaluated(record),
        "dataset": record.dataset,
        "rows": None if record.row_count is None else f"{record.row_count:,}",
        "left out": ", ".join(dropped) or None,
        "positive class": None if record.positive_class is None else label_text(record.positive_class),
        "error": record.error and record.error.message,
        "job": record.correlation_id,
    }


def _print_metrics(printer: Printer, record: EvaluationRecord, is_all: bool) -> None:
    metrics = record.metrics or {}
    chosen_by = (record.options.get("best_threshold") or {}).get("metric")
    names = headline_metrics(record.task, metrics, [chosen_by])
    columns = [MetricColumn("baseline", baselines_of_evaluation(record))]
    if record.intervals:
        confidence = (record.options.get("intervals") or {}).get("confidence", 0.95)
        ranges = {name: _range(interval) for name, interval in record.intervals.items()}
        columns.append(MetricColumn(f"{confidence * 100:.4g} % interval", ranges))
    print_metric_table(printer, "value", metrics, names, columns, is_all=is_all)


def _range(interval: Mapping[str, Any]) -> str | None:
    low, high = interval.get("low"), interval.get("high")
    return None if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _print_confusion(printer: Printer, record: EvaluationRecord, is_all: bool) -> None:
    confusion = record.confusion
    if not confusion:
        return
    labels = confusion["labels"]
    if len(labels) > CLASS_LIMIT and not is_all:
        printer.say(f"The confusion matrix has {counted(len(labels), 'class', 'classes')}: --all-metrics, or --json.")
        return
    headings = ("true \\ predicted", *(cell_text(label) for label in labels))
    rows = [[label_text(label), *counts] for label, counts in zip(labels, confusion["counts"], strict=True)]
    printer.table(headings, rows, empty="No rows.")


def _print_classes(printer: Printer, record: EvaluationRecord, is_all: bool) -> None:
    """Print each class, of more than two; of two classes, the metrics tell the same."""
    found = record.per_class or []
    if len(found) < 3 and not is_all:
        return
    shown = found if is_all else sorted(found, key=lambda one: one.get("f1") or 0.0)[:CLASS_LIMIT]
    rows = [[label_text(one["label"]), *(rounded(one.get(name)) for name in _CLASS_FIGURES)] for one in shown]
    printer.table(("class", *_CLASS_FIGURES), rows, empty="No classes.")
    if len(shown) < len(found):
        printer.say(f"The {len(shown)} classes with the lowest f1 of {len(found):,}; --all-metrics shows all.")


def _threshold_words(record: EvaluationRecord) -> str | None:
    found = record.best_threshold
    if not found:
        return None
    metric = found.get("metric")
    aim = f"{metric} is highest, {found[metric]:.4g}" if metric in found else "errors cost least"
    figures = [f"{name} {found[name]:.4g}" for name in ("precision", "recall") if found.get(name) is not None]
    return f"{found['threshold']:.4g}: {'; '.join([aim, *figures])}"


def _print_slices(printer: Printer, record: EvaluationRecord, column: Mapping[str, Any], is_all: bool) -> None:
    slices: Sequence[Mapping[str, Any]] = column["slices"]
    names = headline_metrics(record.task, record.metrics or {})[:_SLICE_METRIC_LIMIT]
    shown = slices if is_all else slices[:SLICE_LIMIT]
    rows = [
        [_slice_words(one), one["row_count"], *(rounded(one["metrics"].get(name)) for name in names)] for one in shown
    ]
    printer.table((f"slice by {column['column']}", "rows", *names), rows, empty="No slices.")
    if len(shown) < len(slices):
        printer.say(f"{counted(len(slices) - len(shown), 'more slice')}: --all-metrics")


def _slice_words(one: Mapping[str, Any]) -> str:
    if "low" in one:
        return f"{cell_text(one['low'])} to {cell_text(one['high'])}"
    return "(missing)" if one.get("value") is None else label_text(one["value"])


def _notable(report: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    """What was unusual about the rows; missing values and further columns are not."""
    return {incident: columns for incident, columns in report.items() if incident in ("coerced", "unseen")}


def _rounded_all(figures: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if figures is None else {name: rounded(value) for name, value in figures.items()}
