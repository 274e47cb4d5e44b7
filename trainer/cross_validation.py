"""Cross-validation: the training rows in parts, each measured by a model of the others."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

from shared.errors import EstimatorRejected
from shared.tabular.metrics import Metrics
from trainer.splitting import RowIndices, Split

Measure = Callable[[Split, int], Metrics]
"""Learns from a split's training rows and measures on the others; takes the fold's number too."""


def cross_validate(
    split: Split,
    target: np.ndarray[Any, Any],
    measure: Measure,
    *,
    folds: int,
    is_classification: bool,
    is_ordered: bool,
    seed: int,
) -> dict[str, Any]:
    """Measure on parts of the training rows; all that is learnt is learnt anew for each.

    Args:
        split: Its training rows are parted, in their order; held-out rows take no part.
        target: Class codes or numbers of all rows, shape (n_rows,).
        measure: Learns and measures.
        folds: How many parts.
        is_classification: Keep the classes' shares, where each class has a row for each part.
        is_ordered: The training rows are in the order of time: each part is measured by a model of the earlier ones.
        seed: Shuffles the rows.

    Returns:
        ``folds``, and ``metrics``: by name the ``mean`` and the ``standard_deviation`` over the parts where it is
        defined, and the ``values``, one a part.

    Raises:
        EstimatorRejected: Too few rows for so many parts.
    """
    found: list[Metrics] = []
    for fold, (train, held_out) in enumerate(
        parts(target[split.train], folds, is_classification, is_ordered=is_ordered, seed=seed)
    ):
        found.append(measure(Split(split.train[train], split.train[held_out]), fold))
    return {"folds": folds, "metrics": {name: _summary([one[name] for one in found]) for name in found[0]}}


def parts(
    target: np.ndarray[Any, Any], folds: int, is_classification: bool, *, is_ordered: bool, seed: int
) -> Iterator[tuple[RowIndices, RowIndices]]:
    """The rows in parts.

    Args:
        target: Class codes or numbers, shape (n_rows,).
        folds: How many parts.
        is_classification: Keep the classes' shares, where each class has a row for each part.
        is_ordered: The rows are in the order of time.
        seed: Shuffles the rows.

    Yields:
        For each part the positions of the rows to fit on, and of those to measure on.

    Raises:
        EstimatorRejected: Too few rows for so many parts.
    """
    if len(target) < folds * 2:
        raise EstimatorRejected(f"{len(target)} training rows are too few for cross-validation in {folds} parts")
    if is_ordered:
        splitter: Any = TimeSeriesSplit(folds)
    elif is_classification and np.unique(target, return_counts=True)[1].min() >= folds:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    else:
        splitter = KFold(folds, shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros((len(target), 0)), target)


def _summary(values: list[float | None]) -> dict[str, Any]:
    defined = [value for value in values if value is not None]
    if not defined:
        return {"mean": None, "standard_deviation": None, "values": values}
    return {"mean": float(np.mean(defined)), "standard_deviation": float(np.std(defined)), "values": values}
