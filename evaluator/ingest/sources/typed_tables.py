"""A file with types of its own becomes our Parquet: few types, row groups of the right size. Its types are believed.

How such files are read is in ``parquet``, ``arrow_files`` and ``orc_files``; here is what their columns become.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.declared import DeclaredColumn, cast_declared, expected_of
from modelbus.evaluator.ingest.cells.formed_numerals import declared_form
from modelbus.evaluator.ingest.cells.iso_dates import CUT_FRACTIONS, are_in_calendar
from modelbus.evaluator.ingest.cells.texts import all_bytes, trimmed, try_cast
from modelbus.evaluator.ingest.faults import refused, too_many_columns
from modelbus.evaluator.ingest.sources.naming import column_names
from modelbus.evaluator.ingest.sources.source_options import check_column_options
from modelbus.evaluator.ingest.table import ColumnPlan, Limits, Stage
from modelbus.evaluator.ingest.writing.casting import StoredTable, stored_schema, stored_type, write_groups
from modelbus.evaluator.ingest.writing.kept import KeptWriter
from modelbus.shared.contracts import ColumnOptions, ParseOptions
from modelbus.shared.contracts.commands.datasets import ISO_FORMAT
from modelbus.shared.contracts.records.dataset_records import ColumnType
from modelbus.shared.errors import MalformedTable
from modelbus.shared.tabular.tables.row_groups import ROW_GROUP_LIMIT

_SLICE_CELLS: Final = 500_000
_EXACT_DIGITS = 18
"""Whole numbers with up to this many digits fit into 64 bits."""
_INDEX = "__index_level_"
"""How pandas calls the columns in which it stores an index without a name."""


@dataclass
class TypedColumn:
    """One column to take over."""

    position: int
    """Its place in the file."""
    plan: ColumnPlan
    is_truncated: bool = False
    """Its nanoseconds did not fit."""
    is_rounded: bool = False
    """Some of its numbers have more digits than a double."""


class TypedFile(Protocol):
    """A file that is open, whatever its format."""

    @property
    def format_name(self) -> str:
        """For errors, such as ``Parquet``."""

    @property
    def schema(self) -> pa.Schema:
        """The columns, with their own types."""

    @property
    def row_count(self) -> int:
        """Rows."""

    @property
    def group_count(self) -> int:
        """Parts that can be read one by one."""

    def is_empty(self, position: int) -> bool | None:
        """Whether a column has no value, where the file says so; None where it does not."""

    def batches(self, position: int | None, group: int | None, row_limit: int) -> Iterator[pa.RecordBatch]:
        """The rows in their order.

        Args:
            position: The only column to read; None: all of them.
            group: The only part to read; None: all of them.
            row_limit: Rows of a batch at most.
        """


class Notes(Protocol):
    """What a dataset's own file says in addition to its values."""

    def note(self, columns: list[TypedColumn], options: ParseOptions) -> None:
        """Take over how the columns were written."""

    def keep(self, group: int, start: int, indices: Mapping[int, int], kept: KeptWriter) -> None:
        """Keep the cells of a part of the file that are kept as they were written.

        Args:
            group: The part.
            start: Its first row.
            indices: For each column's place in the file its place in the table.
            kept: Takes the cells.
        """


def convert_typed(
    file: TypedFile,
    destination: Path,
    *,
    notes: Notes | None = None,
    options: ParseOptions,
    limits: Limits,
    stage: Stage,
) -> tuple[list[ColumnPlan], list[str], StoredTable]:
    """Rewrite a file with types of its own.

    Returns:
        The columns' plans, warnings, and what was written.

    Raises:
        MalformedTable: The file is damaged, has no rows, or a column of a type that is not supported or not the
            declared one; names the column.
        LimitExceeded: Too many columns.
        InvalidCommand: The options name a column that is not there.
    """
    with refusing_damage(file.format_name):
        for field in file.schema:
            _check_texts(field)
    if len(file.schema) > limits.column_limit:
        raise too_many_columns(len(file.schema), limits.column_limit)
    if not file.row_count:
        raise refused("the table has no rows", "at least one row")
    columns, warnings = _plan(file, options)
    if notes is not None:
        notes.note(columns, options)
    plans = [column.plan for column in columns]
    with KeptWriter(destination.with_name(f"{destination.name}.kept")) as kept:
        batches = _typed_batches(file, columns, notes, kept)
        written = write_groups(destination, plans, batches, stage, file.row_count, kept)
    return plans, warnings + [warning for column in columns for warning in _warnings(column)], written


def _check_texts(field: pa.Field) -> None:
    """Decode the texts of a schema, which pyarrow does on access: in a damaged file they may not be text."""
    _ = field.name
    if pa.types.is_timestamp(_value_type(field.type)):
        _ = _value_type(field.type).tz


def _typed_batches(
    file: TypedFile, columns: list[TypedColumn], notes: Notes | None, kept: KeptWriter
) -> Iterator[pa.RecordBatch]:
    indices = {column.position: index for index, column in enumerate(columns)}
    start = 0
    for group in range(file.group_count):
        if notes is not None:
            notes.keep(group, start, indices, kept)
        for batch in _batches(file, group=group):
            start += batch.num_rows
            yield _typed(batch, columns)


