"""The profile of a dataset: what each column holds, and what about it matters to training.

The columns are read a few at a time, row group by row group, so that what is kept of a column (10,000 values and
100,000 sampled cells at most) is never kept of two thousand columns at once. The first few columns are looked at while
the file is written: text first, which takes the longest to read again; numbers and dates need their span before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from modelbus.evaluator.ingest.ahead import THREADS, ColumnPool
from modelbus.evaluator.ingest.profile.column_alerts import Evidence, column_alerts
from modelbus.evaluator.ingest.profile.finished_columns import COLUMNS_AT_ONCE, row_groups
from modelbus.evaluator.ingest.profile.frequencies import FrequencyTally
from modelbus.evaluator.ingest.profile.sampling import RowSample, SampledCells
from modelbus.evaluator.ingest.profile.spans import find_spans
from modelbus.evaluator.ingest.profile.tallies import RangeTally
from modelbus.evaluator.ingest.profile.target_alerts import Target, read_target
from modelbus.evaluator.ingest.profile.text_looks import TextLooks
from modelbus.evaluator.ingest.table import ColumnPlan, Span, Stage
from modelbus.evaluator.ingest.writing.kept import stored_column
from modelbus.shared.contracts.records.dataset_records import Alert, ColumnSchema, ColumnType
from modelbus.shared.tabular.alerts import repeated_fraction
from modelbus.shared.tabular.cells.marks import recorded_marks
from modelbus.shared.tabular.encoding.free_text.free_text_looks import is_free_text
from modelbus.shared.tabular.leaks import MISSING_CODE
from modelbus.shared.tabular.tables.row_groups import read_group

_COUNTED: tuple[ColumnType, ...] = ("text", "boolean")
"""The types of columns whose most frequent values are counted; the others have a range."""
_SAMPLED_BYTES = 64 * 1024
"""Sampled cells of a column from which on they are looked at."""


@dataclass(frozen=True)
class Profile:
    """What a dataset holds."""

    row_count: int
    columns: list[ColumnSchema]
    alerts: list[Alert]
    """First those about the target, then those of each column in turn."""
    number_like: frozenset[str] = frozenset()
    """Columns of text of which many a value may be a number or a date."""


class EarlyReadings:
    """Some columns, read while the file is written."""

    def __init__(self, plans: Sequence[ColumnPlan], row_count: int) -> None:
        """Args:
        plans: All columns of the file.
        row_count: Rows that the file will have.
        """
        counted = [index for index, plan in enumerate(plans) if plan.type in _COUNTED]
        ranged = [index for index, plan in enumerate(plans) if plan.span is not None]
        indices = [*counted, *ranged][:COLUMNS_AT_ONCE]
        self._readings = {index: _Reading(plans[index], plans[index].span) for index in indices}
        self._sample = RowSample(row_count)

    def feed(self, index: int, cells: pa.Array, start: int) -> None:
        """Take the next cells of a column, the first of which lies in row ``start``."""
        reading = self._readings.get(index)
        if reading is not None:
            reading.feed(cells, self._sample.cells(cells, start))

    @property
    def by_name(self) -> "dict[str, _Reading]":
        """The columns that were read, by name."""
        return {reading.plan.name: reading for reading in self._readings.values()}


def profile(
    path: Path,
    plans: Sequence[ColumnPlan],
    stage: Stage,
    *,
    target: str | None = None,
    early: EarlyReadings | None = None,
) -> Profile:
    """Profile a Parquet file that ingest wrote.

    Args:
        path: The file.
        plans: Its columns.
        stage: Where to report.
        target: The column that is to be predicted.
        early: What was read of the file while it was written.

    Raises:
        InvalidCommand: The target is not a column of the file; names the likeliest ones meant.
    """
    with pq.ParquetFile(str(path)) as file:
        sample = RowSample(file.metadata.num_rows)
        read = read_target(file, plans, target, sample) if target is not None else None
        spans = find_spans(file, plans)
        columns: list[ColumnSchema] = []
        alerts = list(read.alerts) if read else []
        known = early.by_name if early else {}
        number_like: set[str] = set()
        for start in range(0, len(plans), COLUMNS_AT_ONCE):
            some = plans[start : start + COLUMNS_AT_ONCE]
            readings = [known.get(plan.name) or _Reading(plan, spans.get(plan.name)) for plan in some]
            _read(file, [reading for reading in readings if reading.plan.name not in known], sample)
            with ColumnPool() as side_by_side:
                _recount(path, readings, side_by_side)
                profiles = side_by_side.each(lambda reading: reading.profile(read), readings)
            number_like |= {reading.plan.name for reading in readings if reading.is_number_like}
            for column, found in profiles:
                columns.append(column)
                alerts += found
            stage.report(len(columns) / len(plans))
        return Profile(file.metadata.num_rows, columns, _once(alerts), frozenset(number_like))


def _once(alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts without those about blanks in labels where the column's own says the same, with the option."""
    told = {alert.column for alert in alerts if alert.code == "surrounding_whitespace"}
    return [alert for alert in alerts if alert.code != "whitespace_in_labels" or alert.column not in told]


