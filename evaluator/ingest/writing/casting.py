"""Pass 2: the spool's text becomes typed Parquet, batch by batch, by the plan that pass 1 made."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelbus.evaluator.ingest.ahead import Behind, ColumnPool, read_ahead
from modelbus.evaluator.ingest.cells.booleans import to_booleans, to_sure_booleans
from modelbus.evaluator.ingest.cells.calendar_dates import CalendarCast
from modelbus.evaluator.ingest.cells.declared import cast_declared, expected_of
from modelbus.evaluator.ingest.cells.iso_dates import to_iso_dates, to_sure_iso_dates
from modelbus.evaluator.ingest.cells.numerals import to_integers, to_reals, to_sure_integers, to_sure_reals
from modelbus.evaluator.ingest.cells.texts import have_no_values, missing_mask, trimmed
from modelbus.evaluator.ingest.cells.typed_cells import as_stored, as_text
from modelbus.evaluator.ingest.faults import FAULT_LIMIT, Fault, SkippedRows, malformed
from modelbus.evaluator.ingest.spool import grouped, read_spool
from modelbus.evaluator.ingest.table import GROUP_SIZE_BYTES, LEFT_OUT_LIMIT, ColumnPlan, Stage, TextTable
from modelbus.evaluator.ingest.writing.digest import TableDigest
from modelbus.evaluator.ingest.writing.kept import KeptWriter, notes_of, present_texts
from modelbus.shared.contracts.commands.datasets import ISO_FORMAT
from modelbus.shared.contracts.records.dataset_records import ColumnType
from modelbus.shared.tabular.cells.kept_cells import write_notes
from modelbus.shared.tabular.cells.marks import TEXT_MISSING_MARKS
from modelbus.shared.tabular.cells.written import KEPT
from modelbus.shared.tabular.cells.written_numbers import plain_numerals

_SHOWN_LENGTH = 100
_DICTIONARY_BYTES: Final = 32 * 1024
"""A dictionary of more bytes takes longer to make than it saves, and often room, too."""
_DICTIONARY_LIMIT_BYTES: Final = 128 * 1024
"""A column's values are written as they are from where a later row group's dictionary exceeds this."""
_STORED: dict[ColumnType, pa.DataType] = {
    "integer": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
    "text": pa.string(),
    "empty": pa.float64(),
}


def stored_schema(plans: Sequence[ColumnPlan]) -> pa.Schema:
    """The schema of the final Parquet file."""
    return pa.schema([pa.field(plan.name, stored_type(plan)) for plan in plans])


def stored_type(plan: ColumnPlan) -> pa.DataType:
    """The Arrow type in which a column is stored."""
    return pa.timestamp("us", "UTC") if plan.is_zoned else _STORED[plan.type]


class ColumnReader(Protocol):
    """What looks at the columns before they are written."""

    def feed(self, index: int, cells: pa.Array, start: int) -> None:
        """Take the next cells of a column, the first of which lies in row ``start``."""


def write_typed(
    spool: Path,
    destination: Path,
    text: TextTable,
    stage: Stage,
    *,
    skipped: SkippedRows | None,
    reader: ColumnReader | None = None,
) -> "StoredTable":
    """Cast the spool into the final Parquet file.

    Args:
        spool: What pass 1 wrote.
        destination: The file to write.
        text: What pass 1 found; warnings about its cells are added to its own.
        stage: For the progress.
        skipped: Takes the rows that have a cell which does not fit its declared type; None refuses the file.
        reader: Sees the cells of the rows that are written; ``skipped`` must skip none.

    Raises:
        MalformedTable: With the line of each such row, 100 at most.
    """
    with (
        KeptWriter(destination.with_name(f"{destination.name}.kept")) as kept,
        ColumnPool() as side_by_side,
        closing(read_ahead(read_spool(spool))) as spooled,
    ):
        caster = _Caster(text.plans, side_by_side, reader, kept, is_skipping=skipped is not None)
        batches = (caster.cast(batch) for batch in spooled)
        written = write_groups(destination, text.plans, batches, stage, text.row_count, kept)
    faults = caster.faults(text.lines_of)
    if faults and skipped is None:
        raise malformed(faults)
    if skipped is not None:
        skipped.add_all(faults, caster.bad_row_count)
    text.warnings.extend(caster.warnings())
    text.left_out.extend(caster.left_out)
    return written


@dataclass(frozen=True)
class StoredTable:
    """A table that was written."""

    row_count: int
    sha256: str
    """Of its content, in hex."""


def write_groups(
    destination: Path,
    plans: Sequence[ColumnPlan],
    batches: Iterable[pa.RecordBatch],
    stage: Stage,
    row_count: int,
    kept: KeptWriter,
) -> StoredTable:
    """Write typed batches as Parquet with row groups of the right size, and behind them what was kept of their cells.

    While a group is written the batches of the next one are made.
    """
    done = 0
    schema = stored_schema(plans)
    digest = TableDigest(plans)
    with pa.OSFile(str(destination), "wb") as sink, ExitStack() as files:
        writer: pq.ParquetWriter | None = None
        with Behind() as writing, Behind() as digesting:
            for group in grouped(batches, GROUP_SIZE_BYTES):
                if writer is None:
                    writer = files.enter_context(pq.ParquetWriter(sink, schema, **_encodings(group)))
                kept.end_group(done, done + group.num_rows)
                writing.do(writer.write_table, group, group.num_rows)
                digesting.do(digest.feed, group)
                done += group.num_rows
                stage.report(done / row_count)
                del group  # or it would stay in memory until the next one is there
        if writer is not None:
            writer.add_key_value_metadata(write_notes(notes_of(plans, kept.finish(sink))))
    return StoredTable(done, digest.hex())


@dataclass(frozen=True)
class _BadCell:
    row: int
    """Its place in the spool, from 0."""
    plan: ColumnPlan
    text: str


class _Caster:
    """Casts batch by batch, and gathers the cells that do not fit."""

    def __init__(
        self,
        plans: Sequence[ColumnPlan],
        side_by_side: ColumnPool,
        reader: ColumnReader | None,
        kept: KeptWriter,
        *,
        is_skipping: bool,
    ) -> None:
        self._plans = plans
        self._side_by_side = side_by_side
        self._reader = reader
        self._kept = kept
        self._written_count = 0
        self._is_skipping = is_skipping
        self._schema = stored_schema(plans)
        self._row_count = 0
        self._calendar = {
            plan.name: CalendarCast(plan.date_format)
            for plan in plans
            if plan.date_format is not None and plan.date_format != ISO_FORMAT
        }
        self._bad_cells: list[_BadCell] = []
        self._marks: dict[str, Counter[str]] = {}
        self.bad_row_count = 0
        self.left_out: list[int] = []
        """Their places in the spool, the first million of them."""

    def cast(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch typed; without its bad rows, if they are to be skipped."""
        # a spool's early batches lack the columns that came late
        cells = [batch.column(index) if index < batch.num_columns else None for index in range(len(self._plans))]
        cast = self._side_by_side.each(
            lambda index, one: self._read_column(index, one, batch.num_rows), range(len(cells)), cells
        )
        bad: dict[int, _BadCell] = {}
        for one in cast:  # of several in a row, the first column's is reported
            bad = one.bad | bad
        found = pa.RecordBatch.from_arrays([one.column for one in cast], schema=self._schema)
        self._row_count += batch.num_rows
        self.bad_row_count += len(bad)
        self._bad_cells += [bad[row] for row in sorted(bad)[: FAULT_LIMIT - len(self._bad_cells)]]
        keeps = np.ones(batch.num_rows, dtype=bool)
        if bad and self._is_skipping:
            keeps[list(bad)] = False
            found = found.filter(pa.array(keeps))
            start = self._row_count - batch.num_rows
            self.left_out += [start + row for row in sorted(bad)[: LEFT_OUT_LIMIT - len(self.left_out)]]
        self._keep(cast, keeps)
        self._written_count += found.num_rows
        return found

    def _keep(self, cast: Sequence["_CastColumn"], keeps: npt.NDArray[np.bool_]) -> None:
        """Keep the cells of the rows that are written."""
        indices = self._written_count + np.cumsum(keeps) - 1
        for position, one in enumerate(cast):
            if one.kept is None:
                continue
            rows, texts = present_texts(one.kept)
            if not keeps.all():
                is_written = keeps[rows]
                rows, texts = rows[is_written], texts.filter(pa.array(is_written))
            self._kept.add(position, indices[rows], texts)

    def _read_column(self, index: int, cells: pa.Array | None, row_count: int) -> "_CastColumn":
        cast = self._cast_column(cells, self._plans[index], row_count)
        if self._reader is not None:
            self._reader.feed(index, cast.column, self._row_count)
        return cast

    def _cast_column(self, cells: pa.Array | None, plan: ColumnPlan, row_count: int) -> "_CastColumn":
        """A column typed."""
        if cells is None:
            return _CastColumn(pa.nulls(row_count, stored_type(plan)))
        if plan.type == "empty":
            values = trimmed(as_text(cells))
            return _CastColumn(pa.nulls(row_count, stored_type(plan)), kept=_marks_in(values, pa.nulls(row_count)))
        if plan.type == "text":
            return self._cast_text(as_text(cells), plan)
        found = self._cast_declared(cells, plan) if plan.is_declared else _CastColumn(self._cast_found(cells, plan))
        return replace(found, kept=_kept_of(cells, found.column, plan))

    def faults(self, lines_of: Callable[[Collection[int]], dict[int, int]]) -> list[Fault]:
        """One for each bad row, the first 100."""
        if not self._bad_cells:
            return []
        lines = lines_of({cell.row for cell in self._bad_cells})
        return [
            Fault(lines.get(cell.row), f"{cell.text[:_SHOWN_LENGTH]!r}", expected_of(cell.plan), cell.plan.name)
            for cell in self._bad_cells
        ]

    def warnings(self) -> list[str]:
        """Warnings about marks of missing values in text, where they may be words."""
        return [
            f"column {name!r} has {_counted(marks)}, read as missing values; set missing_marks to keep such words"
            for name, marks in self._marks.items()
        ]

    def _cast_text(self, cells: pa.Array, plan: ColumnPlan) -> "_CastColumn":
        values = trimmed(cells)
        texts = pc.ascii_ltrim(cells, characters=" ") if plan.is_indented else cells
        texts = values if plan.is_stripped else texts
        mask = missing_mask(values, plan.missing_marks)
        if mask is None:
            return _CastColumn(texts)
        if plan.missing_marks == TEXT_MISSING_MARKS:  # else the sender said which they are
            found = pc.value_counts(values.filter(mask).drop_null())
            counts = {one["values"]: one["counts"] for one in found.to_pylist() if one["values"]}
            if counts:
                self._marks.setdefault(plan.name, Counter()).update(counts)
        found = pc.if_else(mask, pa.scalar(None, pa.string()), texts)
        return _CastColumn(found, kept=_marks_in(values, found))

    def _cast_found(self, cells: pa.Array, plan: ColumnPlan) -> pa.Array:
        if pa.types.is_dictionary(cells.type):
            return self._cast_found(cells.dictionary, plan).take(cells.indices)
        if not pa.types.is_string(cells.type):
            return as_stored(cells, stored_type(plan))
        is_plain = plan.number_form is None
        found = _cast_surely(cells, plan) if is_plain and have_no_values(plan.missing_marks) else None
        if found is not None:
            return found
        values = trimmed(cells)
        found = self._cast_values(_without_missing(values, values, plan), plan)
        if found is None:  # pass 1 looked at the same cells with the same functions
            raise AssertionError(f"column {plan.name!r} is no {plan.type} after all")
        return found

    def _cast_values(self, values: pa.Array, plan: ColumnPlan) -> pa.Array | None:
        if plan.number_form is not None:
            values = plain_numerals(values, plan.number_form)
        if plan.type == "integer":
            return to_integers(values)
        if plan.type == "real":
            return to_reals(values, has_decimal_comma=plan.has_decimal_comma)
        if plan.type == "boolean":
            return to_booleans(values)
        if plan.date_format == ISO_FORMAT:
            return to_iso_dates(values, is_zoned=plan.is_zoned)
        return self._calendar[plan.name].cast(values)

    def _cast_declared(self, cells: pa.Array, plan: ColumnPlan) -> "_CastColumn":
        values = trimmed(cells)
        values = _without_missing(values, values, plan)
        found, indices = cast_declared(values, plan, stored_type(plan))
        bad = {index: _BadCell(self._row_count + index, plan, values[index].as_py()) for index in indices}
        return _CastColumn(found, bad)


