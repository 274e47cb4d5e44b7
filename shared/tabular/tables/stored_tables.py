"""Datasets as frames: Parquet from the store, read by row group; cells as stored, or as a model reads them.

``ParquetFile.iter_batches`` and reading the whole file keep decoded neighbours in memory (1.1 GB for a file that takes
160 MB this way).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.records.dataset_records import WrittenColumn
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.tabular.cells.kept_cells import KeptCells, open_kept
from modelbus.shared.tabular.cells.readings import decimal_mark_of, is_read_as_stored
from modelbus.shared.tabular.cells.written import WrittenValue, written_texts
from modelbus.shared.tabular.tables import row_groups

_PANDAS_TYPES: Final[dict[Any, Any]] = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
"""Nullable types, so that missing values do not convert integers to floats or booleans to objects."""

Readings = Mapping[str, WrittenColumn]
"""How columns are read, by name; other columns are read as they are stored."""
_AS_STORED: Final[Readings] = {}
_NO_THOUSANDS: Final = {
    mark: rf"{escaped}([0-9]{{0,2}}|[0-9]{{4,}})([eE].*)?$|^[+-]?(0|[0-9]{{4,}})?{escaped}"
    for mark, escaped in ((".", r"\."), (",", ","))
}
"""By decimal mark, a pattern of numbers in which it cannot be a thousands separator."""


@dataclass(frozen=True, eq=False)
class Table:
    """A dataset's table; a context manager that closes its files."""

    parquet: pq.ParquetFile
    columns: Mapping[str, ColumnSchema] = field(default_factory=dict)
    """The schemas of its columns; a column that is absent here is known only by its values."""
    kept: KeptCells | None = None
    """Original texts of cells that cannot be derived from their values."""
    dated: frozenset[str] = frozenset()
    """Columns whose date format the uploader specified, so that their values are right."""
    _files: ExitStack = field(default_factory=ExitStack)
    _plain_decimals: dict[str, bool] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """The number of rows."""
        count: int = self.parquet.metadata.num_rows
        return count

    @property
    def group_count(self) -> int:
        """The number of row groups."""
        count: int = self.parquet.num_row_groups
        return count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.parquet.close()
        self._files.close()

    def has_plain_decimals(self, name: str) -> bool:
        """Whether a cell of a real column proves that its mark is a decimal mark and not a thousands separator.

        ``1.234`` proves nothing: where decimal commas are usual, it may be a number above a thousand.
        """
        if name not in self._plain_decimals:
            pattern = _NO_THOUSANDS[decimal_mark_of(self.columns[name])]
            self._plain_decimals[name] = any(
                pc.any(pc.match_substring_regex(self.texts(number, name, cells), pattern=pattern)).as_py()
                for number, cells in enumerate(self._cells(name))
            )
        return self._plain_decimals[name]

    def _cells(self, name: str) -> Iterator[pa.Array]:
        for number in range(self.group_count):
            yield row_groups.read_group(self.parquet, number, [name]).column(0).combine_chunks()

    def texts(self, number: int, name: str, cells: pa.Array) -> pa.Array:
        """A column's cells as they were in the original file; null if the cell was empty.

        Args:
            number: The row group of the cells.
            name: The column.
            cells: Its cells as they are stored.
        """
        texts = written_texts(cells, self.columns[name])
        if self.kept is None:
            return texts
        position = self.parquet.schema_arrow.get_field_index(name)
        return pc.coalesce(self.kept.texts(number, position, len(cells)), texts)


def fetch_table(blobs: BlobStore, dataset: DatasetDocument, directory: Path) -> Table:
    """Download a dataset into a directory and open it.

    Args:
        blobs: The store.
        dataset: The dataset's document.
        directory: The directory for the file.

    Raises:
        UnknownUpload: The dataset's file is gone.
        StoreUnavailable: MongoDB does not answer.
    """
    path = directory / f"{dataset['blob_id']}.parquet"
    blobs.download(dataset["blob_id"], path)
    files = ExitStack()
    return _table(pq.ParquetFile(path), lambda: files.enter_context(path.open("rb")), dataset, files)


def open_table(blobs: BlobStore, dataset: DatasetDocument) -> Table:
    """Open a dataset in the store, fetching only the parts that are read.

    Raises:
        UnknownUpload: The dataset's file is gone.
        StoreUnavailable: MongoDB does not answer.
    """
    return _table(open_values(blobs, dataset), lambda: blobs.open(dataset["blob_id"]), dataset, ExitStack())


def open_values(blobs: BlobStore, dataset: DatasetDocument) -> pq.ParquetFile:
    """Open only the stored values of a dataset in the store, which are enough for a page.

    Raises:
        UnknownUpload: The dataset's file is gone.
        StoreUnavailable: MongoDB does not answer.
    """
    # Without pre-buffering, everything is read in this thread, sequentially.
    return pq.ParquetFile(pa.PythonFile(blobs.open(dataset["blob_id"]), mode="r"), pre_buffer=False)


def _table(parquet: pq.ParquetFile, open_file: Callable[[], Any], dataset: DatasetDocument, files: ExitStack) -> Table:
    options = dataset.get("options", {}).get("columns", {})
    dated = frozenset(name for name, said in options.items() if said.get("date_format"))
    return Table(parquet, dataset_columns(dataset), open_kept(open_file, parquet), dated, files)


def frames(
    table: Table, columns: Sequence[str] | None = None, readings: Readings = _AS_STORED
) -> Iterator[pd.DataFrame]:
    """Yield the table's row groups as frames of at most 50,000 rows.

    Args:
        table: The table.
        columns: The columns, in this order; all by default.
        readings: How columns are read.
    """
    for number in range(table.group_count):
        yield read_group(table, number, columns, readings)


def read_group(
    table: Table, number: int, columns: Sequence[str] | None = None, readings: Readings = _AS_STORED
) -> pd.DataFrame:
    """Read a row group as a frame; see ``frames``.

    A column whose reading differs from its stored form is returned as the original text, as ``WrittenValue`` if it was
    not text in the file.

    Args:
        table: The table.
        number: The number of the row group, from 0.
        columns: The columns, in this order; all by default.
        readings: How columns are read.
    """
    names = columns or table.parquet.schema_arrow.names
    group = row_groups.read_group(table.parquet, number, names)
    as_text = [name for name in names if name in readings and _is_read_as_text(table, name, readings[name])]
    for name in as_text:
        texts = table.texts(number, name, group[name].combine_chunks())
        group = group.set_column(names.index(name), name, texts)
    frame: pd.DataFrame = group.to_pandas(types_mapper=_PANDAS_TYPES.get)
    for name in as_text:
        if table.columns[name].has_values:
            values = [None if text is None else WrittenValue(text) for text in group[name].to_pylist()]
            frame[name] = pd.Series(values, dtype=object)
    return frame


def read_frame(table: Table, columns: Sequence[str] | None = None, readings: Readings = _AS_STORED) -> pd.DataFrame:
    """Read the whole table as one frame; see ``frames``."""
    return pd.concat(list(frames(table, columns, readings)), ignore_index=True)


def dataset_columns(dataset: DatasetDocument) -> dict[str, ColumnSchema]:
    """The dataset's columns by name."""
    return {column["name"]: ColumnSchema.model_validate(column) for column in dataset.get("columns", [])}


def _is_read_as_text(table: Table, name: str, reading: WrittenColumn) -> bool:
    column = table.columns.get(name)
    if column is None or (name in table.dated and column.type == reading.type == "datetime"):
        return False
    is_as_stored = is_read_as_stored(column, reading)
    return not (table.has_plain_decimals(name) if is_as_stored is None else is_as_stored)
