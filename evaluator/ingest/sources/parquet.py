"""A Parquet file becomes our Parquet: few types, row groups of the right size. Its own types are believed.

Row groups may be of any size, so they are read in slices: ``iter_batches`` of one row group through a buffered stream
stays at 140 MB for a file of a single row group of 700 MB (825 MB without the buffer, and over all row groups at once
it grows with the file).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelbus.evaluator.ingest.cells.declared import DeclaredColumn, cast_declared, expected_of
from modelbus.evaluator.ingest.cells.formed_numerals import declared_form
from modelbus.evaluator.ingest.cells.iso_dates import CUT_FRACTIONS, are_in_calendar
from modelbus.evaluator.ingest.cells.texts import all_bytes, trimmed, try_cast
from modelbus.evaluator.ingest.faults import refused, too_many_columns
from modelbus.evaluator.ingest.sources.naming import column_names
from modelbus.evaluator.ingest.sources.source_options import check_column_options
from modelbus.evaluator.ingest.table import ColumnPlan, Limits, Stage
from modelbus.evaluator.ingest.writing.casting import StoredTable, stored_schema, stored_type, write_groups
from modelbus.evaluator.ingest.writing.kept import KeptWriter, present_texts
from modelbus.shared.contracts import ColumnOptions, ParseOptions
from modelbus.shared.contracts.commands.datasets import ISO_FORMAT
from modelbus.shared.contracts.records.dataset_records import ColumnType
from modelbus.shared.errors import MalformedTable
from modelbus.shared.tabular.cells.kept_cells import KeptCells, open_kept, read_notes
from modelbus.shared.tabular.cells.marks import marks_of
from modelbus.shared.tabular.tables.row_groups import ROW_GROUP_LIMIT

_BUFFER_BYTES = 64 * 1024
_SLICE_CELLS = 500_000
_EXACT_DIGITS = 18
"""Whole numbers of so many digits fit into 64 bits."""
_INDEX = "__index_level_"
"""How pandas calls the columns in which it stores an index without a name."""


@dataclass
class _Source:
    """One column to take over."""

    position: int
    """Where it stands in the file."""
    plan: ColumnPlan
    is_truncated: bool = False
    """Its nanoseconds did not fit."""
    is_rounded: bool = False
    """Some of its numbers have more digits than a double."""


def convert_parquet(
    source: BinaryIO, destination: Path, *, options: ParseOptions, limits: Limits, stage: Stage
) -> tuple[list[ColumnPlan], list[str], StoredTable]:
    """Rewrite a Parquet file. Of a dataset's own file, what is kept beside the values stays with them.

    Returns:
        The columns' plans, warnings, and what was written.

    Raises:
        MalformedTable: No Parquet, no rows, or a column of a type that is no cell or not the declared one, by name.
        LimitExceeded: Too many columns.
        InvalidCommand: The options name a column that is not there.
    """
    with _refusing_damage():
        file = pq.ParquetFile(source, pre_buffer=False, buffer_size=_BUFFER_BYTES)
    if file.metadata.num_columns > limits.column_limit:
        raise too_many_columns(file.metadata.num_columns, limits.column_limit)
    if not file.metadata.num_rows:
        raise refused("the table has no rows", "one row at least")
    columns, warnings = _plan(file, options)
    noted = _noted(file, columns, options)
    plans = [column.plan for column in columns]
    with KeptWriter(destination.with_name(f"{destination.name}.kept")) as kept:
        batches = _typed_batches(file, columns, open_kept(lambda: source, file) if noted else None, kept)
        written = write_groups(destination, plans, batches, stage, file.metadata.num_rows, kept)
    return plans, warnings + [warning for column in columns for warning in _warnings(column)], written


def _noted(file: pq.ParquetFile, columns: list[_Source], options: ParseOptions) -> bool:
    """Take over how the columns were written, if the file is a dataset's own; whether it is."""
    notes = read_notes(file)
    if notes is None or [noted.name for noted in notes.columns] != file.schema_arrow.names:
        return False
    for column in columns:
        noted = notes.columns[column.position]
        if noted.type == column.plan.type and noted.name not in options.columns:
            column.plan = replace(
                column.plan,
                date_format=noted.date_format,
                number_form=noted.number_form,
                missing_marks=tuple(sorted(marks_of(noted))),
                form=noted.form,
                has_values=noted.has_values,
            )
    return True


def _typed_batches(
    file: pq.ParquetFile, columns: list[_Source], known: KeptCells | None, kept: KeptWriter
) -> Iterator[pa.RecordBatch]:
    indices = {column.position: index for index, column in enumerate(columns)}
    start = 0
    for group in range(file.metadata.num_row_groups):
        row_count = file.metadata.row_group(group).num_rows
        if known is not None:
            for position in known.positions(group):
                if position in indices:
                    rows, texts = present_texts(known.texts(group, position, row_count))
                    kept.add(indices[position], rows + start, texts)
        start += row_count
        for batch in _batches(file, groups=[group]):
            yield _typed(batch, columns)


