"""The export of a dataset as text that gives the same table when it is uploaded again. No store.

Cells are written as they were in the original file if they would be read with the column's type again; otherwise, in
the standard form of their type. Text that would be read as something else is marked as text (``text_export.py``).
"""

from collections.abc import Iterator
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.calendar_dates import CalendarDates
from modelbus.evaluator.ingest.cells.iso_dates import IsoDates
from modelbus.evaluator.ingest.cells.narrowing import Candidate, ColumnNarrowing, delimited_candidates
from modelbus.evaluator.ingest.cells.numerals import Numerals
from modelbus.evaluator.ingest.cells.texts import missing_mask, trimmed
from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.tabular.cells.marks import TEXT_MISSING_MARKS
from modelbus.shared.tabular.cells.written import KEPT
from modelbus.shared.tabular.tables.row_groups import read_group
from modelbus.shared.tabular.tables.stored_tables import Table
from modelbus.shared.tabular.tables.text_export import ExportPlan

_BRACKETS: Final = ("[", "(", "<")
_JSON_NUMBER: Final = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"


def plan_export(table: Table, text_format: Literal["csv", "jsonl"]) -> ExportPlan:
    """Decide how the columns are written; this reads text columns, and columns whose original cells are stored.

    Args:
        table: The dataset.
        text_format: The format to write.
    """
    columns = [table.columns[name] for name in table.parquet.schema_arrow.names]
    is_mistaken = _is_mistaken if text_format == "csv" else _is_taken_for_dates
    is_found_again = _is_found_again if text_format == "csv" else _is_found_in_json
    return ExportPlan(
        texts=table.texts,
        as_written=frozenset(column.name for column in columns if is_found_again(table, column)),
        told_text=frozenset(
            column.name for column in columns if column.type == "text" and is_mistaken(table, column.name)
        ),
    )


def _is_found_again(table: Table, column: ColumnSchema) -> bool:
    """Whether the original cells would be read with the column's type from CSV."""
    if column.type in ("text", "empty") or column.form is None or column.number_form is not None:
        return False
    return column.form != KEPT or _is_narrowed_to(column, table, delimited_candidates("."))


def _is_found_in_json(table: Table, column: ColumnSchema) -> bool:
    """Whether the original cells would be read with the column's type from JSON."""
    if column.type == "datetime":
        return column.form is not None and (column.form != KEPT or _is_narrowed_to(column, table, _dates()))
    if column.type not in ("integer", "real") or column.form is None or column.number_form is not None:
        return False
    if column.form == KEPT:
        numerals: list[Candidate] = [Numerals(decimal_marks=".")]
        return _are_json_numbers(table, column.name) and _is_narrowed_to(column, table, numerals)
    return True


def _are_json_numbers(table: Table, name: str) -> bool:
    return all(
        pc.all(pc.match_substring_regex(cells, pattern=_JSON_NUMBER)).as_py()
        for cells in _cells(table, name, as_written=True)
    )


def _is_narrowed_to(column: ColumnSchema, table: Table, candidates: list[Candidate]) -> bool:
    narrowing = ColumnNarrowing(candidates)
    for cells in _cells(table, column.name, as_written=True):
        narrowing.feed(cells)
    plan = narrowing.plan(column.name)
    found = plan.type, plan.date_format, plan.is_zoned
    return found == (column.type, column.date_format, column.is_zoned)


def _dates() -> list[Candidate]:
    return [IsoDates(), CalendarDates()]


def _is_mistaken(table: Table, name: str) -> bool:
    """Whether text cells would be read as another type, as missing, or as a repeated header."""
    narrowing = ColumnNarrowing(delimited_candidates("."))
    is_settled = False
    for number, cells in enumerate(_cells(table, name)):
        values = trimmed(cells)
        if missing_mask(values, TEXT_MISSING_MARKS) is not None:
            return True
        # rows that repeat the header, or units below it
        if pc.any(pc.equal(values, name)).as_py() or (not number and values[0].as_py().startswith(_BRACKETS)):
            return True
        if not is_settled:
            narrowing.feed(cells)
            is_settled = narrowing.is_text
    return not is_settled and narrowing.plan(name).type != "text"


def _is_taken_for_dates(table: Table, name: str) -> bool:
    narrowing = ColumnNarrowing(_dates(), marks=("",), text_marks=("",))
    for cells in _cells(table, name):
        narrowing.feed(cells)
        if narrowing.is_text:
            return False
    return narrowing.plan(name).type != "text"


def _cells(table: Table, name: str, *, as_written: bool = False) -> Iterator[pa.Array]:
    """The cells that are not missing, one row group at a time."""
    for number in range(table.group_count):
        cells = read_group(table.parquet, number, [name]).column(0).combine_chunks()
        if as_written:
            cells = table.texts(number, name, cells).filter(pc.is_valid(cells))
        if cells.null_count < len(cells):
            yield cells.drop_null()
