"""A table that is read one row group at a time, and the split of each group into training and held-out rows.

The split of a row depends on the seed, its group and its place in the group, not on memory or on other groups.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from modelbus.trainer.rows.splitting import RowIndices, Split

KEPT_ROW_LIMIT: Final = 100_000
"""Maximum rows that are kept to learn the encoder from, and to measure on."""

_KEPT_CELL_LIMIT: Final = 4_000_000
_MINIMUM_KEPT_ROWS: Final = 1000
_BATCH_CELL_LIMIT: Final = 2_500_000
_MINIMUM_BATCH_ROWS: Final = 500
_SPLIT, _ORDER = range(2)
"""The purpose of a random generator; generators of one seed must differ."""


@dataclass(frozen=True)
class RowGroups:
    """A table's row groups, which can be read repeatedly."""

    count: int
    read: Callable[[int, Sequence[str]], pd.DataFrame]
    """Takes the number of a group, from 0, and names of columns; returns at most
    ``modelbus.shared.tabular.tables.row_groups.ROW_GROUP_LIMIT`` rows."""


def kept_row_limit(width: int) -> int:
    """Maximum rows to keep, given the number of encoded columns."""
    return min(KEPT_ROW_LIMIT, max(_MINIMUM_KEPT_ROWS, _KEPT_CELL_LIMIT // max(1, width)))


def batch_row_limit(width: int) -> int:
    """Maximum rows to encode and learn from at once, given the number of encoded columns."""
    return max(_MINIMUM_BATCH_ROWS, _BATCH_CELL_LIMIT // max(1, width))


def split_group(row_count: int, fraction: float, seed: int, number: int) -> Split:
    """Split those rows of a group that have a target.

    Args:
        row_count: The number of these rows.
        fraction: The fraction to hold out; 0 for none.
        seed: The seed of the training.
        number: The number of the group.

    Returns:
        Positions among those rows, in random order, so that the first ones of either part are a random sample.
    """
    order = np.random.default_rng([_SPLIT, seed, number]).permutation(row_count).astype(np.int64)
    held_out = int(np.ceil(fraction * row_count))
    return Split(order[held_out:], order[:held_out])


def spread(counts: Sequence[int], limit: int) -> list[int]:
    """How many rows to take from each group: at most ``limit`` in all, proportional to the groups' sizes.

    Args:
        counts: Rows of each group.
        limit: Maximum rows in all.
    """
    total = sum(counts)
    if total <= limit:
        return list(counts)
    ends = np.cumsum(counts, dtype=np.int64) * limit // total
    taken: list[int] = np.diff(ends, prepend=0).tolist()
    return taken


def group_order(count: int, seed: int, epoch: int) -> list[int]:
    """The order of the groups in an epoch."""
    order: list[int] = np.random.default_rng([_ORDER, seed, epoch]).permutation(count).tolist()
    return order


def row_order(row_count: int, seed: int, epoch: int, number: int) -> RowIndices:
    """The order of a group's training rows in an epoch."""
    return np.random.default_rng([_ORDER, seed, epoch, number]).permutation(row_count).astype(np.int64)
