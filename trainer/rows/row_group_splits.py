"""A table that is read a row group at a time, and which rows of a group are for what: seeded, group by group.

What a row is for depends on the seed, its group and its place in it, never on memory or on other groups' contents.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from modelbus.trainer.rows.splitting import RowIndices, Split

KEPT_ROW_LIMIT: Final = 100_000
"""So many rows at most are kept to learn the encoder from, and so many to measure on."""

_KEPT_CELL_LIMIT: Final = 4_000_000
_FEWEST_KEPT_ROWS: Final = 1000
_BATCH_CELL_LIMIT: Final = 2_500_000
_FEWEST_BATCH_ROWS: Final = 500
_SPLIT, _ORDER = range(2)
"""What a generator is for; two of one seed must not draw alike."""


@dataclass(frozen=True)
class RowGroups:
    """A table's row groups, which can be read again and again."""

    count: int
    read: Callable[[int, Sequence[str]], pd.DataFrame]
    """Takes the number of a group, from 0, and names of columns; gives so many rows at most as
    ``modelbus.shared.tabular.tables.row_groups.ROW_GROUP_LIMIT`` says."""


def kept_row_limit(width: int) -> int:
    """How many rows are kept at once, where the encoder makes so many columns of them."""
    return min(KEPT_ROW_LIMIT, max(_FEWEST_KEPT_ROWS, _KEPT_CELL_LIMIT // max(1, width)))


def batch_row_limit(width: int) -> int:
    """How many rows are encoded and learnt from at once, where there are so many encoded columns."""
    return max(_FEWEST_BATCH_ROWS, _BATCH_CELL_LIMIT // max(1, width))


def split_group(row_count: int, fraction: float, seed: int, number: int) -> Split:
    """Split the rows of one group that have a target.

    Args:
        row_count: How many there are.
        fraction: The fraction to hold out; 0 for none.
        seed: The training's.
        number: The group's.

    Returns:
        Positions among those rows, in random order: the first ones of either part are a random sample of it.
    """
    order = np.random.default_rng([_SPLIT, seed, number]).permutation(row_count).astype(np.int64)
    held_out = int(np.ceil(fraction * row_count))
    return Split(order[held_out:], order[:held_out])


def spread(counts: Sequence[int], limit: int) -> list[int]:
    """How many rows to take of each group, so that they are ``limit`` at most and each group has its fraction.

    Args:
        counts: Rows of each group.
        limit: Rows to take.
    """
    total = sum(counts)
    if total <= limit:
        return list(counts)
    ends = np.cumsum(counts, dtype=np.int64) * limit // total
    taken: list[int] = np.diff(ends, prepend=0).tolist()
    return taken


def group_order(count: int, seed: int, epoch: int) -> list[int]:
    """The order in which an epoch goes through the groups."""
    order: list[int] = np.random.default_rng([_ORDER, seed, epoch]).permutation(count).tolist()
    return order


def row_order(row_count: int, seed: int, epoch: int, number: int) -> RowIndices:
    """The order in which an epoch goes through a group's training rows."""
    return np.random.default_rng([_ORDER, seed, epoch, number]).permutation(row_count).astype(np.int64)