class _Reading:
    """One column while it is read."""

    def __init__(self, plan: ColumnPlan, span: Span | None) -> None:
        """Args:
        plan: The column.
        span: From its smallest to its largest finite value, if it has one.
        """
        self.plan = plan
        self.cells = SampledCells(plan)
        self.tally = FrequencyTally() if plan.type in _COUNTED else RangeTally(plan, span)
        self._looks = TextLooks() if plan.type == "text" else None
        self._missing = 0
        self._rows = 0
        self._sampled: list[pa.Array] = []
        """Not looked at yet: to look at many at once takes little longer than at a few."""

    def feed(self, cells: pa.Array, sampled: pa.Array) -> None:
        """Take the next cells, and those of them that are sampled."""
        self._rows += len(cells)
        self._missing += cells.null_count
        if cells.null_count < len(cells):
            self.tally.feed(cells)
        self._sampled.append(sampled)
        if sum(part.nbytes for part in self._sampled) >= _SAMPLED_BYTES:
            self._look_at_sampled()

    def _look_at_sampled(self) -> None:
        sampled, self._sampled = pa.concat_arrays(self._sampled), []
        self.cells.feed(sampled)
        if self._looks is not None:
            self._looks.feed(sampled.drop_null())

    def profile(self, target: Target | None) -> tuple[ColumnSchema, list[Alert]]:
        """What the column holds, and what about it matters to training.

        Args:
            target: The target, of this column or another.
        """
        if self._sampled:
            self._look_at_sampled()
        schema = self._schema()
        return schema, self._alerts(schema, target)

    @property
    def is_number_like(self) -> bool:
        """Whether at least half of the sampled texts begin or end as numbers do."""
        return self._looks is not None and self._looks.number_count * 2 >= max(1, self._looks.count)

    def _schema(self) -> ColumnSchema:
        plan = self.plan
        if self._missing == self._rows:
            return ColumnSchema(
                name=plan.name,
                type="empty",
                missing_marks=recorded_marks(plan.missing_marks),
                missing=self._missing,
                distinct=0,
            )
        facts = {**self.tally.facts(self.cells), **self._text_facts()}
        return ColumnSchema(**stored_column(plan).model_dump(), missing=self._missing, **facts)

    def _text_facts(self) -> dict[str, Any]:
        """How many words a text has, and whether the column is free text."""
        counts = self._looks.words if self._looks is not None else None
        if counts is None:
            return {}
        codes = self.cells.codes()
        present = int((codes != MISSING_CODE).sum())
        return {"words": counts.median, "is_free_text": is_free_text(counts, int(codes.max()) + 1, present)}

    def _alerts(self, schema: ColumnSchema, target: Target | None) -> list[Alert]:
        found = column_alerts(
            schema, self._rows, Evidence(self._repeated_fraction, self._has_constant_step(), self._looks)
        )
        if target is None:
            return found
        if target.name == self.plan.name:
            # a ranking may be learnt; that its numbers are no feature goes without saying
            of_features = {"free_text"} if schema.type == "text" else {"identifier_like"}
            return [alert for alert in found if alert.code not in of_features]
        leak = target.leak(self.plan.name, self.cells)
        return found if leak is None else [leak, *found]

    def _repeated_fraction(self) -> float:
        present = self._rows - self._missing
        if isinstance(self.tally, FrequencyTally) and not self.tally.is_full and present:
            return self.tally.repeated_rows() / present
        return repeated_fraction(self.cells.codes(), present)

    def _has_constant_step(self) -> bool:
        return isinstance(self.tally, RangeTally) and self.tally.steps.is_constant


def _read(file: pq.ParquetFile, readings: Sequence[_Reading], sample: RowSample) -> None:
    if not readings:
        return
    start = 0
    with ColumnPool() as columns:
        for cells in row_groups(file, [reading.plan.name for reading in readings]):
            first = start
            columns.each(lambda reading, column: reading.feed(column, sample.cells(column, first)), readings, cells)  # noqa: B023 - done before the next one
            start += len(cells[0])


def _recount(path: Path, readings: Sequence[_Reading], side_by_side: ColumnPool) -> None:
    """Count frequent texts again where there were too many different ones to count each."""
    for reading in readings:
        if isinstance(reading.tally, FrequencyTally) and reading.tally.needs_recount():
            # to decompress a text takes longer than to count it
            parts = [_cells(path, reading.plan.name, start) for start in range(THREADS)]
            reading.tally.recount(parts, side_by_side)


def _cells(path: Path, name: str, start: int) -> Iterator[pa.Array]:
    """A part of a column's cells, the without missing ones: each n-th row group, where n is the number of parts."""
    with pq.ParquetFile(str(path)) as file:
        for number in range(start, file.num_row_groups, THREADS):
            for cells in read_group(file, number, [name]).column(0).chunks:
                yield cells.drop_null()