def _warnings(column: _Source) -> list[str]:
    found = [CUT_FRACTIONS] if column.is_truncated else []
    if column.is_rounded:
        found.append("is real, and numbers of more than 15 digits in it are rounded")
    return [f"column {column.plan.name!r} {text}" for text in found]


@contextmanager
def _refusing_damage() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError, OSError) as error:
        raise MalformedTable(
            f"the Parquet file cannot be read: {error}",
            details=[{"where": "file", "problem": str(error)[:500], "expected": "an undamaged Parquet file"}],
        ) from error


def _plan(file: pq.ParquetFile, options: ParseOptions) -> tuple[list[_Source], list[str]]:
    fields = list(file.schema_arrow)
    kept = [position for position, field in enumerate(fields) if not field.name.startswith(_INDEX)]
    if not kept:
        raise refused("the table has no columns", "one column at least")
    names, warnings = column_names([fields[position].name for position in kept])
    if len(kept) < len(fields):
        warnings.append("the index that pandas stored beside the columns is left out")
    check_column_options(options, names)
    columns = []
    for position, name in zip(kept, names, strict=True):
        kind = _column_type(file, position, name)
        plan = _column_plan(name, kind, fields[position].type)
        if kind == "text" and _is_whole(fields[position].type):
            warnings.append(f"column {name!r} has numbers beyond the range of 64 bits and becomes text")
        declared = options.columns.get(name)
        if declared is not None and kind != "empty":
            plan = _declared_plan(file, position, plan, declared)
        columns.append(_Source(position, plan))
    return columns, warnings


def _declared_plan(file: pq.ParquetFile, position: int, plan: ColumnPlan, declared: ColumnOptions) -> ColumnPlan:
    """The plan by the declared type; text is read as it is in a text file, the other types are cast where that is safe.

    Raises:
        MalformedTable: The column's own type cannot become the declared one.
    """
    if declared.type == plan.type and plan.type != "text":
        return plan
    if plan.type == "text":
        finding = DeclaredColumn(declared, marks=("",), text_marks=("",), number_form=declared_form(declared))
        # text that stays text is looked at, too: bytes that are not UTF-8 are told here
        is_needed = finding.looks_at_cells or declared.type == "text"
        for cells in _column(file, position) if is_needed else ():
            finding.feed(_text(cells, plan.name))
        found = finding.plan(plan.name)
        return found if found.type == "text" else replace(found, form=None, has_values=True)
    if declared.type not in _SAFE.get(plan.type, ("text",)):
        raise refused(f"a column of type {plan.type}", f"text, to be read as {declared.type}", column=plan.name)
    return ColumnPlan(plan.name, declared.type, has_values=declared.type != "text")


def _column_plan(name: str, kind: ColumnType, found: pa.DataType) -> ColumnPlan:
    if kind != "datetime":
        return ColumnPlan(name, kind, has_values=kind not in ("text", "empty"))
    value = found.value_type if pa.types.is_dictionary(found) else found
    is_zoned = pa.types.is_timestamp(value) and value.tz is not None
    return ColumnPlan(name, kind, date_format=ISO_FORMAT, is_zoned=is_zoned, has_values=True)


def _column_type(file: pq.ParquetFile, position: int, name: str) -> ColumnType:
    found = file.schema_arrow.field(position).type
    value = found.value_type if pa.types.is_dictionary(found) else found
    kind = next((kind for is_kind, kind in _KINDS if is_kind(value)), None)
    if kind is None:
        raise refused(f"the type {found} is no cell", "numbers, text, booleans or dates", column=name)
    if _is_empty(file, position):
        return "empty"
    if kind == "integer" and _may_exceed_integers(value) and not _fits_integers(file, position):
        return "text"
    return kind


def _is_text_type(found: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(found)
        or pa.types.is_large_string(found)
        or pa.types.is_string_view(found)
        or pa.types.is_binary(found)
        or pa.types.is_large_binary(found)
        or pa.types.is_binary_view(found)
        or pa.types.is_time(found)
    )


def _is_whole(found: pa.DataType) -> bool:
    return bool(pa.types.is_integer(found) or (pa.types.is_decimal(found) and found.scale == 0))


def _may_exceed_integers(found: pa.DataType) -> bool:
    return bool(pa.types.is_uint64(found) or (pa.types.is_decimal(found) and found.precision > _EXACT_DIGITS))


_SAFE: dict[ColumnType, tuple[ColumnType, ...]] = {"integer": ("real", "text"), "real": ("integer", "text")}
"""What a column that is no text can be declared as, beside its own type; text, where nothing stands here."""
_KINDS: list[tuple[Callable[[pa.DataType], bool], ColumnType]] = [
    (_is_whole, "integer"),
    (pa.types.is_floating, "real"),
    (pa.types.is_decimal, "real"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_date, "datetime"),
    (pa.types.is_timestamp, "datetime"),
    (_is_text_type, "text"),
    (pa.types.is_null, "empty"),
]


