"""Cross-validation: the training rows in folds, each measured by a model of the others."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.tabular.metrics.measured import Metrics
from modelbus.trainer.rows.splitting import Groups, RowIndices, Split

Measure = Callable[[Split, int], Metrics]
"""Learns from a split's training rows and measures on the others; takes the fold's number too, from 0 on."""
Label = Any

_NAMED: Final = 5


def cross_validate(
    split: Split,
    target: np.ndarray[Any, Any],
    measure: Measure,
    *,
    folds: int,
    classes: Sequence[Label] | None,
    is_ordered: bool,
    seed: int,
    groups: Groups | None = None,
) -> dict[str, Any]:
    """Measure on folds of the training rows; all that is learnt is learnt anew for each.

    A fold that cannot be learnt or measured is left out, and told.

    Args:
        split: Its training rows are parted, in their order; held-out rows take no part.
        target: Class codes or numbers of all rows, shape (n_rows,).
        measure: Learns and measures.
        folds: How many folds.
        classes: The labels, in the order of their codes, of which each fold keeps the fractions as far as can be; None
            where numbers are learnt.
        is_ordered: The training rows are in the order of time: each fold is measured by a model of the earlier ones.
        seed: Shuffles the rows.
        groups: Which of all rows belong together, shape (n_rows,): each fold has whole groups.

    Returns:
        ``folds``, and ``metrics``: by name the ``mean`` and the ``standard_deviation`` over the folds where it is
        defined, their ``count``, and the ``values``, one a fold. ``unmeasured``: for each fold of which something could
        not be measured the ``fold``, from 1 on, the ``reason``, and the ``metrics`` that are lacking.

    Raises:
        EstimatorRejected: Too few rows for so many folds, or none of them could be measured.
    """
    found: list[Metrics | None] = []
    reasons: list[str | None] = []
    of_train = None if groups is None else groups[split.train]
    for fold, (train, held_out) in enumerate(
        fold_indices(target[split.train], folds, classes is not None, is_ordered=is_ordered, seed=seed, groups=of_train)
    ):
        of_fold = Split(split.train[train], split.train[held_out])
        try:
            if not len(held_out):  # where one group is larger than a fold
                raise EstimatorRejected("no group is left for it")
            found.append(measure(of_fold, fold))
            reasons.append(_lacking(target, of_fold, classes) if classes is not None else None)
        except EstimatorRejected as error:
            found.append(None)
            reasons.append(error.message)
    measured = [one for one in found if one is not None]
    if not measured:
        raise EstimatorRejected(f"none of the {folds} folds of the cross-validation could be measured: {reasons[0]}")
    names = list(measured[0])
    return {
        "folds": folds,
        "metrics": {name: _summary([one.get(name) if one is not None else None for one in found]) for name in names},
        "unmeasured": _unmeasured(found, reasons, names),
    }


def fold_indices(
    target: np.ndarray[Any, Any],
    folds: int,
    is_classification: bool,
    *,
    is_ordered: bool,
    seed: int,
    groups: Groups | None = None,
) -> Iterator[tuple[RowIndices, RowIndices]]:
    """The rows in folds.

    Args:
        target: Class codes or numbers, shape (n_rows,).
        folds: How many folds.
        is_classification: Keep the classes' fractions, as far as can be.
        is_ordered: The rows are in the order of time.
        seed: Shuffles the rows.
        groups: Which rows belong together, shape (n_rows,).

    Yields:
        For each fold the positions of the rows to fit on, and of those to measure on.

    Raises:
        EstimatorRejected: Too few rows, or too few groups, for so many folds.
    """
    if len(target) < folds * 2:
        raise EstimatorRejected(f"{len(target)} training rows are too few for cross-validation in {folds} folds")
    is_stratified = is_classification and np.unique(target, return_counts=True)[1].max() >= folds
    if groups is not None:
        group_count = len(np.unique(groups))
        if group_count < folds:
            raise EstimatorRejected(f"{group_count} groups are too few for cross-validation in {folds} folds")
        kind = StratifiedGroupKFold if is_stratified else GroupKFold
        splitter: Any = kind(folds, shuffle=True, random_state=seed)
    elif is_ordered:
        splitter = TimeSeriesSplit(folds)
    else:
        splitter = (StratifiedKFold if is_stratified else KFold)(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # that a class has fewer rows than there are folds: it is in some of them only, which is told by the fold
        warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)
        splits = list(splitter.split(np.zeros((len(target), 0)), target, groups))
    yield from splits


def fold_notes(validated: dict[str, Any]) -> list[str]:
    """Sentences about the folds that could not be measured, or not wholly, with how many the means are of."""
    return [_fold_note(one, validated) for one in validated["unmeasured"]]


def _fold_note(one: dict[str, Any], validated: dict[str, Any]) -> str:
    folds, figures = validated["folds"], validated["metrics"]
    where, names = f"fold {one['fold']} of {folds}", one["metrics"]
    if names is None:
        count = folds - sum(other["metrics"] is None for other in validated["unmeasured"])
        return f"cross-validation: {where} could not be measured: {one['reason']}; the means are of {count} folds"
    if not names:
        return f"cross-validation: in {where} {one['reason']}"
    some = [f"{name} ({figures[name]['count']} folds in its mean)" for name in names[:_NAMED]]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"cross-validation: in {where} {one['reason']}, and so nothing for {', '.join(some)}{more}"


def _lacking(target: np.ndarray[Any, Any], fold: Split, classes: Sequence[Label]) -> str | None:
    """Which classes a fold has no row of, in words; None if it has all."""
    found = []
    for rows, where in ((fold.train, "to fit on"), (fold.hold_out, "to measure on")):
        there = set(np.unique(target[rows]).tolist())
        absent = [str(label) for code, label in enumerate(classes) if code not in there]
        if absent:
            more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
            found.append(f"there is no row {where} of the class {', '.join(map(repr, absent[:_NAMED]))}{more}")
    return " and ".join(found) or None


def _unmeasured(
    found: Sequence[Metrics | None], reasons: Sequence[str | None], names: Sequence[str]
) -> list[dict[str, Any]]:
    """The folds of which something is lacking that others have."""
    defined = {name for name in names if any(one is not None and one.get(name) is not None for one in found)}
    told: list[dict[str, Any]] = []
    for number, (one, reason) in enumerate(zip(found, reasons, strict=True), 1):
        if one is None:
            told.append({"fold": number, "reason": reason, "metrics": None})
            continue
        lacking = [name for name in names if name in defined and one.get(name) is None]
        if lacking or reason is not None:
            why = reason or "there are figures that are not defined for its rows"
            told.append({"fold": number, "reason": why, "metrics": lacking})
    return told


def _summary(values: list[float | None]) -> dict[str, Any]:
    defined = [value for value in values if value is not None]
    if not defined:
        return {"mean": None, "standard_deviation": None, "count": 0, "values": values}
    figures = {"mean": float(np.mean(defined)), "standard_deviation": float(np.std(defined)), "count": len(defined)}
    return {**figures, "values": values}
