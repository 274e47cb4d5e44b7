"""Which rows are trained on and which are held out to measure the model on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from shared.contracts import HoldOut
from shared.errors import EstimatorRejected, InvalidCommand

RowIndices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of rows, int64, disjoint."""

    train: RowIndices
    hold_out: RowIndices


def split_rows(target: npt.NDArray[Any], hold_out: HoldOut, *, is_classification: bool, seed: int) -> Split:
    """Split the rows; the same seed gives the same split.

    Args:
        target: Class codes or numbers, shape (n_rows,), none missing.
        hold_out: The share of the rows, and whether each class keeps its share in both parts.
        is_classification: Whether the target holds class codes.
        seed: Shuffles the rows.

    Raises:
        InvalidCommand: Stratification was asked for and cannot be had.
        EstimatorRejected: Too few rows to split.
    """
    row_count = len(target)
    hold_out_count = int(np.ceil(hold_out.fraction * row_count))
    train_count = row_count - hold_out_count
    if train_count < 2 or hold_out_count < 1:
        raise EstimatorRejected(
            f"{row_count} rows with a target are too few: with a hold-out of {hold_out.fraction:g} only {train_count} "
            "are left to train on"
        )
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


def _obstacle(codes: npt.NDArray[Any], train_count: int, hold_out_count: int) -> str | None:
    counts = np.unique(codes, return_counts=True)[1]
    if counts.min() < 2:
        return "a class has one row only"
    if min(train_count, hold_out_count) < len(counts):
        smaller = min(train_count, hold_out_count)
        return f"the smaller part has {smaller} rows, which is fewer than the {len(counts)} classes"
    return None