def _is_empty(file: pq.ParquetFile, position: int) -> bool:
    """Whether the column has no value: by statistics where the file has them, else by its cells."""
    for group in range(file.metadata.num_row_groups):
        chunk = file.metadata.row_group(group).column(position)
        statistics = chunk.statistics
        if statistics is None or not statistics.has_null_count:
            return all(column.null_count == len(column) for column in _column(file, position))
        if statistics.null_count < chunk.num_values:
            return False
    return True


def _fits_integers(file: pq.ParquetFile, position: int) -> bool:
    """Whether a column of unsigned or decimal whole numbers fits into 64 bits."""
    return all(try_cast(column, pa.int64()) is not None for column in _column(file, position))


def _column(file: pq.ParquetFile, position: int) -> Iterator[pa.Array]:
    # pyarrow selects by name, and a name also selects those that go on behind a dot: `a` brings `a.b`
    names = file.schema_arrow.names
    name = names[position]
    brought = [index for index, other in enumerate(names) if other == name or other.startswith(f"{name}.")]
    index = brought.index(position)
    return (_decoded(batch.column(index)) for batch in _batches(file, [name]))


def _batches(
    file: pq.ParquetFile, names: list[str] | None = None, groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """Slices of the columns, row group by row group."""
    rows = max(1, min(ROW_GROUP_LIMIT, _SLICE_CELLS // len(names or file.schema_arrow)))
    with _refusing_damage():
        for group in range(file.metadata.num_row_groups) if groups is None else groups:
            yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=names, use_threads=False)


def _decoded(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _typed(batch: pa.RecordBatch, columns: list[_Source]) -> pa.RecordBatch:
    cells = [_cast(_decoded(batch.column(column.position)), column) for column in columns]
    return pa.RecordBatch.from_arrays(cells, schema=stored_schema([column.plan for column in columns]))


def _cast(cells: pa.Array, column: _Source) -> pa.Array:
    plan = column.plan
    target = stored_type(plan)
    if plan.type == "empty":
        return pa.nulls(len(cells), target)
    if plan.type != "text" and _is_text_type(cells.type):
        return _cast_text(_text(cells, plan.name), plan, target)
    if pa.types.is_floating(cells.type):
        cells = pc.if_else(pc.is_nan(pc.cast(cells, pa.float64())), pa.scalar(None, cells.type), cells)
    found = try_cast(cells, target)
    if found is None:
        column.is_truncated = pa.types.is_timestamp(cells.type) and cells.type.unit == "ns"
        found = _cast_loosely(cells, column)
    if plan.type == "real":
        column.is_rounded |= _is_rounded(cells, found)
    if plan.type == "datetime" and not are_in_calendar(found):
        raise refused("a date before year 1 or after year 9999", "years 1 to 9999", column=plan.name)
    if plan.type == "text":
        _refuse_bad_text(found, plan.name)
        found = _without_blanks(found)
    return found


def _without_blanks(cells: pa.Array) -> pa.Array:
    """Text of which blank cells are missing, as they are in every format."""
    is_blank = pc.equal(trimmed(cells), "")
    return pc.if_else(is_blank, pa.scalar(None, pa.string()), cells) if pc.any(is_blank).as_py() else cells


def _is_rounded(cells: pa.Array, found: pa.Array) -> bool:
    if pa.types.is_floating(cells.type):
        return False
    back = try_cast(found, cells.type)
    return back is None or not back.equals(cells)


def _cast_loosely(cells: pa.Array, column: _Source) -> pa.Array:
    # reals may be rounded and nanoseconds cut; everything else that does not fit is refused
    plan = column.plan
    try:
        return pc.cast(cells, stored_type(plan), safe=plan.type != "real" and not column.is_truncated)
    except pa.ArrowInvalid as error:
        raise refused(str(error)[:500], f"values that are {plan.type}", column=plan.name) from error


def _text(cells: pa.Array, name: str) -> pa.Array:
    """Text of any of Arrow's kinds as trimmed cells, blank ones missing."""
    values = try_cast(cells, pa.string())
    if values is None:
        raise _bad_text(name)
    _refuse_bad_text(values, name)
    values = trimmed(values)
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def _cast_text(values: pa.Array, plan: ColumnPlan, target: pa.DataType) -> pa.Array:
    found, indices = cast_declared(values, plan, target)
    if indices:
        raise refused(repr(values[indices[0]].as_py()[:100]), expected_of(plan), column=plan.name)
    return found


def _refuse_bad_text(cells: pa.Array, name: str) -> None:
    """Refuse what no text file could hold."""
    try:
        cells.validate(full=True)
    except pa.ArrowInvalid as error:
        raise _bad_text(name) from error
    if not all_bytes(cells).all():
        raise refused("a NUL character", "text without it", column=name)


def _bad_text(name: str) -> MalformedTable:
    return refused("bytes that are not UTF-8", "text", column=name)
