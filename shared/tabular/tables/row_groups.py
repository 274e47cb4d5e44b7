"""Reading of row groups by column name, with little memory."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_LIMIT: Final = 50_000
"""Maximum rows of a dataset's row group: the evaluator writes them so, and the trainer relies on it."""
_COLUMNS_AT_ONCE: Final = 100
"""Columns that are read at once: pyarrow keeps about 40 kB per column, 90 MB for two thousand."""


def read_group(table: pq.ParquetFile, number: int, names: Sequence[str]) -> pa.Table:
    """Read a row group.

    Args:
        table: The table.
        number: The number of the row group, from 0.
        names: The columns, distinct, in this order.
    """
    columns: list[pa.ChunkedArray] = []
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        wanted = list(names[start : start + _COLUMNS_AT_ONCE])
        # pyarrow treats a name as a path: for `a`, it returns `a.b` too.
        columns += table.read_row_group(number, columns=wanted, use_threads=False).select(wanted).columns
    return pa.Table.from_arrays(columns, names=list(names))
