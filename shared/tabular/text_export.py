"""A table as CSV or JSON lines, row group by row group, in the same memory for any size. Values only, no store.

Whole columns are turned into text and joined row by row by Arrow: the bytes of the joined cells are the file. pyarrow's
own CSV writer would write the real ``1.0`` as ``1``, which reads back as an integer, and has no ISO dates.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.tabular.cell_text import JSON_INFINITY, cell_texts
from shared.tabular.formulas import without_formulas
from shared.tabular.row_groups import read_group

_SLICE_BYTES: Final = 2 * 1024 * 1024
"""Cells that are turned into text at once: text of numbers takes some times as much."""
_SLICE_CELLS: Final = 250_000
_TO_QUOTE: Final = r"^$|^[ ]|[ ]$|[\",;|\t\r\n]"
"""Cells that need quotes (RFC 4180), or that somebody who guesses the delimiter could misread without them."""
_TO_ESCAPE: Final = r'["\\\x00-\x1f]'
"""Cells that JSON cannot hold as they are (RFC 8259)."""

OnRows = Callable[[int], None]
"""Told how many rows are written so far."""


def write_csv(table: pq.ParquetFile, destination: BinaryIO, *, has_formulas: bool, on_rows: OnRows) -> None:
    r"""Write a table as CSV: a header, commas, ``\n``, UTF-8, quotes where they are needed (RFC 4180).

    A missing value is an empty field, an empty text ``""``; in a table of a single column both are ``""``, because an
    empty line is no row to many readers. Infinite reals are ``inf`` and ``-inf``.

    Args:
        table: The table.
        destination: Where to write.
        has_formulas: Whether text that a spreadsheet would run stays as it is; else it gets an apostrophe before it.
        on_rows: Told of the progress.
    """
    names = table.schema_arrow.names
    missing = '""' if len(names) == 1 else ""

    def cells_of(cells: pa.Array) -> pa.Array:
        if not pa.types.is_string(cells.type):
            return cell_texts(cells)
        return _quoted(cells if has_formulas else without_formulas(cells))

    header = pc.coalesce(cells_of(pa.array(names, pa.string())), pa.scalar(missing)).to_pylist()
    destination.write((",".join(header) + "\n").encode())
    between = [*[","] * (len(names) - 1), "\n"]
    _write(table, destination, lambda columns: _woven([cells_of(one) for one in columns], between), missing, on_rows)


def write_json_lines(table: pq.ParquetFile, destination: BinaryIO, *, on_rows: OnRows) -> None:
    """Write a table as one JSON object a line, with every column in each: a missing value is null.

    JSON has no infinite number: they are ``1e999`` and ``-1e999``, which are valid, and which every parser of doubles
    reads as infinite.
    """
    keys = [orjson.dumps(name).decode() for name in table.schema_arrow.names]
    between = [*[f",{key}:" for key in keys[1:]], "}\n"]
    start = f"{{{keys[0]}:"

    def line_parts(columns: Sequence[pa.Array]) -> list[pa.Array | str]:
        return [start, *_woven([_json_texts(cells) for cells in columns], between)]

    _write(table, destination, line_parts, "null", on_rows)


def _write(
    table: pq.ParquetFile,
    destination: BinaryIO,
    line_parts: Callable[[Sequence[pa.Array]], list[pa.Array | str]],
    missing: str,
    on_rows: OnRows,
) -> None:
    row_count = 0
    for batch in _slices(table):
        lines = pc.binary_join_element_wise(
            *line_parts(batch.columns), "", null_handling="replace", null_replacement=missing
        )
        destination.write(_bytes_of(lines))
        row_count += batch.num_rows
        on_rows(row_count)
    # What comes next, such as storing the file, needs memory too.
    pa.default_memory_pool().release_unused()


def _slices(table: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    for number in range(table.num_row_groups):
        group = read_group(table, number, table.schema_arrow.names)
        rows_of_size = group.num_rows * _SLICE_BYTES // max(group.nbytes, 1)
        rows = max(1, min(rows_of_size, _SLICE_CELLS // len(group.columns)))
        for start in range(0, group.num_rows, rows):
            yield group.slice(start, rows).combine_chunks().to_batches()[0]
        # Not kept while the next one is read.
        del group


def _woven(columns: list[pa.Array], between: list[str]) -> list[pa.Array | str]:
    return [part for pair in zip(columns, between, strict=True) for part in pair]


def _bytes_of(lines: pa.Array) -> memoryview:
    """The cells' bytes, one after the other."""
    offsets = memoryview(lines.buffers()[1]).cast("i")
    return memoryview(lines.buffers()[2])[offsets[lines.offset] : offsets[lines.offset + len(lines)]]


def _quoted(cells: pa.Array) -> pa.Array:
    needs_quotes = pc.match_substring_regex(cells, pattern=_TO_QUOTE)
    if not pc.any(needs_quotes).as_py():
        return cells
    doubled = pc.replace_substring(cells, pattern='"', replacement='""')
    return pc.if_else(needs_quotes, pc.binary_join_element_wise('"', doubled, '"', ""), cells)


def _json_texts(cells: pa.Array) -> pa.Array:
    if pa.types.is_string(cells.type):
        return _json_strings(cells)
    texts = cell_texts(cells)
    if pa.types.is_timestamp(cells.type):
        return pc.binary_join_element_wise('"', texts, '"', "")
    if pa.types.is_floating(cells.type):
        return pc.replace_substring(texts, pattern="inf", replacement=JSON_INFINITY)
    return texts


def _json_strings(cells: pa.Array) -> pa.Array:
    plain = pc.binary_join_element_wise('"', cells, '"', "")
    needs_escape = pc.match_substring_regex(cells, pattern=_TO_ESCAPE)
    if not pc.any(needs_escape).as_py():
        return plain
    escaped = [orjson.dumps(text).decode() for text in cells.filter(needs_escape).to_pylist()]
    return pc.replace_with_mask(plain, pc.fill_null(needs_escape, False), pa.array(escaped, pa.string()))
