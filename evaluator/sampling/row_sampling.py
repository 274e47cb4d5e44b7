"""Uniform random samples of a table's rows, read one row group at a time, in memory bounded by the sample size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from modelbus.shared.tabular.tables.stored_tables import Readings, Table, read_group


def sample_rows(
    table: Table, columns: Sequence[str], limit: int, seed: int, readings: Readings | None = None
) -> pd.DataFrame:
    """A random sample of a table's rows, in their order; all rows if there are at most ``limit``.

    Args:
        table: The table.
        columns: The columns, distinct, in this order.
        limit: Maximum rows.
        seed: The same seed gives the same rows.
        readings: How columns are read; by default, as they are stored.
    """
    row_count = table.row_count
    if row_count > limit:
        positions = np.sort(np.random.default_rng(seed).choice(row_count, limit, replace=False, shuffle=False))
    else:
        positions = np.arange(row_count)
    parts, first = [], 0
    for number in range(table.group_count):
        count = table.parquet.metadata.row_group(number).num_rows
        begin, end = np.searchsorted(positions, [first, first + count])
        if begin < end:
            parts.append(read_group(table, number, columns, readings or {}).iloc[positions[begin:end] - first])
        first += count
    return pd.concat(parts, ignore_index=True)
