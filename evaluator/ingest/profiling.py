"""The profile of a finished dataset's columns: missing and distinct values, range, most frequent values.

The columns are read a few at a time, row group by row group, so that what is kept of a column (10,000 values at most)
is never kept of two thousand columns at once.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluator.ingest.ahead import read_ahead
from evaluator.ingest.table import ColumnPlan, Stage
from shared.contracts.records import ColumnSchema

DISTINCT_LIMIT = 10_000
TOP_LIMIT = 10
LONGEST_SHOWN = 200
"""Characters of a text value that a profile shows."""
_DIGEST = "\0…\0"
"""Between the beginning of a long text and the digest of the whole."""
_RECOUNTED = 50
_COLUMNS_AT_ONCE = 16
_VALUES_AT_ONCE = 1000


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
    for cells in read_ahead(_groups(file, plans)):
        for place, column in enumerate(cells):
            missing[place] += column.null_count
            if column.null_count < len(column):
                tallies[place].feed(column.drop_null())
    _recount(file, plans, tallies)
    rows = file.metadata.num_rows
    return [_schema(plan, tally, count, rows) for plan, tally, count in zip(plans, tallies, missing, strict=True)]


def _recount(file: pq.ParquetFile, plans: Sequence[ColumnPlan], tallies: Sequence["Tally"]) -> None:
    inexact = [
        (plan, tally)
        for plan, tally in zip(plans, tallies, strict=True)
        if isinstance(tally, _FrequencyTally) and tally.is_full
    ]
    for cells in read_ahead(_groups(file, [plan for plan, _ in inexact])) if inexact else ():
        for (_, tally), column in zip(inexact, cells, strict=True):
            tally.recount(column.drop_null())


def _groups(file: pq.ParquetFile, plans: Sequence[ColumnPlan]) -> Iterator[list[pa.Array]]:
    """The columns' cells, row group by row group."""
    names = [plan.name for plan in plans]
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, columns=names, use_threads=False)
        # by name: pyarrow also brings columns that nobody asked for (`a` brings `a.b`)
        yield [table.column(name).combine_chunks() for name in names]


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

    Beyond 10,000 distinct values the counts are too low, and those of the first ones are counted again: no value is
    overlooked that makes up more than one five-thousandth of the rows, and every count that is shown is exact.
    """

    def __init__(self) -> None:
        self._counts: dict[Any, int] = {}
        self._recounted: dict[Any, int] | None = None
        self.is_full = False
        """There were more distinct values than are kept."""

    def feed(self, cells: pa.Array) -> None:
        found = pc.value_counts(cells)
        if self.is_full and len(cells) >= DISTINCT_LIMIT:
            # there are many single occurrences, and they weigh little
            found = found.filter(pc.greater(found.field("counts"), 1))
        _add_counts(self._counts, found)
        if len(self._counts) > DISTINCT_LIMIT:
            self._prune()

    def recount(self, cells: pa.Array) -> None:
        """Take the same cells again."""
        if self._recounted is None:
            self._recounted = dict.fromkeys(_most_frequent(self._counts, _RECOUNTED), 0)
        shown = pa.array([value for value in self._recounted if _DIGEST not in value], pa.string())
        found = pc.value_counts(cells)
        values = found.field("values")
        is_wanted = pc.or_(pc.is_in(values, value_set=shown), pc.greater(pc.utf8_length(values), LONGEST_SHOWN))
        counts: dict[Any, int] = {}
        _add_counts(counts, found.filter(is_wanted))
        for value in self._recounted.keys() & counts.keys():
            self._recounted[value] += counts[value]

    def facts(self) -> dict[str, Any]:
        counts = self._counts if self._recounted is None else self._recounted
        top = _most_frequent(counts, TOP_LIMIT)
        return {
            "distinct": DISTINCT_LIMIT if self.is_full else len(counts),
            "top": [{"value": _without_digest(value), "count": counts[value]} for value in top],
        }

    def _prune(self) -> None:
        self.is_full = True
        surplus = sorted(self._counts.values(), reverse=True)[DISTINCT_LIMIT]
        kept = {value: count - surplus for value, count in self._counts.items() if count > surplus}
        # where the others are all equally rare, any of them may fill the places that are left
        fillers = dict.fromkeys(list(self._counts)[:_RECOUNTED], 0)
        self._counts = fillers | kept


def _add_counts(counts: dict[Any, int], found: pa.StructArray) -> None:
    for start in range(0, len(found), _VALUES_AT_ONCE):
        part = found.slice(start, _VALUES_AT_ONCE)
        values = map(_shortened, part.field("values").to_pylist())
        for value, count in zip(values, part.field("counts").to_pylist(), strict=True):
            counts[value] = counts.get(value, 0) + count


def _most_frequent(counts: dict[Any, int], limit: int) -> list[Any]:
    return sorted(counts, key=lambda value: (-counts[value], str(value)))[:limit]


def _shortened(value: Any) -> Any:
    """The value; of a long text its beginning, and a digest that keeps different ones apart."""
    if not isinstance(value, str) or len(value) <= LONGEST_SHOWN:
        return value
    digest = hashlib.blake2b(value.encode(), digest_size=16).hexdigest()
    return f"{value[:LONGEST_SHOWN]}{_DIGEST}{digest}"


def _without_digest(value: Any) -> Any:
    if not isinstance(value, str) or _DIGEST not in value:
        return value
    return value.rpartition(_DIGEST)[0] + "…"


def _json_value(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
