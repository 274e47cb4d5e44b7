"""On which rows probabilities are calibrated: never on those that the estimator is fitted on, and split as the hold-out
is: at random, the later rows, or whole groups.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV

from modelbus.shared.contracts.commands.tuning import Calibration
from modelbus.shared.errors import EstimatorRejected
from modelbus.trainer.fitting.cross_validation import fold_indices
from modelbus.trainer.rows.splitting import Groups, RowIndices

FoldIndices = list[tuple[RowIndices, RowIndices]]
"""Rows to fit on, and rows to calibrate on."""


def calibrated(estimator: Any, calibration: Calibration | None, splits: FoldIndices | None = None) -> Any:
    """The estimator whose probabilities are calibrated on rows that it was not fitted on; itself without a calibration.

    Args:
        estimator: Unfitted.
        calibration: How.
        splits: The folds; by default as many as the calibration says, each class with its fraction.
    """
    if calibration is None:
        return estimator
    folds = calibration.cross_validation.folds
    # the mean of all folds' fits, whatever the estimator: `auto` would take another way for some
    return CalibratedClassifierCV(estimator, method=calibration.method, cv=splits or folds, ensemble=True)


def forget_folds(fitted: Any, calibration: Calibration | None) -> None:
    """Drop the rows' numbers from a calibrated estimator that is fitted: no artifact is to hold them."""
    if calibration is not None:
        fitted.set_params(cv=calibration.cross_validation.folds)


def calibration_folds(
    codes: npt.NDArray[Any], calibration: Calibration, *, is_ordered: bool, groups: Groups | None, seed: int
) -> tuple[FoldIndices | None, list[str]]:
    """The folds to calibrate on, of rows that are split by time or by group.

    By time there is one: the latest rows, as many as one of the folds has, which are mapped by a fit of the earlier
    ones. A mean over more of them would count fits of few and old rows as much as those of many.

    Args:
        codes: The classes of the training rows, shape (n_rows,).
        calibration: How many folds.
        is_ordered: The rows are in the order of time.
        groups: Which rows belong together, shape (n_rows,).
        seed: Shuffles groups.

    Returns:
        The folds, None where rows are split at random, and what should be known of them.

    Raises:
        EstimatorRejected: A class has no row to fit on, or none to calibrate on.
    """
    folds = calibration.cross_validation.folds
    if is_ordered:
        return [_latest(codes, folds)], []
    if groups is None:
        return None, []
    found = list(fold_indices(codes, folds, True, is_ordered=False, seed=seed, groups=groups))
    class_count = len(np.unique(codes))
    kept = [fold for fold in found if all(len(np.unique(codes[rows])) == class_count for rows in fold)]
    if not kept:
        raise EstimatorRejected(
            f"probabilities cannot be calibrated by whole groups in {folds} folds: each of them lacks a class"
        )
    if len(kept) == len(found):
        return kept, []
    lacking = len(found) - len(kept)
    return kept, [f"{lacking} of {folds} folds to calibrate on lack a class, and were left out"]


def _latest(codes: npt.NDArray[Any], folds: int) -> tuple[RowIndices, RowIndices]:
    count = max(1, len(codes) // folds)
    rows = np.arange(len(codes), dtype=np.int64)
    earlier, later = rows[:-count], rows[-count:]
    class_count = len(np.unique(codes))
    for fold, what in ((earlier, f"{len(earlier)} earlier rows"), (later, f"{count} latest rows")):
        if len(np.unique(codes[fold])) < class_count:
            raise EstimatorRejected(
                f"probabilities cannot be calibrated in the order of time: the {what} of {len(codes)} training rows "
                "lack a class"
            )
    return earlier, later
