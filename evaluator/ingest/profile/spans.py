"""The smallest and largest finite value of columns of numbers and dates, known before their cells are read.

We wrote the file, so the statistics of its row groups can be believed. Only columns for which they do not say it (a
real with infinite values) are read for it.
"""

import math
from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq

from modelbus.evaluator.ingest.profile.finished_columns import COLUMNS_AT_ONCE, finite_values, row_groups
from modelbus.evaluator.ingest.table import ColumnPlan, Span

RANGED = ("integer", "real", "datetime")
"""The types of columns that have a span."""


def find_spans(file: pq.ParquetFile, plans: Sequence[ColumnPlan]) -> dict[str, Span]:
    """The span of each column of numbers or dates; a column without a finite value is absent.

    Args:
        file: A file that ingest wrote.
        plans: Its columns, all and in order.
    """
    positions = [position for position, plan in enumerate(plans) if plan.type in RANGED]
    spans: dict[str, Span] = {}
    unknown: set[str] = set()
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        for position in positions:
            name = plans[position].name
            found = _span_of_group(metadata.column(position))
            if found is None:
                unknown.add(name)
            elif found:
                spans[name] = found[0].joined(spans.get(name))
    read = [plan.name for plan in plans if plan.name in unknown]
    for start in range(0, len(read), COLUMNS_AT_ONCE):
        names = read[start : start + COLUMNS_AT_ONCE]
        spans = {name: span for name, span in spans.items() if name not in names} | _read_spans(file, names)
    return spans


def _span_of_group(chunk: Any) -> list[Span] | None:
    """What the statistics say: a span, none because there is no value (empty), or nothing (``None``)."""
    statistics = chunk.statistics
    if statistics is None or not statistics.has_null_count:
        return None
    if statistics.null_count == chunk.num_values or statistics.num_values == 0:
        return []
    if not statistics.has_min_max:
        return None
    low, high = statistics.min_raw, statistics.max_raw
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    # Parquet writes a smallest zero as -0.0 whatever its sign is
    return [Span(low + 0, high + 0)]


def _read_spans(file: pq.ParquetFile, names: Sequence[str]) -> dict[str, Span]:
    spans: dict[str, Span] = {}
    for cells in row_groups(file, names):
        for name, column in zip(names, cells, strict=True):
            values = finite_values(column)
            if len(values):
                spans[name] = Span(values.min().item() + 0, values.max().item() + 0).joined(spans.get(name))
    return spans
