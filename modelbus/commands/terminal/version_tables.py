"""A version in tables and sentences: how good it is, how it was chosen, and how it did beside the champion."""

from collections.abc import Mapping
from typing import Any, Final

from modelbus.commands.metrics.constant_baselines import baselines_of_version
from modelbus.commands.metrics.headlines import headline_metrics
from modelbus.commands.terminal.metric_tables import MetricColumn, label_text, print_metric_table, rounded
from modelbus.commands.terminal.printing import Printer
from modelbus.shared.contracts import VersionRecord
from modelbus.shared.contracts.metric_names import is_higher_better
from modelbus.shared.contracts.records.model_records import Comparison, HeldOutRows
from modelbus.shared.plural import counted

_METHODS: Final = {
    "stratified": "stratified by class",
    "partly_stratified": "stratified by the classes that have enough rows",
    "random": "at random",
    "by_time": "the latest",
    "by_group": "whole groups",
    "dataset": "of another dataset",
}
_STOPS: Final = {
    "time_budget": "the time budget was used up; the best candidate so far was kept",
    "cancelled": "it was cancelled; the best candidate so far was kept",
}


def held_out_words(held_out: HeldOutRows | None) -> str | None:
    """How the hold-out was chosen, in words; None where the record does not say."""
    if held_out is None:
        return None
    groups = f" ({held_out.group_count:,})" if held_out.group_count is not None else ""
    return f"{held_out.row_count:,}, {_METHODS[held_out.method]}{groups}"


def class_facts(version: VersionRecord) -> dict[str, Any]:
    """The classes of a classifier, of two the positive one by name."""
    classes = version.signature.classes
    if version.signature.task != "classification" or not classes or len(classes) != 2:
        return {"classes": classes}
    return {"positive class": f"{label_text(classes[1])} (the other one: {label_text(classes[0])})"}


def choice_facts(version: VersionRecord, stopped_early: str | None = None) -> dict[str, Any]:
    """How rows were weighted, what a search or ``auto`` chose and why, the calibration and the threshold.

    Args:
        version: The version.
        stopped_early: Why the search ended early, where the record of the version does not say.
    """
    tuning = version.tuning
    found: dict[str, Any] = {}
    if tuning is not None:
        method = "auto" if tuning["method"] == "auto" else f"{tuning['method']} search"
        stopped = tuning.get("stopped_early", stopped_early)
        found = {
            "chosen by": f"{method}, {tuning['scoring']} on the folds",
            "best candidate": _best_words(version, tuning),
            "candidates": _counts_words(tuning),
            "stopped early": None if stopped is None else _STOPS.get(stopped, stopped),
        }
    specification = version.specification or {}
    return {
        "class weight": specification.get("class_weight"),
        "sample weight": specification.get("sample_weight"),
        **found,
        "calibration": None if version.calibration is None else _calibration_words(version.calibration),
        "threshold": None if version.threshold is None else _threshold_words(version.threshold),
    }


def print_metrics(printer: Printer, version: VersionRecord, *, is_all: bool = False) -> None:
    """Print the metrics on the hold-out beside the baseline and, with a cross-validation, beside the folds.

    Args:
        printer: Where to print.
        version: The version.
        is_all: Whether all metrics are printed; else the first five or six.
    """
    by = version.comparison.metric if version.comparison else None
    also = [(version.tuning or {}).get("scoring"), by, (version.threshold or {}).get("aim")]
    names = headline_metrics(version.signature.task, version.metrics, also)
    columns = [MetricColumn("baseline", baselines_of_version(version))]
    validated = version.cross_validation
    if validated is not None:
        folds = validated["folds"]
        figures = {name: _of_folds(found, folds) for name, found in validated["metrics"].items()}
        columns.append(MetricColumn(f"{counted(folds, 'fold')}: mean ± std", figures))
    print_metric_table(printer, "held out", version.metrics, names, columns, is_all=is_all)


def print_comparison(printer: Printer, comparison: Comparison | None) -> None:
    """Print how a version did beside the champion, and why the champion stayed, if it did."""
    if comparison is None:
        return
    if comparison.row_count:
        assert comparison.metric is not None  # rows are only compared by a metric
        less = " (less is better)" if is_higher_better(comparison.metric) is False else ""
        figures = [comparison.metric, rounded(comparison.own), rounded(comparison.champion)]
        headings = ("compared by", "this version", f"champion (version {comparison.champion_version})")
        printer.table(headings, [figures], empty="")
        rows = counted(comparison.row_count, "held-out row")
        printer.say(f"Measured on {rows} that neither version was trained on{less}.")
    printer.warn(comparison.warnings)
    if comparison.reason is not None:
        printer.say(f"The champion, version {comparison.champion_version}, was not replaced: {comparison.reason}.")


def _best_words(version: VersionRecord, tuning: Mapping[str, Any]) -> str:
    mean = "" if tuning.get("mean") is None else f", mean {tuning['mean']:.4g}"
    return f"number {tuning['best']} of {tuning['candidate_count']:,}: {version.estimator}{mean}"


def _counts_words(tuning: Mapping[str, Any]) -> str:
    failed = f", {tuning['failed_count']:,} failed" if tuning.get("failed_count") else ""
    measured = tuning.get("measured_count")
    measured_words = "" if measured is None else f", {measured:,} measured"
    return f"{tuning['candidate_count']:,} tried{measured_words}{failed}, in {tuning['elapsed_s']:.1f} s"


def _calibration_words(calibration: Mapping[str, Any]) -> str:
    folds = (calibration.get("cross_validation") or {}).get("folds")
    on_folds = "" if folds is None else f", on {counted(folds, 'fold')}"
    return f"{calibration['method']}{on_folds}"


def _threshold_words(threshold: Mapping[str, Any]) -> str:
    at_value, at_half = threshold["at_value"], threshold["at_half"]
    return f"{threshold['value']:.4g}: {threshold['aim']} is {at_value:.4g} there and {at_half:.4g} at 0.5"


def _of_folds(found: Mapping[str, Any], folds: int) -> str | None:
    if found["mean"] is None:
        return None
    count = found.get("count", sum(value is not None for value in found["values"]))
    some = "" if count == folds else f" ({count} of {counted(folds, 'fold')})"
    return f"{found['mean']:.4g} ± {found['standard_deviation']:.2g}{some}"
