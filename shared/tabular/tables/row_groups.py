"""Row groups of a table, by column name, in little memory."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_LIMIT: Final = 50_000
"""A dataset's row groups have so many rows at most: the evaluator writes them so, the trainer counts on it."""
_COLUMNS_AT_ONCE: Final = 100
"""pyarrow keeps some 40 kB for each column that it reads: 90 MB for two thousand of them."""


def read_group(table: pq.ParquetFile, number: int, names: Sequence[str]) -> pa.Table:
    """Read one row group.

    Args:
        table: The table.
        number: Which of its row groups, from 0.
        names: Which columns, all different, in this order.
    """
    columns: list[pa.ChunkedArray] = []
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        wanted = list(names[start : start + _COLUMNS_AT_ONCE])
        # pyarrow takes a name for a path: asked for `a`, it brings `a.b` too.
        columns += table.read_row_group(number, columns=wanted, use_threads=False).select(wanted).columns
    return pa.Table.from_arrays(columns, names=list(names))
