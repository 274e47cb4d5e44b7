"""Cross-validation: the training rows are split into folds, and each is measured with a model of the others."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.plural import agreeing, counted
from modelbus.shared.tabular.metrics.measured import Metrics
from modelbus.trainer.rows.splitting import Groups, RowIndices, Split

Measure = Callable[[Split, int], Metrics]
"""Learns from a split's training rows and measures on its held-out rows; also takes the fold's number, from 0."""
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
    """Measure on folds of the training rows. Everything, encoder included, is learnt anew for each fold.

    A fold that cannot be learnt or measured is skipped and reported.

    Args:
        split: Its training rows are split into folds, in their order; held-out rows are not used.
        target: Class codes or numbers of all rows, shape (n_rows,).
        measure: Learns and measures.
        folds: The number of folds.
        classes: The labels, in the order of their codes; folds are stratified by them as far as possible. None for
            regression.
        is_ordered: Whether the training rows are in chronological order: each fold is then measured with a model of the
            earlier ones.
        seed: Seed for shuffling the rows.
        groups: The group of each of all rows, shape (n_rows,): each fold consists of whole groups.

    Returns:
        ``folds``; ``metrics``: by name the ``mean`` and the ``standard_deviation`` over the folds where the metric is
        defined, their ``count``, and the ``values``, one per fold; ``unmeasured``: for each fold that could not be
        measured completely, the ``fold``, from 1, the ``reason``, and the missing ``metrics``.

    Raises:
        EstimatorRejected: There are too few rows for this number of folds, or none could be measured.
    """
    found: list[Metrics | None] = []
    reasons: list[str | None] = []
    of_train = None if groups is None else groups[split.train]
    for fold, (train, held_out) in enumerate(
        fold_indices(target[split.train], folds, classes is not None, is_ordered=is_ordered, seed=seed, groups=of_train)
    ):
        of_fold = Split(split.train[train], split.train[held_out])
        try:
            if not len(held_out):  # if a group is larger than a fold
                raise EstimatorRejected("no group is left for this fold")
            found.append(measure(of_fold, fold))
            reasons.append(_lacking(target, of_fold, classes) if classes is not None else None)
        except EstimatorRejected as error:
            found.append(None)
            reasons.append(error.message)
    measured = [one for one in found if one is not None]
    if not measured:
        raise EstimatorRejected(f"cross-validation: none of the {folds} folds could be measured: {reasons[0]}")
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
    """Split rows into folds.

    Args:
        target: Class codes or numbers, shape (n_rows,).
        folds: The number of folds.
        is_classification: Whether folds are stratified by class, as far as possible.
        is_ordered: Whether the rows are in chronological order.
        seed: Seed for shuffling the rows.
        groups: The group of each row, shape (n_rows,).

    Yields:
        For each fold, the positions of the rows to fit on and of the rows to measure on.

    Raises:
        EstimatorRejected: There are too few rows or too few groups for this number of folds.
    """
    if len(target) < folds * 2:
        raise EstimatorRejected(f"{folds} folds need at least {folds * 2} training rows, not {len(target)}")
    is_stratified = is_classification and np.unique(target, return_counts=True)[1].max() >= folds
    if groups is not None:
        group_count = len(np.unique(groups))
        if group_count < folds:
            raise EstimatorRejected(f"{folds} folds need at least {folds} groups of training rows, not {group_count}")
        kind = StratifiedGroupKFold if is_stratified else GroupKFold
        splitter: Any = kind(folds, shuffle=True, random_state=seed)
    elif is_ordered:
        splitter = TimeSeriesSplit(folds)
    else:
        splitter = (StratifiedKFold if is_stratified else KFold)(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # about a class with fewer rows than folds: it is in some folds only, which the folds' own notes report
        warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)
        splits = list(splitter.split(np.zeros((len(target), 0)), target, groups))
    yield from splits


def fold_notes(validated: dict[str, Any]) -> list[str]:
    """One warning for each fold that could not be measured, or only in part."""
    return [_fold_note(one, validated) for one in validated["unmeasured"]]


def _fold_note(one: dict[str, Any], validated: dict[str, Any]) -> str:
    folds, figures = validated["folds"], validated["metrics"]
    where, names = f"fold {one['fold']} of {folds}", one["metrics"]
    if names is None:
        count = folds - sum(other["metrics"] is None for other in validated["unmeasured"])
        measured = counted(count, "fold")
        return f"cross-validation: {where} could not be measured: {one['reason']}; the means are over {measured}"
    if not names:
        return f"cross-validation: in {where}, {one['reason']}"
    some = [f"{name} (mean over {counted(figures[name]['count'], 'fold')})" for name in names[:_NAMED]]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"cross-validation: in {where}, {one['reason']}; not measured there: {', '.join(some)}{more}"


def _lacking(target: np.ndarray[Any, Any], fold: Split, classes: Sequence[Label]) -> str | None:
    """A clause that names the classes which a fold lacks; None if it has all."""
    found = []
    for rows, where in ((fold.train, "to fit on"), (fold.hold_out, "to measure on")):
        there = set(np.unique(target[rows]).tolist())
        absent = [str(label) for code, label in enumerate(classes) if code not in there]
        if absent:
            more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
            noun = agreeing(len(absent), "class", "classes")
            found.append(f"there is no row {where} of the {noun} {', '.join(map(repr, absent[:_NAMED]))}{more}")
    return " and ".join(found) or None


def _unmeasured(
    found: Sequence[Metrics | None], reasons: Sequence[str | None], names: Sequence[str]
) -> list[dict[str, Any]]:
    """The folds that lack a metric which others have."""
    defined = {name for name in names if any(one is not None and one.get(name) is not None for one in found)}
    unmeasured: list[dict[str, Any]] = []
    for number, (one, reason) in enumerate(zip(found, reasons, strict=True), 1):
        if one is None:
            unmeasured.append({"fold": number, "reason": reason, "metrics": None})
            continue
        lacking = [name for name in names if name in defined and one.get(name) is None]
        if lacking or reason is not None:
            why = reason or "some metrics are not defined for its rows"
            unmeasured.append({"fold": number, "reason": why, "metrics": lacking})
    return unmeasured


def _summary(values: list[float | None]) -> dict[str, Any]:
    defined = [value for value in values if value is not None]
    if not defined:
        return {"mean": None, "standard_deviation": None, "count": 0, "values": values}
    figures = {"mean": float(np.mean(defined)), "standard_deviation": float(np.std(defined)), "count": len(defined)}
    return {**figures, "values": values}
