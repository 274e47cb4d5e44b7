"""How good a version is, as tables: on the hold-out, by cross-validation, and beside the champion."""

from typing import Any, Final

from modelbus.commands.terminal.printing import Printer
from modelbus.shared.contracts import VersionRecord
from modelbus.shared.contracts.records.model_records import Comparison, HeldOutRows

_METHODS: Final = {
    "stratified": "stratified by class",
    "partly_stratified": "stratified by those classes that have rows enough",
    "random": "at random",
    "by_time": "the latest",
    "by_group": "whole groups",
    "dataset": "of another dataset",
}


def held_out_words(held_out: HeldOutRows | None) -> str | None:
    """How the rows to measure on were held out, in words; None where nobody kept it."""
    if held_out is None:
        return None
    groups = f" ({held_out.group_count:,} of them)" if held_out.group_count is not None else ""
    return f"{held_out.row_count:,}, {_METHODS[held_out.method]}{groups}"


def print_metrics(printer: Printer, version: VersionRecord) -> None:
    """Print the metrics on the hold-out and, where there was a cross-validation, their means over the folds."""
    validated = version.cross_validation
    if validated is None:
        printer.table(("metric", "on held-out rows"), list(version.metrics.items()), empty="No metrics.")
        return
    folds = validated["folds"]
    rows = [[name, value, *_of_folds(validated["metrics"].get(name), folds)] for name, value in version.metrics.items()]
    printer.table(("metric", "on held-out rows", "mean of the folds", "deviation", "folds"), rows, empty="No metrics.")


def _of_folds(found: dict[str, Any] | None, folds: int) -> list[Any]:
    if found is None:
        return [None, None, None]
    count = found.get("count", sum(value is not None for value in found["values"]))
    return [found["mean"], found["standard_deviation"], f"{count} of {folds}"]


def print_comparison(printer: Printer, comparison: Comparison | None) -> None:
    """Print how a version did beside the champion, and why that stayed, if it did."""
    if comparison is None:
        return
    champion = f"champion (version {comparison.champion_version})"
    if comparison.row_count:
        figures = [comparison.metric, comparison.own, comparison.champion, comparison.row_count]
        printer.table(
            ("compared by", "this version", champion, "rows that neither was trained on"), [figures], empty=""
        )
    if comparison.reason is not None:
        printer.say(f"The champion, version {comparison.champion_version}, was not replaced: {comparison.reason}.")
