"""A description of the hold-out, for the version's record and for people. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from modelbus.shared.contracts.records.model_records import HeldOutRows
from modelbus.shared.plural import agreeing, counted
from modelbus.trainer.fitting.prepared_fit import PreparedFit

_LISTED: Final = 100
_NAMED: Final = 5


def describe_hold_out(prepared: PreparedFit, measured_count: int) -> tuple[HeldOutRows, list[str]]:
    """Describe how a split was made, with warnings about it.

    Args:
        prepared: The rows and their split.
        measured_count: Rows of the other dataset, if the model is measured on one.
    """
    split, groups = prepared.split, prepared.groups
    if split.method == "dataset":
        return HeldOutRows(method="dataset", row_count=measured_count), []
    counts = _only_trained_on(prepared) if prepared.task == "classification" else {}
    described = HeldOutRows(
        method=split.method,
        row_count=len(split.hold_out),
        unmeasured_classes=list(counts)[:_LISTED],
        unmeasured_class_count=len(counts),
        group_count=len(np.unique(groups[split.hold_out])) if groups is not None else None,
    )
    return described, [_sentence(split.method, counts)] if counts else []


def _only_trained_on(prepared: PreparedFit) -> dict[Any, int]:
    """The classes without a held-out row, with their number of training rows."""
    known, split = prepared.known, prepared.split
    trained = np.bincount(known.values[split.train], minlength=len(known.classes))
    there = set(np.unique(known.values[split.hold_out]).tolist())
    return {
        label: int(count)
        for code, (label, count) in enumerate(zip(known.classes, trained.tolist(), strict=True))
        if code not in there
    }


def _sentence(method: str, counts: dict[Any, int]) -> str:
    named = _listed([f"{label!r} ({counted(count, 'row')})" for label, count in counts.items()])
    noun, have = agreeing(len(counts), "class", "classes"), agreeing(len(counts), "has", "have")
    if method == "partly_stratified":
        return (
            f"the {noun} {named} {have} too few rows for a stratified hold-out, and all of them are trained on: no "
            f"metric covers {agreeing(len(counts), 'this class', 'these classes')}"
        )
    covered = agreeing(len(counts), "this class", "these classes")
    return f"the {noun} {named} {have} no held-out rows: no metric covers {covered}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
