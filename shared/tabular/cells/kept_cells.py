"""Cells whose text no form tells, kept inside the dataset's own Parquet file, where no other reader meets them.

Behind the last row group of the table lies a second Parquet file, whole; the table's metadata says where. Readers of
Parquet go by the footer, so to them these bytes are a gap. It has the columns ``column`` (its position), ``row`` (from
0, within the row group) and ``text``, and a row group for each of the table's. Copies of the file keep it; a program
that writes the table anew loses it, and then the cells' values alone are known.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from modelbus.shared.contracts.base import Contract
from modelbus.shared.contracts.records.dataset_records import WrittenColumn
from modelbus.shared.sized_reader import SizedReader

METADATA_KEY: Final = b"modelbus"
KEPT_SCHEMA: Final = pa.schema([("column", pa.int32()), ("row", pa.int32()), ("text", pa.string())])


class StoredColumn(WrittenColumn):
    """What a dataset's file says of a column beside its values."""

    form: str | None = None
    """As ``ColumnSchema`` has it."""
    has_values: bool = False
    """As ``ColumnSchema`` has it."""


class StoredNotes(Contract):
    """What a dataset's file says beside the table."""

    columns: list[StoredColumn]
    kept_start: int | None = None
    """Where the kept cells begin in the file, in bytes; absent where there are none."""
    kept_size_bytes: int = 0


_NOTES: Final = TypeAdapter(StoredNotes)


def read_notes(table: pq.ParquetFile) -> StoredNotes | None:
    """What the file says beside the table; None if it is no dataset's, or damaged."""
    noted = (table.metadata.metadata or {}).get(METADATA_KEY)
    if noted is None:
        return None
    try:
        return _NOTES.validate_json(noted)
    except ValidationError:
        return None


def write_notes(notes: StoredNotes) -> dict[bytes, bytes]:
    """The notes as the metadata of a Parquet file."""
    return {METADATA_KEY: orjson.dumps(notes.model_dump(exclude_defaults=True))}


class KeptCells:
    """The kept cells of a table, read a row group at a time."""

    def __init__(self, file: Any, notes: StoredNotes) -> None:
        """Args:
        file: The table's file, open and seekable, of Python's or Arrow's.
        notes: What it says of itself; there are kept cells.
        """
        section = _Section(file, notes.kept_start or 0, notes.kept_size_bytes)
        self._table = pq.ParquetFile(pa.PythonFile(section, mode="r"), pre_buffer=False)
        self._number = -1
        self._group: pa.Table | None = None

    def texts(self, number: int, position: int, row_count: int) -> pa.Array:
        """The kept texts of a column in a row group, shape (row_count,); null where nothing is kept.

        Args:
            number: The row group, from 0.
            position: The column's position in the table.
            row_count: Rows of the group.
        """
        group = self._read(number)
        own = group.filter(pc.equal(group["column"], position))
        texts = pa.nulls(row_count, pa.string())
        if not own.num_rows:
            return texts
        mask = np.zeros(row_count, dtype=bool)
        mask[own["row"].to_numpy()] = True
        return pc.replace_with_mask(texts, pa.array(mask), own["text"].combine_chunks())

    def positions(self, number: int) -> list[int]:
        """The columns of which cells are kept in a row group."""
        found: list[int] = pc.unique(self._read(number)["column"]).to_pylist()
        return found

    def _read(self, number: int) -> pa.Table:
        if self._group is None or number != self._number:
            self._number, self._group = number, self._table.read_row_group(number, use_threads=False)
        return self._group


def open_kept(open_file: Callable[[], Any], table: pq.ParquetFile) -> KeptCells | None:
    """The kept cells of a dataset; None if it has none.

    Args:
        open_file: Opens its file once more, seekable; not asked for where nothing is kept.
        table: The same file, opened as a table.
    """
    notes = read_notes(table)
    return None if notes is None or notes.kept_start is None else KeptCells(open_file(), notes)


class _Section(SizedReader):
    """A stretch of a file, as a file."""

    def __init__(self, file: Any, start: int, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self._file = file
        self._start = start

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        left = max(0, self.size_bytes - self._position)
        self._file.seek(self._start + self._position)
        found = self._file.read(min(len(view), left))
        view[: len(found)] = found
        self._position += len(found)
        return len(found)
