"""Calibration of probabilities on rows that the estimator was not fitted on, split like the hold-out: at random, by
time or by group.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV

from modelbus.shared.contracts.commands.tuning import Calibration
from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.plural import agreeing, counted
from modelbus.trainer.fitting.cross_validation import fold_indices
from modelbus.trainer.rows.splitting import Groups, RowIndices

FoldIndices = list[tuple[RowIndices, RowIndices]]
"""For each fold, the rows to fit on and the rows to calibrate on."""


def calibrated(estimator: Any, calibration: Calibration | None, splits: FoldIndices | None = None) -> Any:
    """Wrap an estimator so that its probabilities are calibrated; without a calibration, return it unchanged.

    Args:
        estimator: Unfitted.
        calibration: The method and the number of folds.
        splits: The folds; by default stratified folds.
    """
    if calibration is None:
        return estimator
    folds = calibration.cross_validation.folds
    # the mean of the fits of all folds for every estimator; `auto` would do otherwise for some
    return CalibratedClassifierCV(estimator, method=calibration.method, cv=splits or folds, ensemble=True)


def forget_folds(fitted: Any, calibration: Calibration | None) -> None:
    """Remove the row positions from a fitted, calibrated estimator: an artifact must not contain them."""
    if calibration is not None:
        fitted.set_params(cv=calibration.cross_validation.folds)


def calibration_folds(
    codes: npt.NDArray[Any], calibration: Calibration, *, is_ordered: bool, groups: Groups | None, seed: int
) -> tuple[FoldIndices | None, list[str]]:
    """The folds to calibrate on where rows are split by time or by group.

    By time there is one fold: the latest rows, as many as one of the folds has; the fit uses the earlier ones. A mean
    of several would weight fits on few, old rows as much as those on many.

    Args:
        codes: The class codes of the training rows, shape (n_rows,).
        calibration: The number of folds.
        is_ordered: Whether the rows are in chronological order.
        groups: The group of each row, shape (n_rows,).
        seed: Seed for shuffling the groups.

    Returns:
        The folds, None where rows are split at random; and warnings about them.

    Raises:
        EstimatorRejected: A class has no row to fit on or none to calibrate on.
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
            f"probabilities cannot be calibrated in {folds} folds of whole groups: every fold lacks a class"
        )
    if len(kept) == len(found):
        return kept, []
    lacking = len(found) - len(kept)
    were = agreeing(lacking, "was", "were")
    return kept, [f"calibration: {lacking} of {folds} folds {were} skipped because they lack a class"]


def _latest(codes: npt.NDArray[Any], folds: int) -> tuple[RowIndices, RowIndices]:
    count = max(1, len(codes) // folds)
    rows = np.arange(len(codes), dtype=np.int64)
    earlier, later = rows[:-count], rows[-count:]
    class_count = len(np.unique(codes))
    for fold, described in ((earlier, f"{len(earlier):,} earlier"), (later, f"{count:,} latest")):
        if len(np.unique(codes[fold])) < class_count:
            raise EstimatorRejected(
                f"probabilities cannot be calibrated by time: the {described} of {counted(len(codes), 'training row')} "
                "lack a class"
            )
    return earlier, later
