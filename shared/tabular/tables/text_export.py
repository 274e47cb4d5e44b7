"""Writes a table as CSV or JSON lines, one row group at a time, in constant memory. Values only, no store.

Arrow converts whole columns to text and joins them row by row. pyarrow's own CSV writer would write the real ``1.0`` as
``1``, which is read back as an integer, and has no ISO dates.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelbus.shared.tabular.cells.cell_text import JSON_INFINITY, cell_texts
from modelbus.shared.tabular.cells.formulas import without_formulas
from modelbus.shared.tabular.tables.row_groups import read_group

_SLICE_BYTES: Final = 2 * 1024 * 1024
"""Bytes of cells that are converted at once; numbers take several times as much as text."""
_SLICE_CELLS: Final = 250_000
_TO_QUOTE: Final = r"^$|^[ ]|[ ]$|[\",;|\x00-\x1f]"
"""Cells that need quotes (RFC 4180), or that could be misread without them if the delimiter is guessed."""
NAME_TO_QUOTE: Final = re.compile(rf"{_TO_QUOTE}|^#")
"""Names of columns that need quotes: a line that begins with `#` may be read as a comment."""
_TO_ESCAPE: Final = r'["\\\x00-\x1f]'
"""Cells that must be escaped in JSON (RFC 8259)."""

_NO_TEXT: Final = pa.scalar(None, pa.string())

OnRows = Callable[[int], None]
"""Takes the number of rows written so far."""


BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class ExportPlan:
    """How columns are written so that reading the file gives the same table."""

    texts: Callable[[int, str, pa.Array], pa.Array] | None = None
    """Returns the original texts of cells, given the number of a row group, a column and its cells."""
    as_written: frozenset[str] = frozenset()
    """Columns other than text whose original cells are written."""
    told_text: frozenset[str] = frozenset()
    """Text columns whose cells would be read as another type; the file marks them as text."""


AS_STORED: Final = ExportPlan()


def write_csv(
    table: pq.ParquetFile,
    destination: BinaryIO,
    *,
    has_formulas: bool,
    on_rows: OnRows,
    plan: ExportPlan = AS_STORED,
) -> None:
    r"""Write a table as CSV: a header, commas, ``\n``, UTF-8, quotes where they are needed (RFC 4180).

    A missing value is an empty field; in a table with a single column it is ``""``, because many readers skip empty
    lines. Infinite reals are ``inf`` and ``-inf``.

    If text would be read as another type (``98765``, ``NA``), the file marks text by an unusual use of quotes: it
    begins with a byte order mark, text cells are quoted and others are not, and the names of text columns are not
    quoted while the others are. ``own_csv.py`` of the evaluator reads it.

    Args:
        table: The table.
        destination: The output file.
        has_formulas: Whether text that a spreadsheet would run stays unchanged; otherwise it gets an apostrophe prefix.
        on_rows: Takes the progress.
        plan: How columns are written.
    """
    schema = table.schema_arrow
    names = schema.names
    missing = '""' if len(names) == 1 else ""
    is_text = {field.name: pa.types.is_string(field.type) for field in schema}
    tells_text = bool(plan.told_text)

    def cells_of(name: str, cells: pa.Array) -> pa.Array:
        if not is_text[name]:
            return _quoted(cells) if pa.types.is_string(cells.type) else cell_texts(cells)
        cells = cells if has_formulas else without_formulas(cells)
        return _all_quoted(cells) if tells_text else _quoted(cells)

    shown = pa.array(names, pa.string()) if has_formulas else without_formulas(pa.array(names, pa.string()))
    header = [
        _name(text, is_quoted=tells_text and not is_text[name])
        for name, text in zip(names, shown.to_pylist(), strict=True)
    ]
    destination.write((BYTE_ORDER_MARK if tells_text else b"") + (",".join(header) + "\n").encode())
    between = [*[","] * (len(names) - 1), "\n"]

    def line_parts(columns: Sequence[pa.Array]) -> list[pa.Array | str]:
        return _woven([cells_of(name, cells) for name, cells in zip(names, columns, strict=True)], between)

    _write(table, destination, line_parts, missing, on_rows, plan)


def write_json_lines(
    table: pq.ParquetFile, destination: BinaryIO, *, on_rows: OnRows, plan: ExportPlan = AS_STORED
) -> None:
    r"""Write a table as one JSON object a line, with every column in each: a missing value is null.

    JSON has no infinite numbers: they are written as ``1e999`` and ``-1e999``, which are valid JSON and which parsers
    of doubles read as infinite. Text that would be read as a date has its first digit escaped (``"\u0032024-01-31"``),
    which is the same text for every parser.
    """
    names = table.schema_arrow.names
    keys = [orjson.dumps(name).decode() for name in names]
    between = [*[f",{key}:" for key in keys[1:]], "}\n"]
    start = f"{{{keys[0]}:"
    numbers = {field.name for field in table.schema_arrow if not _is_quoted_in_json(field.type)}

    def json_of(name: str, cells: pa.Array) -> pa.Array:
        if name in plan.as_written and name in numbers:
            return pc.replace_substring(cells, pattern="inf", replacement=JSON_INFINITY)
        texts = _json_texts(cells)
        return _escaped_digits(texts) if name in plan.told_text else texts

    def line_parts(columns: Sequence[pa.Array]) -> list[pa.Array | str]:
        return [start, *_woven([json_of(*pair) for pair in zip(names, columns, strict=True)], between)]

    _write(table, destination, line_parts, "null", on_rows, plan)


def _write(
    table: pq.ParquetFile,
    destination: BinaryIO,
    line_parts: Callable[[Sequence[pa.Array]], list[pa.Array | str]],
    missing: str,
    on_rows: OnRows,
    plan: ExportPlan,
) -> None:
    row_count = 0
    for batch in _slices(table, plan):
        lines = pc.binary_join_element_wise(
            *line_parts(batch.columns), "", null_handling="replace", null_replacement=missing
        )
        destination.write(_bytes_of(lines))
        row_count += batch.num_rows
        on_rows(row_count)
    # The next steps, such as storing the file, need memory too.
    pa.default_memory_pool().release_unused()


def _slices(table: pq.ParquetFile, plan: ExportPlan) -> Iterator[pa.RecordBatch]:
    names = table.schema_arrow.names
    for number in range(table.num_row_groups):
        group = read_group(table, number, names)
        if plan.texts is not None:
            for name in plan.as_written:
                texts = plan.texts(number, name, group[name].combine_chunks())
                group = group.set_column(names.index(name), name, pc.if_else(group[name].is_valid(), texts, _NO_TEXT))
        rows_of_size = group.num_rows * _SLICE_BYTES // max(group.nbytes, 1)
        rows = max(1, min(rows_of_size, _SLICE_CELLS // len(group.columns)))
        for start in range(0, group.num_rows, rows):
            yield group.slice(start, rows).combine_chunks().to_batches()[0]
        # Released before the next one is read.
        del group


def _woven(columns: list[pa.Array], between: list[str]) -> list[pa.Array | str]:
    return [part for pair in zip(columns, between, strict=True) for part in pair]


def _bytes_of(lines: pa.Array) -> memoryview:
    """The concatenated bytes of the cells."""
    offsets = memoryview(lines.buffers()[1]).cast("i")
    return memoryview(lines.buffers()[2])[offsets[lines.offset] : offsets[lines.offset + len(lines)]]


def _quoted(cells: pa.Array) -> pa.Array:
    needs_quotes = pc.match_substring_regex(cells, pattern=_TO_QUOTE)
    if not pc.any(needs_quotes).as_py():
        return cells
    doubled = pc.replace_substring(cells, pattern='"', replacement='""')
    return pc.if_else(needs_quotes, pc.binary_join_element_wise('"', doubled, '"', ""), cells)


def _all_quoted(cells: pa.Array) -> pa.Array:
    doubled = pc.replace_substring(cells, pattern='"', replacement='""')
    return pc.binary_join_element_wise('"', doubled, '"', "")


def _name(name: str, *, is_quoted: bool) -> str:
    if is_quoted or NAME_TO_QUOTE.search(name):
        doubled = name.replace('"', '""')
        return f'"{doubled}"'
    return name


def _escaped_digits(texts: pa.Array) -> pa.Array:
    """JSON strings whose first character is escaped if it is a digit."""
    return pc.replace_substring_regex(texts, pattern='^"([0-9])', replacement=r'"\\u003\1')


def _is_quoted_in_json(stored: pa.DataType) -> bool:
    return bool(pa.types.is_string(stored) or pa.types.is_timestamp(stored))


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
