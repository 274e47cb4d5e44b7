"""Pass 2: the spool's text becomes typed Parquet, batch by batch, by the plan that pass 1 made."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluator.ingest.ahead import read_ahead
from evaluator.ingest.booleans import to_booleans
from evaluator.ingest.calendar_dates import to_calendar_dates
from evaluator.ingest.cells import missing_mask, trimmed
from evaluator.ingest.iso_dates import ISO_FORMAT, to_iso_dates
from evaluator.ingest.numerals import to_integers, to_reals
from evaluator.ingest.spool import read_spool, regrouped
from evaluator.ingest.table import GROUP_SIZE_BYTES, ColumnPlan, Stage
from shared.contracts.records import ColumnType

_STORED: dict[ColumnType, pa.DataType] = {
    "integer": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
    "text": pa.string(),
    "empty": pa.float64(),
}
_DICTIONARY_LIMIT_BYTES = 128 * 1024
"""A column's values are written as they are where more of them differ: a large dictionary takes time, and room too."""


def stored_schema(plans: Sequence[ColumnPlan]) -> pa.Schema:
    """The schema of the final Parquet file."""
    return pa.schema([pa.field(plan.name, stored_type(plan)) for plan in plans])


def stored_type(plan: ColumnPlan) -> pa.DataType:
    """The Arrow type in which a column is stored."""
    return pa.timestamp("us", "UTC") if plan.is_zoned else _STORED[plan.type]


def write_typed(spool: Path, destination: Path, plans: Sequence[ColumnPlan], stage: Stage, *, row_count: int) -> None:
    """Cast the spool into the final Parquet file.

    Args:
        row_count: Rows in the spool, for the progress.
    """
    write_groups(destination, plans, (_cast_batch(batch, plans) for batch in read_spool(spool)), stage, row_count)


def write_groups(
    destination: Path, plans: Sequence[ColumnPlan], batches: Iterable[pa.RecordBatch], stage: Stage, row_count: int
) -> None:
    """Write typed batches as Parquet with row groups of the right size."""
    done = 0
    schema = stored_schema(plans)
    options = {"compression": "zstd", "dictionary_pagesize_limit": _DICTIONARY_LIMIT_BYTES}
    with pq.ParquetWriter(str(destination), schema, **options) as writer:
        for batch in read_ahead(regrouped(batches, GROUP_SIZE_BYTES)):
            writer.write_batch(batch)
            done += batch.num_rows
            stage.report(done / row_count)


def _cast_batch(batch: pa.RecordBatch, plans: Sequence[ColumnPlan]) -> pa.RecordBatch:
    # a spool's early batches lack the columns that came late
    cells = (batch.column(position) if position < batch.num_columns else None for position in range(len(plans)))
    columns = [_cast_column(column, plan, batch.num_rows) for column, plan in zip(cells, plans, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=stored_schema(plans))


def _cast_column(cells: pa.Array | None, plan: ColumnPlan, row_count: int) -> pa.Array:
    if cells is None or plan.type == "empty":
        return pa.nulls(row_count, stored_type(plan))
    values = trimmed(cells)
    if plan.type == "text":
        return _without_missing(pc.ascii_ltrim(cells, characters=" ") if plan.is_indented else cells, values, plan)
    found = _cast_values(_without_missing(values, values, plan), plan)
    if found is None:  # pass 1 cast the same cells by the same functions
        raise AssertionError(f"column {plan.name!r} is no {plan.type} after all")
    return found


def _without_missing(cells: pa.Array, values: pa.Array, plan: ColumnPlan) -> pa.Array:
    mask = missing_mask(values, plan.missing_marks)
    return cells if mask is None else pc.if_else(mask, pa.scalar(None, pa.string()), cells)


def _cast_values(values: pa.Array, plan: ColumnPlan) -> pa.Array | None:
    if plan.type == "integer":
        return to_integers(values)
    if plan.type == "real":
        return to_reals(values, has_decimal_comma=plan.has_decimal_comma)
    if plan.type == "boolean":
        return to_booleans(values)
    if plan.date_format == ISO_FORMAT:
        return to_iso_dates(values, is_zoned=plan.is_zoned)
    return to_calendar_dates(values, plan.date_format or "")