@dataclass(frozen=True, eq=False)
class _CastColumn:
    """A column of a batch, typed."""

    column: pa.Array
    bad: dict[int, _BadCell] = field(default_factory=dict)
    """By their place in the batch the cells that do not fit."""
    kept: pa.Array | None = None
    """Texts to keep, null where none is; None where none is in the whole batch."""


def _kept_of(cells: pa.Array, found: pa.Array, plan: ColumnPlan) -> pa.Array | None:
    """What to keep of cells beside their values: all texts where they have no form, else the marks of missing ones."""
    if plan.form == KEPT:
        values = trimmed(as_text(cells))
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    if found.null_count == cells.null_count or not pa.types.is_string(cells.type):
        return None
    return _marks_in(trimmed(cells), found)


def _marks_in(values: pa.Array, found: pa.Array) -> pa.Array | None:
    """The marks of missing values, but for the empty cell: where nothing was found in cells that hold something."""
    is_mark = pc.and_(pc.is_null(found), pc.fill_null(pc.not_equal(values, ""), False))
    return pc.if_else(is_mark, values, pa.scalar(None, pa.string())) if pc.any(is_mark).as_py() else None


def _counted(marks: Counter[str]) -> str:
    return ", ".join(f"{mark!r} ({count})" for mark, count in marks.most_common(5))


