"""Original texts of cells that no form can reproduce, stored inside the dataset's Parquet file, hidden from readers.

After the last row group of the table there is a second, complete Parquet file; the table's metadata contains its
position. Parquet readers use the footer, so they skip these bytes. It has the columns ``column`` (a position), ``row``
(from 0, within the row group) and ``text``, and one row group for each of the table's. Copies of the file keep it; a
program that rewrites the table loses it, and then only the cells' values are known.
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
    """Metadata of a column in a dataset's file."""

    form: str | None = None
    """See ``ColumnSchema``."""
    has_values: bool = False
    """See ``ColumnSchema``."""


class StoredNotes(Contract):
    """Metadata in a dataset's file."""

    columns: list[StoredColumn]
    kept_start: int | None = None
    """Position of the stored texts in the file, in bytes; absent if there are none."""
    kept_size_bytes: int = 0


_NOTES: Final = TypeAdapter(StoredNotes)


def read_notes(table: pq.ParquetFile) -> StoredNotes | None:
    """Read the metadata of a file; None if it is not a dataset's file, or if it is damaged."""
    noted = (table.metadata.metadata or {}).get(METADATA_KEY)
    if noted is None:
        return None
    try:
        return _NOTES.validate_json(noted)
    except ValidationError:
        return None


def write_notes(notes: StoredNotes) -> dict[bytes, bytes]:
    """Serialize the metadata for a Parquet file."""
    return {METADATA_KEY: orjson.dumps(notes.model_dump(exclude_defaults=True))}


class KeptCells:
    """The stored texts of a table, read one row group at a time."""

    def __init__(self, file: Any, notes: StoredNotes) -> None:
        """Args:
        file: The table's file, open and seekable, from Python or Arrow.
        notes: Its metadata; there are stored texts.
        """
        section = _Section(file, notes.kept_start or 0, notes.kept_size_bytes)
        self._table = pq.ParquetFile(pa.PythonFile(section, mode="r"), pre_buffer=False)
        self._number = -1
        self._group: pa.Table | None = None

    def texts(self, number: int, position: int, row_count: int) -> pa.Array:
        """The stored texts of a column in a row group, shape (row_count,); null if there is none.

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
        """The columns with stored texts in a row group."""
        found: list[int] = pc.unique(self._read(number)["column"]).to_pylist()
        return found

    def _read(self, number: int) -> pa.Table:
        if self._group is None or number != self._number:
            self._number, self._group = number, self._table.read_row_group(number, use_threads=False)
        return self._group


def open_kept(open_file: Callable[[], Any], table: pq.ParquetFile) -> KeptCells | None:
    """Open the stored texts of a dataset; None if it has none.

    Args:
        open_file: Opens its file again, seekable; called only if there are stored texts.
        table: The same file, opened as a table.
    """
    notes = read_notes(table)
    return None if notes is None or notes.kept_start is None else KeptCells(open_file(), notes)


class _Section(SizedReader):
    """A section of a file, as a file."""

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
