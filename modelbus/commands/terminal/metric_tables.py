"""The table of metrics that ``train``, ``evaluate`` and ``show`` print: few rows, unless all are wanted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelbus.commands.terminal.printing import Printer, cell_text
from modelbus.shared.plural import counted

ALL_METRICS = "--all-metrics"


@dataclass(frozen=True)
class MetricColumn:
    """One column next to the values."""

    heading: str
    cells: Mapping[str, Any]
    """By metric; a metric that is not in it has an empty cell."""


def print_metric_table(
    printer: Printer,
    heading: str,
    metrics: Mapping[str, float | None],
    names: Sequence[str],
    columns: Sequence[MetricColumn],
    *,
    is_all: bool,
) -> None:
    """Print metrics beside further figures, and how many are left out.

    Args:
        printer: Where to print.
        heading: What the values are of.
        metrics: All metrics; null where one is not defined.
        names: Those that come first, which are all that is printed unless all are wanted.
        columns: What to print beside the values; a column without any cell is left out.
        is_all: Whether all metrics are printed.
    """
    defined = [name for name, value in metrics.items() if value is not None]
    shown = list(dict.fromkeys([*names, *defined])) if is_all else list(names)
    beside = [column for column in columns if any(column.cells.get(name) is not None for name in shown)]
    rows = [[name, rounded(metrics[name]), *(rounded(column.cells.get(name)) for column in beside)] for name in shown]
    printer.table(("metric", heading, *(column.heading for column in beside)), rows, empty="No metrics.")
    if any(column.heading == "baseline" for column in beside):
        printer.say("baseline: the best constant prediction on the same rows")
    left_out = len(defined) - len(shown)
    if left_out > 0:
        printer.say(f"{ALL_METRICS} shows {counted(left_out, 'more metric')}.")
    undefined = [name for name, value in metrics.items() if value is None]
    if is_all and undefined:
        printer.say(f"Not defined for these rows: {', '.join(undefined)}.")


def rounded(value: Any) -> Any:
    """A number with four significant digits; what is none stays as it is."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def label_text(label: Any) -> str:
    """A class as it is written in its table: text as it is, anything else as JSON."""
    return cell_text(label if isinstance(label, str) else json.dumps(label))
