"""How the rows to measure on were held out, for a version's record and for people. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from modelbus.shared.contracts.records.model_records import HeldOutRows
from modelbus.trainer.fitting.prepared_fit import PreparedFit

_LISTED: Final = 100
_NAMED: Final = 5


def describe_hold_out(prepared: PreparedFit, measured_count: int) -> tuple[HeldOutRows, list[str]]:
    """How a split was made, and what should be known of it.

    Args:
        prepared: The rows and their split.
        measured_count: Rows of the other dataset, where one is measured on.
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
    """The classes without a held-out row, and their training rows."""
    known, split = prepared.known, prepared.split
    trained = np.bincount(known.values[split.train], minlength=len(known.classes))
    there = set(np.unique(known.values[split.hold_out]).tolist())
    return {
        label: int(count)
        for code, (label, count) in enumerate(zip(known.classes, trained.tolist(), strict=True))
        if code not in there
    }


def _sentence(method: str, counts: dict[Any, int]) -> str:
    named = _listed([f"{label!r} ({count} {'row' if count == 1 else 'rows'})" for label, count in counts.items()])
    of, have = ("class", "has") if len(counts) == 1 else ("classes", "have")
    if method == "partly_stratified":
        return (
            f"the hold-out is stratified by all classes that have rows enough: the {of} {named} {have} too few, and so "
            "none that is held out; no metric says how well such rows are predicted"
        )
    return f"the {of} {named} {have} no held-out row: no metric says how well such rows are predicted"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
