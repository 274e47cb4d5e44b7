"""The split of the rows into training rows and a hold-out to measure the model on."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import train_test_split

from modelbus.shared.contracts import ColumnSchema, HoldOut
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.plural import counted
from modelbus.shared.tabular.cells.columns import read_column
from modelbus.shared.tabular.cells.readings import reading_of

RowIndices = npt.NDArray[np.int64]
Groups = npt.NDArray[np.int64]
"""One code per row; rows with the same code stay together."""
SplitMethod = Literal["stratified", "partly_stratified", "random", "by_time", "by_group", "dataset"]


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of rows (int64); both parts are disjoint."""

    train: RowIndices
    hold_out: RowIndices
    method: SplitMethod = "random"
    """How it was made."""


def split_rows(
    target: npt.NDArray[Any],
    hold_out: HoldOut,
    *,
    is_classification: bool,
    seed: int,
    times: npt.NDArray[np.float64] | None = None,
    groups: Groups | None = None,
) -> Split:
    """Split the rows. The same seed gives the same split.

    Classes keep their fractions as far as possible: the rows of a class with too few rows for both parts are trained
    on, and the other classes are still stratified.

    Args:
        target: Class codes or numbers, shape (n_rows,), none missing; without a target, any numbers.
        hold_out: The fraction to hold out, and whether to stratify.
        is_classification: Whether the target holds class codes.
        seed: Seed for shuffling the rows.
        times: The time of each row, shape (n_rows,), NaN if unknown; the latest rows are held out, and both parts are
            in chronological order.
        groups: The group of each row, shape (n_rows,): whole groups are held out.

    Raises:
        InvalidCommand: Stratification is required but impossible.
        EstimatorRejected: There are too few rows or groups to split.
    """
    row_count = len(target)
    if hold_out.dataset is not None:
        return Split(np.arange(row_count, dtype=np.int64), np.empty(0, dtype=np.int64), "dataset")
    hold_out_count = int(np.ceil(hold_out.fraction * row_count))
    train_count = row_count - hold_out_count
    if train_count < 2 or hold_out_count < 1:
        raise EstimatorRejected(
            f"{counted(row_count, 'row')} cannot be split: with a hold-out of {hold_out.fraction:g}, "
            f"{counted(train_count, 'row')} would be left to train on, and at least 2 are needed"
        )
    if times is not None:
        # rows without a time count as the earliest: the model must not be measured on them
        order = np.argsort(np.where(np.isnan(times), -np.inf, times), kind="stable")
        return Split(order[:train_count].astype(np.int64), order[train_count:].astype(np.int64), "by_time")
    if groups is not None:
        return _split_groups(groups, hold_out_count, hold_out.group_column, seed)
    return _split_at_random(target, hold_out, hold_out_count, seed, is_classification=is_classification)


def _split_at_random(
    target: npt.NDArray[Any], hold_out: HoldOut, hold_out_count: int, seed: int, *, is_classification: bool
) -> Split:
    train_count = len(target) - hold_out_count
    obstacle = _obstacle(target, train_count, hold_out_count) if is_classification else "the target is a number"
    if hold_out.is_stratified and obstacle:
        raise InvalidCommand(
            f"the hold-out cannot be stratified: {obstacle}",
            details=[{"where": "hold_out.is_stratified", "problem": obstacle, "expected": False}],
        )
    is_wanted = is_classification and hold_out.is_stratified is not False
    if is_wanted and obstacle:
        held_out_rows = _as_far_as_can_be(target, hold_out_count, seed)
        if held_out_rows is not None:
            return held_out_rows
    is_stratified = is_wanted and obstacle is None
    train, held_out = train_test_split(
        np.arange(len(target)),
        test_size=hold_out_count,
        random_state=seed,
        stratify=target if is_stratified else None,
    )
    method: SplitMethod = "stratified" if is_stratified else "random"
    return Split(np.asarray(train, dtype=np.int64), np.asarray(held_out, dtype=np.int64), method)


