"""How a dataset is shown: its facts, and its columns with their statistics."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from modelbus.commands.terminal.printing import Printer, cell_text
from modelbus.shared.contracts import DatasetRecord
from modelbus.shared.contracts.records.dataset_records import ColumnSchema

_TOP: Final = 3
"""Most frequent values that are shown."""
_BARS: Final = "▁▂▃▄▅▆▇█"
_ASCII_BARS: Final = "_.-:=+*#"
_BAR_LIMIT: Final = 20
_DAY_S: Final = 86_400
_HEADINGS: Final = (
    "column",
    "type",
    "missing",
    "distinct",
    "minimum",
    "mean",
    "maximum",
    "standard deviation",
    "histogram",
    "top values",
)
_BELOW: Final = ("standard deviation", "histogram", "top values")


def print_dataset(printer: Printer, record: DatasetRecord) -> None:
    """Print a dataset with its columns, warnings and alerts."""
    facts = {
        "dataset": record.name,
        "rows": f"{record.row_count:,}",
        "format": record.format,
        "encoding": record.encoding,
        "target": record.target,
        "skipped rows": record.skipped_row_count or None,
        "created": record.created_at,
        "job": record.correlation_id,
    }
    printer.facts(facts)
    print_columns(printer, record.columns)
    printer.warn([*record.warnings, *(alert.message for alert in record.alerts)])


def print_columns(printer: Printer, columns: Sequence[ColumnSchema]) -> None:
    """Print columns with their statistics."""
    bars = _BARS if printer.can_show(_BARS) else _ASCII_BARS
    rows = [
        [
            column.name,
            column.type,
            column.missing,
            column.distinct,
            _value(column, column.minimum),
            _value(column, column.mean),
            _value(column, column.maximum),
            _deviation(column),
            histogram_text(column.histogram, bars),
            _top(column.top),
        ]
        for column in columns
    ]
    used = [place for place in range(len(_HEADINGS)) if place < 4 or any(row[place] is not None for row in rows)]
    headings = [_HEADINGS[place] for place in used]
    printer.table(
        headings,
        [[row[place] for place in used] for row in rows],
        empty="No columns.",
        below=[heading for heading in headings if heading in _BELOW],
        optional=["distinct", "missing"],
    )


def histogram_text(histogram: Mapping[str, Any] | None, bars: str = _BARS) -> str | None:
    """A histogram as one character for each bin; the lowest bar is an empty bin.

    Args:
        histogram: ``counts``, one for each bin; None where there is none.
        bars: From the lowest to the highest.
    """
    counts = list((histogram or {}).get("counts", []))
    if not counts or not any(counts):
        return None
    if len(counts) > _BAR_LIMIT:
        size = -(-len(counts) // _BAR_LIMIT)
        counts = [sum(counts[start : start + size]) for start in range(0, len(counts), size)]
    steps, highest = len(bars) - 1, max(counts)
    return "".join(bars[-(-count * steps // highest)] for count in counts)


def _value(column: ColumnSchema, value: Any) -> Any:
    """A statistic as it is shown: of a date to the second, without a time where that is midnight."""
    if column.type != "datetime" or not isinstance(value, str):
        return value
    return value[:19].replace("T", " ").removesuffix(" 00:00:00")


def _deviation(column: ColumnSchema) -> Any:
    if column.type == "datetime" and column.standard_deviation is not None:
        return f"{column.standard_deviation / _DAY_S:.3g} days"
    return column.standard_deviation


def _top(top: Sequence[Mapping[str, Any]]) -> str | None:
    shown = [f"{cell_text(one.get('value'))} ({one.get('count', 0):,})" for one in top[:_TOP]]
    return ", ".join(shown) or None
