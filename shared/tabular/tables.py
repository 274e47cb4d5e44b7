"""Datasets as frames: Parquet from the store, read row group by row group.

``ParquetFile.iter_batches`` and whole-file reads hold decoded neighbours in memory (1.1 GB for a file that takes
160 MB this way).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts import ColumnSchema
from shared.store.blobs import BlobStore
from shared.tabular import row_groups

_PANDAS_TYPES: Final[dict[Any, Any]] = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
"""Nullable, so that a missing value does not turn integers into floats or booleans into objects."""


def fetch_table(blobs: BlobStore, dataset: Mapping[str, Any], directory: Path) -> pq.ParquetFile:
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
    return pq.ParquetFile(path)


def open_table(blobs: BlobStore, dataset: Mapping[str, Any]) -> pq.ParquetFile:
    """Open a dataset where it lies: only what is read of it is fetched.

    Raises:
        UnknownUpload: The dataset's file is gone.
        StoreUnavailable: MongoDB does not answer.
    """
    # Without pre-buffering all is read in this thread, one stretch after the other.
    return pq.ParquetFile(pa.PythonFile(blobs.open(dataset["blob_id"]), mode="r"), pre_buffer=False)


def frames(table: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """Yield the table's row groups as frames, 50,000 rows at most each.

    Args:
        table: The table.
        columns: Which columns, in this order; all by default.
    """
    for number in range(table.num_row_groups):
        yield read_group(table, number, columns)


def read_group(table: pq.ParquetFile, number: int, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """One row group as a frame; see ``frames``.

    Args:
        table: The table.
        number: Which one, from 0.
        columns: Which columns, in this order; all by default.
    """
    group = row_groups.read_group(table, number, columns or table.schema_arrow.names)
    frame: pd.DataFrame = group.to_pandas(types_mapper=_PANDAS_TYPES.get)
    return frame


def read_frame(table: pq.ParquetFile, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The whole table as one frame; see ``frames``."""
    return pd.concat(list(frames(table, columns)), ignore_index=True)


def dataset_columns(dataset: Mapping[str, Any]) -> dict[str, ColumnSchema]:
    """The dataset's columns by name."""
    return {column["name"]: ColumnSchema.model_validate(column) for column in dataset["columns"]}
