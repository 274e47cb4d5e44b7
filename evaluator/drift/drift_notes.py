"""Warnings about what a drift report could not determine: unknown is never reported as "no drift". Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from modelbus.evaluator.drift.column_findings import Finding, Statistic
from modelbus.shared.contracts import DriftThresholds

NAMED: Final = 10
"""Columns that a warning names."""
_OF_PREDICTIONS: Final = ("psi", "kolmogorov_smirnov", "jensen_shannon")
NO_THRESHOLD: Final = "every threshold is null, so nothing can count as drift; set at least one, such as psi: 0.2"


def are_predictions_unknown(
    findings: Sequence[Finding], predictions: Finding | None, thresholds: DriftThresholds
) -> bool:
    """Whether the predictions have thresholds but could not be compared, because no row of one side is predictable."""
    return bool(findings) and predictions is None and any(getattr(thresholds, name) for name in _OF_PREDICTIONS)


def drift_warnings(
    findings: Sequence[Finding], predictions: Finding | None, thresholds: DriftThresholds, rows: tuple[int, int]
) -> list[str]:
    """Warnings about what is unknown, or cannot be distinguished from chance, and why.

    Args:
        findings: The findings about columns; none without rows to compare.
        predictions: The findings about the predictions; None if no row can be predicted.
        thresholds: The thresholds for drift.
        rows: The number of training rows and of compared rows.
    """
    if not rows[1]:
        return ["there are no rows to compare, so drift is unknown"]
    if not any(thresholds.model_dump().values()):
        return [NO_THRESHOLD]
    every = [*findings, *([predictions] if predictions else [])]
    warnings = _unknown(every) + _undecidable(every, rows)
    if are_predictions_unknown(findings, predictions, thresholds):
        warnings.append(
            "no training row or no compared row can be predicted, so drift of the predictions is unknown and counts as "
            "drift"
        )
    return warnings


def _unknown(findings: Iterable[Finding]) -> list[str]:
    grouped = _grouped(findings, lambda finding: finding.unknown)
    return [
        f"{name} of {_named(columns)} is unknown and counts as drift: {reason}"
        for (name, reason), columns in grouped.items()
    ]


def _undecidable(findings: Iterable[Finding], rows: tuple[int, int]) -> list[str]:
    grouped = _grouped(findings, lambda finding: finding.undecidable)
    return [
        f"{name} of {_named(columns)} cannot show drift: {reason} ({rows[0]:,} training rows, {rows[1]:,} compared)"
        for (name, reason), columns in grouped.items()
    ]


def _grouped(
    findings: Iterable[Finding], statistics: Callable[[Finding], list[Statistic]]
) -> dict[tuple[str, str | None], list[str]]:
    """The names of columns, grouped by a statistic's name and its reason."""
    grouped: dict[tuple[str, str | None], list[str]] = {}
    for finding in findings:
        for statistic in statistics(finding):
            grouped.setdefault((statistic.name, statistic.reason), []).append(finding.name)
    return grouped


def _named(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in columns[:NAMED])
    more = len(columns) - NAMED
    return f"{shown} and {more} more" if more > 0 else shown
