"""Datasets as frames: Parquet from the store, read row group by row group; cells as stored, or as a model reads them.

``ParquetFile.iter_batches`` and whole-file reads hold decoded neighbours in memory (1.1 GB for a file that takes
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
"""Nullable, so that a missing value does not turn integers into floats or booleans into objects."""

Readings = Mapping[str, WrittenColumn]
"""How somebody reads columns, by their names in the table; the others are read as they are stored."""
_AS_STORED: Final[Readings] = {}
_NO_THOUSANDS: Final = {
    mark: rf"{escaped}([0-9]{{0,2}}|[0-9]{{4,}})([eE].*)?$|^[+-]?(0|[0-9]{{4,}})?{escaped}"
    for mark, escaped in ((".", r"\."), (",", ","))
}
"""By the decimal mark, numbers in which it cannot stand between thousands."""


@dataclass(frozen=True, eq=False)
class Table:
    """A dataset's table; closed by leaving its context, where that matters."""

    parquet: pq.ParquetFile
    columns: Mapping[str, ColumnSchema] = field(default_factory=dict)
    """What is known of its columns; of one that is absent, its values alone."""
    kept: KeptCells | None = None
    """Cells as they stood in the file, where their values do not tell."""
    dated: frozenset[str] = frozenset()
    """Columns whose date format the uploader said: their values are what was meant."""
    _files: ExitStack = field(default_factory=ExitStack)
    _plain_decimals: dict[str, bool] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """Its rows."""
        count: int = self.parquet.metadata.num_rows
        return count

    @property
    def group_count(self) -> int:
        """Its row groups."""
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
        """Whether a cell of a column of reals shows that its mark stands before fractions and not between thousands.

        ``1.234`` shows nothing: where a decimal comma is usual, it may as well be a thousand and more.
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
        """A column's cells as they stood in the file; null where there was nothing.

        Args:
            number: The row group that the cells are all of.
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
        blobs: Where its file is.
        dataset: The dataset's document.
        directory: Where the file may lie while it is used.

    Raises:
        UnknownUpload: The dataset's file is gone.
        StoreUnavailable: MongoDB does not answer.
    """
    path = directory / f"{dataset['blob_id']}.parquet"
    blobs.download(dataset["blob_id"], path)
    files = ExitStack()
    return _table(pq.ParquetFile(path), lambda: files.enter_context(path.open("rb")), dataset, files)


def open_table(blobs: BlobStore, dataset: DatasetDocument) -> Table:
    """Open a dataset where it lies: only what is read of it is fetched.

    Raises:
        UnknownUpload: The dataset's file is gone.
        StoreUnavailable: MongoDB does not answer.
    """
    return _table(open_values(blobs, dataset), lambda: blobs.open(dataset["blob_id"]), dataset, ExitStack())


def open_values(blobs: BlobStore, dataset: DatasetDocument) -> pq.ParquetFile:
    """Open a dataset where it lies, for its stored values alone: a page needs nothing else.

    Raises:
        UnknownUpload: The dataset's file is gone.
        StoreUnavailable: MongoDB does not answer.
    """
    # Without pre-buffering all is read in this thread, one stretch after the other.
    return pq.ParquetFile(pa.PythonFile(blobs.open(dataset["blob_id"]), mode="r"), pre_buffer=False)


def _table(parquet: pq.ParquetFile, open_file: Callable[[], Any], dataset: DatasetDocument, files: ExitStack) -> Table:
    options = dataset.get("options", {}).get("columns", {})
    dated = frozenset(name for name, said in options.items() if said.get("date_format"))
    return Table(parquet, dataset_columns(dataset), open_kept(open_file, parquet), dated, files)


def frames(
    table: Table, columns: Sequence[str] | None = None, readings: Readings = _AS_STORED
) -> Iterator[pd.DataFrame]:
    """Yield the table's row groups as frames, 50,000 rows at most each.

    Args:
        table: The table.
        columns: Which columns, in this order; all by default.
        readings: How columns are read.
    """
    for number in range(table.group_count):
        yield read_group(table, number, columns, readings)


def read_group(
    table: Table, number: int, columns: Sequence[str] | None = None, readings: Readings = _AS_STORED
) -> pd.DataFrame:
    """One row group as a frame; see ``frames``.

    A column that is read in another way than it is stored comes as text, as it stood in the file; one that never was
    text as ``WrittenValue``.

    Args:
        table: The table.
        number: Which one, from 0.
        columns: Which columns, in this order; all by default.
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
    """The whole table as one frame; see ``frames``."""
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