def _warnings(column: TypedColumn) -> list[str]:
    found = [CUT_FRACTIONS] if column.is_truncated else []
    if column.is_rounded:
        found.append("is real; numbers with more than 15 digits are rounded")
    return [f"column {column.plan.name!r} {text}" for text in found]


@contextmanager
def refusing_damage(format_name: str) -> Iterator[None]:
    """Say of which format a damaged file is."""
    try:
        yield
    except MemoryError as error:  # of a damaged file, too, whose sizes are anything
        problem = f"the {format_name} file needs more memory than a job may take"
        raise refused(problem, f"an undamaged {format_name} file, written in smaller batches") from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise MalformedTable(
            f"the {format_name} file cannot be read: {error}",
            details=[{"where": "file", "problem": str(error)[:500], "expected": f"an undamaged {format_name} file"}],
        ) from error


def _plan(file: TypedFile, options: ParseOptions) -> tuple[list[TypedColumn], list[str]]:
    fields = list(file.schema)
    kept = [position for position, field in enumerate(fields) if not field.name.startswith(_INDEX)]
    if not kept:
        raise refused("the table has no columns", "at least one column")
    names, warnings = column_names([fields[position].name for position in kept])
    if len(kept) < len(fields):
        warnings.append("the index stored by pandas is skipped")
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
        columns.append(TypedColumn(position, plan))
    return columns, warnings


def _declared_plan(file: TypedFile, position: int, plan: ColumnPlan, declared: ColumnOptions) -> ColumnPlan:
    """The plan by the declared type; text is read as it is in a text file, the other types are cast where that is safe.

    Raises:
        MalformedTable: The column's own type cannot become the declared one.
    """
    if declared.type == plan.type and plan.type != "text":
        return plan
    if plan.type == "text":
        finding = DeclaredColumn(declared, marks=("",), text_marks=("",), number_form=declared_form(declared))
        # text that stays text is looked at, too: bytes that are not UTF-8 are found here
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
    value = _value_type(found)
    is_zoned = pa.types.is_timestamp(value) and value.tz is not None
    return ColumnPlan(name, kind, date_format=ISO_FORMAT, is_zoned=is_zoned, has_values=True)


def _column_type(file: TypedFile, position: int, name: str) -> ColumnType:
    found = file.schema.field(position).type
    value = _value_type(found)
    kind = next((kind for is_kind, kind in _KINDS if is_kind(value)), None)
    if kind is None:
        raise _unsupported(found, name)
    if _is_empty(file, position):
        return "empty"
    if kind == "integer" and _may_exceed_integers(value) and not _fits_integers(file, position):
        return "text"
    return kind


def _unsupported(found: pa.DataType, name: str) -> MalformedTable:
    expected = "numbers, text, booleans or dates"
    if pa.types.is_nested(found):
        expected = f"{expected}; put each nested value into a column of its own"
    elif pa.types.is_duration(found) or pa.types.is_interval(found):
        expected = f"{expected}; write durations as numbers, such as seconds"
    return refused(f"the type {str(found)[:200]} is not supported", expected, column=name)


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
"""The types that a column other than text can be declared as, besides its own; text for the types not listed."""
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


def _is_empty(file: TypedFile, position: int) -> bool:
    """Whether the column has no value: by statistics where the file has them, else by its cells."""
    known = file.is_empty(position)
    return all(cells.null_count == len(cells) for cells in _column(file, position)) if known is None else known


def _fits_integers(file: TypedFile, position: int) -> bool:
    """Whether a column of unsigned or decimal whole numbers fits into 64 bits."""
    return all(try_cast(column, pa.int64()) is not None for column in _column(file, position))


def _column(file: TypedFile, position: int) -> Iterator[pa.Array]:
    return (_decoded(batch.column(0)) for batch in _batches(file, position=position))


def _batches(file: TypedFile, *, position: int | None = None, group: int | None = None) -> Iterator[pa.RecordBatch]:
    """Slices of the columns."""
    width = len(file.schema) if position is None else 1
    with refusing_damage(file.format_name):
        yield from file.batches(position, group, max(1, min(ROW_GROUP_LIMIT, _SLICE_CELLS // width)))


def _value_type(found: pa.DataType) -> pa.DataType:
    """The type of a column's values, however they are encoded."""
    return found.value_type if pa.types.is_dictionary(found) or pa.types.is_run_end_encoded(found) else found


def _decoded(column: pa.Array) -> pa.Array:
    if pa.types.is_run_end_encoded(column.type):
        return pc.run_end_decode(column)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _typed(batch: pa.RecordBatch, columns: list[TypedColumn]) -> pa.RecordBatch:
    cells = [_cast(_decoded(batch.column(column.position)), column) for column in columns]
    return pa.RecordBatch.from_arrays(cells, schema=stored_schema([column.plan for column in columns]))


def _cast(cells: pa.Array, column: TypedColumn) -> pa.Array:
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


def _cast_loosely(cells: pa.Array, column: TypedColumn) -> pa.Array:
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
