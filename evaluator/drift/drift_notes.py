"""What a drift report could not tell, in words: "no drift" is never said of what is unknown. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from modelbus.evaluator.drift.column_findings import Finding, Statistic
from modelbus.shared.contracts import DriftThresholds

NAMED: Final = 10
"""Columns that a warning names."""
_OF_PREDICTIONS: Final = ("psi", "kolmogorov_smirnov", "jensen_shannon")
NO_THRESHOLD: Final = "every threshold is null, so nothing means drift; give one, such as psi: 0.2"


def are_predictions_unknown(
    findings: Sequence[Finding], predictions: Finding | None, thresholds: DriftThresholds
) -> bool:
    """Whether predictions were to be compared and could not be, because no row of one side can be predicted."""
    return bool(findings) and predictions is None and any(getattr(thresholds, name) for name in _OF_PREDICTIONS)


def drift_warnings(
    findings: Sequence[Finding], predictions: Finding | None, thresholds: DriftThresholds, rows: tuple[int, int]
) -> list[str]:
    """What is unknown, or could not be told from chance, and why.

    Args:
        findings: Of the columns; none where there are no rows to compare.
        predictions: What was found of the predictions; None where no row can be predicted.
        thresholds: What means drift.
        rows: Rows of the training table and rows that are compared.
    """
    if not rows[1]:
        return ["there are no rows to compare: whether anything has drifted is unknown"]
    if not any(thresholds.model_dump().values()):
        return [NO_THRESHOLD]
    every = [*findings, *([predictions] if predictions else [])]
    warnings = _unknown(every) + _undecidable(every, rows)
    if are_predictions_unknown(findings, predictions, thresholds):
        warnings.append(
            "no row of the training table or none of the compared rows can be predicted: whether the predictions have "
            "drifted is unknown, and counts as drift"
        )
    return warnings


def _unknown(findings: Iterable[Finding]) -> list[str]:
    grouped = _grouped(findings, lambda finding: finding.unknown)
    return [
        f"{name} of {_named(columns)} is unknown, and counts as drift: {reason}"
        for (name, reason), columns in grouped.items()
    ]


def _undecidable(findings: Iterable[Finding], rows: tuple[int, int]) -> list[str]:
    grouped = _grouped(findings, lambda finding: finding.undecidable)
    return [
        f"{name} of {_named(columns)} cannot show drift: {reason} ({rows[0]} of the training table, {rows[1]} compared)"
        for (name, reason), columns in grouped.items()
    ]


def _grouped(
    findings: Iterable[Finding], statistics: Callable[[Finding], list[Statistic]]
) -> dict[tuple[str, str | None], list[str]]:
    """The names of columns by a statistic's name and its reason."""
    grouped: dict[tuple[str, str | None], list[str]] = {}
    for finding in findings:
        for statistic in statistics(finding):
            grouped.setdefault((statistic.name, statistic.reason), []).append(finding.name)
    return grouped


def _named(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in columns[:NAMED])
    more = len(columns) - NAMED
    return f"{shown} and {more} more" if more > 0 else shown
