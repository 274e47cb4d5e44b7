"""Alerts about the target and about the columns that leak it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelbus.evaluator.ingest.profile.finished_columns import row_groups
from modelbus.evaluator.ingest.profile.sampling import RowSample, SampledCells
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.contracts.checks.command_checks import check_target_column
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.shared.tabular.alerts import class_alerts, class_leak, is_class_like, number_leak
from modelbus.shared.tabular.leaks import Codes, Floats

_CLASS_LIMIT = 10_000
"""Classes are counted up to this number."""
_LONGEST_LABEL = 1000
"""Longer texts name no class; ten thousand of them would fill the memory."""


@dataclass(frozen=True)
class Target:
    """The target as it is compared with the other columns."""

    name: str
    alerts: list[Alert]
    """About the target itself."""
    codes: Codes | None
    """The target in the sampled rows, if it holds classes."""
    numbers: Floats | None
    """The target in the sampled rows, if it holds numbers."""

    def leak(self, column: str, cells: SampledCells) -> Alert | None:
        """The alert for a column that leaks the target, if it does."""
        found = class_leak(column, cells.codes(), self.name, self.codes) if self.codes is not None else None
        if found is not None or self.numbers is None:
            return found
        numbers = cells.numbers()
        return number_leak(column, numbers, self.name, self.numbers) if numbers is not None else None


def read_target(file: pq.ParquetFile, plans: Sequence[ColumnPlan], name: str, sample: RowSample) -> Target:
    """Read the target's column.

    Raises:
        InvalidCommand: The file has no such column; names the likeliest ones meant.
    """
    check_target_column(name, [plan.name for plan in plans])
    plan = next(plan for plan in plans if plan.name == name)
    counts, cells, missing, start = _ClassCounts(), SampledCells(plan), 0, 0
    for [column] in row_groups(file, [name]):
        missing += column.null_count
        counts.feed(column.drop_null())
        cells.feed(sample.cells(column, start))
        start += len(column)
    alerts = [_missing(name, missing, start)] if missing else []
    if counts.by_label is None or not is_class_like(plan.type, len(counts.by_label), start - missing):
        return Target(name, alerts, None, cells.numbers())
    return Target(name, alerts + class_alerts(name, counts.by_label), cells.codes(), cells.numbers())


class _ClassCounts:
    """Rows by class, until there are too many classes."""

    def __init__(self) -> None:
        self.by_label: dict[Any, int] | None = {}

    def feed(self, cells: pa.Array) -> None:
        if self.by_label is None:
            return
        found = pc.value_counts(cells)
        if len(found) > _CLASS_LIMIT or _are_long(found.field("values")):
            self.by_label = None
            return
        for each in found.to_pylist():
            self.by_label[each["values"]] = self.by_label.get(each["values"], 0) + each["counts"]
        if len(self.by_label) > _CLASS_LIMIT:
            self.by_label = None


def _are_long(labels: pa.Array) -> bool:
    return pa.types.is_string(labels.type) and bool(pc.any(pc.greater(pc.utf8_length(labels), _LONGEST_LABEL)).as_py())


def _missing(name: str, missing: int, row_count: int) -> Alert:
    message = f"the target {name!r} is missing in {missing} of {row_count} rows; training skips such rows"
    return Alert(code="missing_target", column=name, message=message)
