"""Pages of a table's rows in JSON form, read without the rows before them. Values only, no store."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from modelbus.shared.tabular.cells.cell_text import date_texts
from modelbus.shared.tabular.tables.row_groups import read_group

PAGE_SIZE_BYTES: Final = 8 * 1024 * 1024
"""Maximum size of a page as JSON: rows can be wide, and callers hold a page in memory."""
_CELLS_AT_ONCE: Final = 50_000


@dataclass(frozen=True)
class Page:
    """Consecutive rows."""

    columns: list[str]
    """The names of the columns, in the order of each row."""
    rows: list[dict[str, Any]]
    following: int | None
    """The number of the next row; None after the last one."""


def read_page(table: pq.ParquetFile, offset: int, limit: int, columns: Sequence[str] | None = None) -> Page:
    """Read ``limit`` rows from row ``offset`` (from 0); fewer at the end of the table, or if rows are wide.

    Integers stay integers; dates are ISO 8601 text; a missing value is None; infinite reals, which JSON cannot express
    as numbers, are the text ``Infinity`` and ``-Infinity``.

    Args:
        table: The table.
        offset: Rows to skip; beyond the end, the page is empty.
        limit: Maximum rows of the page.
        columns: The columns, distinct, in this order; all by default.
    """
    names = list(columns or table.schema_arrow.names)
    rows: list[dict[str, Any]] = []
    size_bytes = 0
    for row in _rows(table, offset, limit, names):
        size_bytes += len(orjson.dumps(row))
        if rows and size_bytes > PAGE_SIZE_BYTES:
            break
        rows.append(row)
    end = offset + len(rows)
    return Page(names, rows, end if rows and end < table.metadata.num_rows else None)


def _rows(table: pq.ParquetFile, offset: int, limit: int, names: list[str]) -> Iterator[dict[str, Any]]:
    first = 0
    for number in range(table.num_row_groups):
        count = table.metadata.row_group(number).num_rows
        begin, end = max(offset - first, 0), min(offset + limit - first, count)
        first += count
        if begin < end:
            yield from _dicts(read_group(table, number, names).slice(begin, end - begin))
        if first >= offset + limit:
            return


def _dicts(rows: pa.Table) -> Iterator[dict[str, Any]]:
    names = rows.column_names
    count = max(1, _CELLS_AT_ONCE // len(names))
    for start in range(0, rows.num_rows, count):
        cells = [_json_cells(column.combine_chunks()) for column in rows.slice(start, count).columns]
        yield from (dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True))


def _json_cells(cells: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(cells.type):
        cells = date_texts(cells)
    values: list[Any] = cells.to_pylist()
    return [_json_real(value) for value in values] if pa.types.is_floating(cells.type) else values


def _json_real(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