def _as_far_as_can_be(codes: npt.NDArray[Any], hold_out_count: int, seed: int) -> Split | None:
    """A split in which each class has a training row and, as nearly as possible, its fraction of the hold-out.

    None if there are fewer training rows than classes.
    """
    classes, class_indices, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(codes) - hold_out_count < len(classes):
        return None
    random = np.random.default_rng(seed)
    taken = _held_out_counts(counts, hold_out_count, random)
    order = random.permutation(len(codes)).astype(np.int64)
    of_class = order[np.argsort(class_indices[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    rank = np.arange(len(codes)) - np.repeat(starts, counts)
    is_held_out = np.zeros(len(codes), dtype=np.bool_)
    is_held_out[of_class] = rank < np.repeat(taken, counts)
    # in random order, like scikit-learn's splits
    return Split(order[~is_held_out[order]], order[is_held_out[order]], "partly_stratified")


def _held_out_counts(counts: npt.NDArray[np.int64], wanted: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """The number of held-out rows of each class, shape (n_classes,), by the method of largest remainders.

    Ties are broken at random, and each class keeps a training row.
    """
    quotas = wanted * counts / counts.sum()
    taken = np.minimum(np.floor(quotas).astype(np.int64), counts - 1)
    while taken.sum() < wanted:
        remainders = np.where(taken < counts - 1, quotas - taken, -np.inf)
        order = np.lexsort((random.random(len(counts)), -remainders))
        more = order[: wanted - int(taken.sum())]
        taken[more[taken[more] < counts[more] - 1]] += 1
    return np.asarray(taken)


def _split_groups(groups: Groups, hold_out_count: int, column: str | None, seed: int) -> Split:
    """Draw whole groups until the number of held-out rows is as near as possible to the wanted one."""
    group_count = int(groups.max(initial=-1)) + 1
    if group_count < 2:
        raise EstimatorRejected(f"the column {column!r} has a single group; a hold-out by group needs at least two")
    order = np.random.default_rng(seed).permutation(group_count)
    reached = np.cumsum(np.bincount(groups, minlength=group_count)[order])[:-1]
    chosen = order[: int(np.argmin(np.abs(reached - hold_out_count))) + 1]
    is_held_out = np.isin(groups, chosen)
    if np.count_nonzero(~is_held_out) < 2:
        raise EstimatorRejected(f"a hold-out of whole groups of {column!r} leaves only one row to train on")
    return Split(np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out), "by_group")


def read_groups(frame: pd.DataFrame, name: str | None, rows: RowIndices) -> Groups | None:
    """The group of each row by the value of a column; missing values form one group. None without a column."""
    if name is None:
        return None
    codes: Groups = pd.factorize(frame[name].iloc[rows], use_na_sentinel=False)[0].astype(np.int64)
    return codes


def read_times(frame: pd.DataFrame, column: ColumnSchema | None, rows: RowIndices) -> npt.NDArray[np.float64] | None:
    """The times of some rows, as numbers; None without a column.

    Raises:
        InvalidCommand: The column is neither a date nor a number.
    """
    if column is None:
        return None
    if column.type not in ("datetime", "integer", "real"):
        problem = f"the time column {column.name!r} must be a date or a number, not {column.type}"
        where = "hold_out.time_column"
        raise InvalidCommand(problem, details=[{"where": where, "problem": problem, "expected": "a date or a number"}])
    reading = read_column(frame[column.name].iloc[rows], reading_of(column))
    # 2**53 microseconds are 285 years; beyond, only rows of adjacent microseconds may change places
    return np.where(reading.missing, np.nan, reading.values.astype(np.float64))


def _obstacle(codes: npt.NDArray[Any], train_count: int, hold_out_count: int) -> str | None:
    counts = np.unique(codes, return_counts=True)[1]
    if counts.min() < 2:
        return "a class has a single row"
    if min(train_count, hold_out_count) < len(counts):
        smaller = min(train_count, hold_out_count)
        return f"the smaller part has {counted(smaller, 'row')}, fewer than the {len(counts):,} classes"
    return None
