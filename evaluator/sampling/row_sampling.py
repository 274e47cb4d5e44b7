"""Rows of a table, each as likely as any other: read row group by row group, in memory that the limit bounds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from modelbus.shared.tabular.tables.stored_tables import Readings, Table, read_group


def sample_rows(
    table: Table, columns: Sequence[str], limit: int, seed: int, readings: Readings | None = None
) -> pd.DataFrame:
    """Some rows of a table in its order; all of them if there are no more than ``limit``.

    Args:
        table: The table.
        columns: Which columns, all different, in this order.
        limit: Rows at most.
        seed: The same seed gives the same rows.
        readings: How columns are read; as they are stored by default.
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
