"""Which rows are trained on and which are held out to measure the model on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import train_test_split

from shared.contracts import ColumnSchema, HoldOut
from shared.errors import EstimatorRejected, InvalidCommand
from shared.tabular.columns import read_column
from shared.tabular.readings import reading_of

RowIndices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of rows, int64, disjoint."""

    train: RowIndices
    hold_out: RowIndices


def split_rows(
    target: npt.NDArray[Any],
    hold_out: HoldOut,
    *,
    is_classification: bool,
    seed: int,
    times: npt.NDArray[np.float64] | None = None,
) -> Split:
    """Split the rows; the same seed gives the same split.

    Args:
        target: Class codes or numbers, shape (n_rows,), none missing; where there is no target, any numbers.
        hold_out: The share of the rows, and whether each class keeps its share in both parts.
        is_classification: Whether the target holds class codes.
        seed: Shuffles the rows.
        times: When each row was, shape (n_rows,), NaN where that is not known; the latest are held out, and both
            parts are in the order of time. None holds out at random.

    Raises:
        InvalidCommand: Stratification was asked for and cannot be had.
        EstimatorRejected: Too few rows to split.
    """
    row_count = len(target)
    if hold_out.dataset is not None:
        return Split(np.arange(row_count, dtype=np.int64), np.empty(0, dtype=np.int64))
    hold_out_count = int(np.ceil(hold_out.fraction * row_count))
    train_count = row_count - hold_out_count
    if train_count < 2 or hold_out_count < 1:
        raise EstimatorRejected(
            f"{row_count} rows to learn from are too few: with a hold-out of {hold_out.fraction:g} only {train_count} "
            "are left to train on"
        )
    if times is not None:
        # rows without a time count as the earliest: they must not be what the model is measured on
        order = np.argsort(np.where(np.isnan(times), -np.inf, times), kind="stable")
        return Split(order[:train_count].astype(np.int64), order[train_count:].astype(np.int64))
    obstacle = _obstacle(target, train_count, hold_out_count) if is_classification else "the target is a number"
    if hold_out.is_stratified and obstacle:
        raise InvalidCommand(
            f"the hold-out cannot be stratified: {obstacle}",
            details=[{"where": "hold_out.is_stratified", "problem": obstacle, "expected": False}],
        )
    is_stratified = obstacle is None and hold_out.is_stratified is not False
    train, held_out = train_test_split(
        np.arange(row_count),
        test_size=hold_out_count,
        random_state=seed,
        stratify=target if is_stratified else None,
    )
    return Split(np.asarray(train, dtype=np.int64), np.asarray(held_out, dtype=np.int64))


def read_times(frame: pd.DataFrame, column: ColumnSchema | None, rows: RowIndices) -> npt.NDArray[np.float64] | None:
    """When some rows were, as numbers; None without a column.

    Raises:
        InvalidCommand: The column is neither a date nor a number.
    """
    if column is None:
        return None
    if column.type not in ("datetime", "integer", "real"):
        problem = f"the column {column.name!r} is {column.type}, which has no order in time"
        where = "hold_out.time_column"
        raise InvalidCommand(problem, details=[{"where": where, "problem": problem, "expected": "a date or a number"}])
    reading = read_column(frame[column.name].iloc[rows], reading_of(column))
    # 2**53 microseconds are 285 years: beyond them two rows of the same microsecond may change places, no others
    return np.where(reading.missing, np.nan, reading.values.astype(np.float64))


def _obstacle(codes: npt.NDArray[Any], train_count: int, hold_out_count: int) -> str | None:
    counts = np.unique(codes, return_counts=True)[1]
    if counts.min() < 2:
        return "a class has one row only"
    if min(train_count, hold_out_count) < len(counts):
        smaller = min(train_count, hold_out_count)
        return f"the smaller part has {smaller} rows, which is fewer than the {len(counts)} classes"
    return None