def _without_missing(cells: pa.Array, values: pa.Array, plan: ColumnPlan) -> pa.Array:
    mask = missing_mask(values, plan.missing_marks)
    return cells if mask is None else pc.if_else(mask, pa.scalar(None, pa.string()), cells)


def _cast_surely(cells: pa.Array, plan: ColumnPlan) -> pa.Array | None:
    """Cells as they stand in the file, cast if they need no closer look: most of most files."""
    if plan.type == "integer":
        return to_sure_integers(cells)
    if plan.type == "real":
        return to_sure_reals(cells, has_decimal_comma=plan.has_decimal_comma)
    if plan.type == "boolean":
        return to_sure_booleans(cells)
    if plan.date_format == ISO_FORMAT:
        return to_sure_iso_dates(cells, is_zoned=plan.is_zoned)
    return None


def _encodings(first: pa.Table) -> dict[str, Any]:
    """The settings of pyarrow's writer.

    Few different values make a dictionary. Of other whole numbers and dates the differences are packed: ids, and the
    days of a log, become next to nothing. Text and reals stay as they are. The smallest and largest values are kept of
    all columns but text, where nothing reads them.

    Args:
        first: The first row group.
    """
    columns = list(zip(first.schema, first.columns, strict=True))
    repeated = {field.name for field, cells in columns if _is_repeated(cells)}
    numeric = [field.name for field, _ in columns if not pa.types.is_string(field.type)]
    packed = [field.name for field, _ in columns if _is_whole(field.type) and field.name not in repeated]
    return {
        "compression": "zstd",
        "dictionary_pagesize_limit": _DICTIONARY_LIMIT_BYTES,
        "use_dictionary": sorted(repeated),
        "write_statistics": numeric,
        "column_encoding": dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
    }


def _is_repeated(cells: pa.ChunkedArray) -> bool:
    return bool(pc.unique(cells).nbytes <= _DICTIONARY_BYTES)


def _is_whole(found: pa.DataType) -> bool:
    return bool(pa.types.is_integer(found) or pa.types.is_timestamp(found))
