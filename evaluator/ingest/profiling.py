"""The profile of a finished dataset's columns: missing and distinct values, range, most frequent values.

The columns are read a few at a time, row group by row group, so that what is kept of a column (10,000 values at most)
is never kept of two thousand columns at once.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluator.ingest.table import ColumnPlan, Stage
from shared.contracts.records import ColumnSchema

DISTINCT_LIMIT = 10_000
TOP_LIMIT = 10
LONGEST_SHOWN = 200
"""Characters of a text value that a profile shows."""
_COLUMNS_AT_ONCE = 16


def profile(path: Path, plans: Sequence[ColumnPlan], stage: Stage) -> tuple[list[ColumnSchema], int]:
    """Profile each column of a Parquet file that ingest wrote, and count its rows."""
    with pq.ParquetFile(str(path)) as file:
        columns: list[ColumnSchema] = []
        for start in range(0, len(plans), _COLUMNS_AT_ONCE):
            columns += _profile_some(file, plans[start : start + _COLUMNS_AT_ONCE])
            stage.report(len(columns) / len(plans))
        return columns, file.metadata.num_rows


def _profile_some(file: pq.ParquetFile, plans: Sequence[ColumnPlan]) -> list[ColumnSchema]:
    tallies = [_tally(plan) for plan in plans]
    missing = [0] * len(plans)
    names = [plan.name for plan in plans]
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, columns=names, use_threads=False)
        for place, plan in enumerate(plans):
            # by name: pyarrow also brings columns that nobody asked for (`a` brings `a.b`)
            cells = table.column(plan.name).combine_chunks()
            missing[place] += cells.null_count
            if cells.null_count < len(cells):
                tallies[place].feed(cells.drop_null())
    rows = file.metadata.num_rows
    return [
        _schema(plan, tally, count, rows) for plan, tally, count in zip(plans, tallies, missing, strict=True)
    ]


def _schema(plan: ColumnPlan, tally: "Tally", missing: int, rows: int) -> ColumnSchema:
    if missing == rows:
        return ColumnSchema(name=plan.name, type="empty", missing=missing, distinct=0)
    facts = tally.facts()
    return ColumnSchema(name=plan.name, type=plan.type, date_format=plan.date_format, missing=missing, **facts)


class Tally(Protocol):
    """What is kept of one column while it is read."""

    def feed(self, cells: pa.Array) -> None:
        """Take the next cells, none missing."""

    def facts(self) -> dict[str, Any]:
        """The fields of the column's schema that were tallied."""


def _tally(plan: ColumnPlan) -> Tally:
    if plan.type in ("text", "boolean"):
        return _FrequencyTally()
    return _RangeTally()


class _RangeTally:
    """Numbers and dates: distinct values, smallest and largest (of numbers, the finite ones)."""

    def __init__(self) -> None:
        self._known: npt.NDArray[Any] | None = None
        self._minimum: Any = None
        self._maximum: Any = None

    def feed(self, cells: pa.Array) -> None:
        if self._known is None or len(self._known) < DISTINCT_LIMIT:
            self._count(pc.unique(cells))
        if pa.types.is_floating(cells.type):
            cells = cells.filter(pc.is_finite(cells))
        span = pc.min_max(cells).as_py()
        if span["min"] is not None:
            self._minimum = span["min"] if self._minimum is None else min(self._minimum, span["min"])
            self._maximum = span["max"] if self._maximum is None else max(self._maximum, span["max"])

    def facts(self) -> dict[str, Any]:
        count = 0 if self._known is None else len(self._known)
        return {
            "distinct": min(count, DISTINCT_LIMIT),
            "minimum": _json_value(self._minimum),
            "maximum": _json_value(self._maximum),
        }

    def _count(self, cells: pa.Array) -> None:
        values = cells.to_numpy(zero_copy_only=False)
        self._known = np.unique(values) if self._known is None else np.union1d(self._known, values)


class _FrequencyTally:
    """Text and booleans: distinct values, and the most frequent ones by the summary of Misra and Gries (1982).

    Exact up to 10,000 distinct values. Beyond, a count may be too low, by one ten-thousandth of the rows at most.
    """

    def __init__(self) -> None:
        self._counts: dict[Any, int] = {}
        self._is_full = False

    def feed(self, cells: pa.Array) -> None:
        found = pc.value_counts(cells)
        values, counts = found.field("values"), found.field("counts")
        if self._is_full:
            # single occurrences cannot lift a value to the top, and there are many of them
            is_repeated = pc.greater(counts, 1)
            values, counts = values.filter(is_repeated), counts.filter(is_repeated)
        for value, count in zip(_shown(values), counts.to_pylist(), strict=True):
            self._counts[value] = self._counts.get(value, 0) + count
        if len(self._counts) > DISTINCT_LIMIT:
            self._prune()

    def facts(self) -> dict[str, Any]:
        distinct = DISTINCT_LIMIT if self._is_full else len(self._counts)
        top = sorted(self._counts.items(), key=lambda item: (-item[1], str(item[0])))[:TOP_LIMIT]
        return {
            "distinct": distinct,
            "top": [{"value": _without_digest(value), "count": count} for value, count in top],
        }

    def _prune(self) -> None:
        self._is_full = True
        surplus = sorted(self._counts.values(), reverse=True)[DISTINCT_LIMIT]
        kept = {value: count - surplus for value, count in self._counts.items() if count > surplus}
        if not kept:
            # every value is as rare as every other: any of them represents the column
            kept = dict(list(self._counts.items())[:TOP_LIMIT])
        self._counts = kept


def _shown(values: pa.Array) -> list[Any]:
    """The values; of a long text its beginning, and a digest that keeps different ones apart."""
    found: list[Any] = values.to_pylist()
    if pa.types.is_boolean(values.type):
        return found
    return [value if len(value) <= LONGEST_SHOWN else _shortened(value) for value in found]


def _shortened(value: str) -> str:
    digest = hashlib.blake2b(value.encode(), digest_size=16).hexdigest()
    return f"{value[:LONGEST_SHOWN]}…\0{digest}"


def _without_digest(value: Any) -> Any:
    return value.partition("…\0")[0] + "…" if isinstance(value, str) and "…\0" in value else value


def _json_value(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
