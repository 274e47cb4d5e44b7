"""The finished Parquet file, some columns at a time, row group by row group."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from modelbus.evaluator.ingest.ahead import read_ahead
from modelbus.shared.tabular.tables.row_groups import read_group

COLUMNS_AT_ONCE = 24

Values = npt.NDArray[np.int64] | npt.NDArray[np.float64]


def row_groups(file: pq.ParquetFile, names: Sequence[str]) -> Iterator[list[pa.Array]]:
    """The columns' cells, row group by row group; the next one is read meanwhile."""
    return read_ahead(_row_groups(file, names))


def _row_groups(file: pq.ParquetFile, names: Sequence[str]) -> Iterator[list[pa.Array]]:
    for group in range(file.num_row_groups):
        yield [column.combine_chunks() for column in read_group(file, group, names).columns]


def finite_values(cells: pa.Array) -> Values:
    """The values of numbers and dates that are there and finite, shape (n_values,).

    Integers as int64, reals as float64, dates as int64: microseconds since 1970.
    """
    present = cells.drop_null() if cells.null_count else cells
    if not pa.types.is_floating(present.type):
        whole: npt.NDArray[np.int64] = present.view(pa.int64()).to_numpy(zero_copy_only=False)
        return whole
    values: npt.NDArray[np.float64] = present.to_numpy(zero_copy_only=False)
    is_finite = np.isfinite(values)
    return values if is_finite.all() else values[is_finite]
