"""The plots of a drift report, as points: the statistics and the distributions of what has drifted. Pure."""

import math
from typing import Any, Final

from modelbus.shared.contracts.records.explanation_results import Distribution, DriftFinding, DriftResult
from modelbus.shared.contracts.records.plot_points import Layer, Plot
from modelbus.shared.plot_names import plot_names

EXCESS_LIMIT: Final = 1e6
"""Maximum length of a bar, in thresholds: for a tiny threshold, the quotient would be infinite."""
UNKNOWN_EXCESS: Final = 1.0
"""The length of the bar of an unknown statistic, which counts as drift: it just reaches the threshold."""
_MINIMUM_DIGITS: Final = 6
_MAXIMUM_DIGITS: Final = 17
"""Enough digits to distinguish any two floats."""
COLUMN_LIMIT: Final = 10
"""Maximum columns that are drawn, predictions included: those farthest beyond a threshold."""


def drift_plots(report: DriftResult) -> list[Plot]:
    """``drift`` first, then ``drift_...`` for each column that has drifted; empty if none has.

    Args:
        report: The report.
    """
    findings = [each for each in [*report.columns, report.predictions] if each is not None and each.has_drifted]
    shown = sorted(findings, key=lambda each: -max(excess for _, excess in _excesses(each)))[:COLUMN_LIMIT]
    if not shown:
        return []
    names = plot_names("drift", [each.name for each in shown])
    note = "" if len(shown) == len(findings) else f"the top {len(shown)} of {len(findings):,} drifted columns"
    distributions = [_distribution_plot(name, each) for name, each in zip(names, shown, strict=True)]
    return [_statistics_plot(shown, note), *distributions]


def _excesses(finding: DriftFinding) -> list[tuple[str, float]]:
    """The label and the length of a bar, in thresholds, for each statistic that means drift."""
    found = []
    for each in finding.statistics:
        if not each.is_exceeded or each.threshold is None:
            continue
        if each.value is None:
            found.append((f"{each.name} unknown: {finding.name}", UNKNOWN_EXCESS))
        else:
            excess = min(each.value / each.threshold, EXCESS_LIMIT)
            found.append((f"{each.name} {each.value:.3g}: {finding.name}", excess))
    return found


def _statistics_plot(findings: list[DriftFinding], note: str) -> Plot:
    bars = [bar for finding in findings for bar in _excesses(finding)]
    threshold = Layer(kind="reference", label="threshold", x=[1, 1], y=[-0.5, len(bars) - 0.5])
    return Plot(
        name="drift",
        title="Drift",
        x_label="statistic as a multiple of its threshold",
        y_label="",
        note=note,
        layers=[Layer(kind="bars", y=[excess for _, excess in bars], names=[name for name, _ in bars]), threshold],
    )


def _distribution_plot(name: str, finding: DriftFinding) -> Plot:
    distribution = finding.distribution
    bins = _bin_names(distribution)
    sides: Any = (("training table", distribution.reference), ("compared rows", distribution.current))
    return Plot(
        name=name,
        title=f"Drift of {finding.name}",
        x_label="fraction of rows",
        y_label=finding.name,
        layers=[Layer(kind="bars", label=label, y=fractions, names=bins) for label, fractions in sides],
    )


def _bin_names(distribution: Distribution) -> list[str]:
    """The labels of the bins. The last range has no upper end: its label is null, which occurs in no other bin."""
    if None not in distribution.x:
        return [str(value) for value in distribution.x]
    last = distribution.x.index(None)
    return [*_range_names(distribution.x[:last]), *(str(value) for value in distribution.x[last + 1 :])]


def _range_names(ends: list[Any]) -> list[str]:
    """Labels of ranges, with as many digits as needed to distinguish them."""
    names: list[str] = []
    for digits in range(_MINIMUM_DIGITS, _MAXIMUM_DIGITS + 1):
        beyond = f"> {_number(ends[-1], digits)}" if ends else "any"
        names = [*(_range_name(ends, index, digits) for index in range(len(ends))), beyond]
        if len(set(names)) == len(names):
            break
    return names


def _range_name(ends: list[Any], index: int, digits: int) -> str:
    """The label of a range; if a single value has its own bin, the bin below it ends right before it."""
    if _is_next(ends[index : index + 2]):
        return f"< {_number(ends[index + 1], digits)}"
    sign = "=" if _is_next(ends[max(index - 1, 0) : index + 1]) else "≤"
    return f"{sign} {_number(ends[index], digits)}"


def _is_next(pair: list[Any]) -> bool:
    """Whether no number lies between two."""
    if len(pair) < 2 or not all(isinstance(end, (int, float)) for end in pair):
        return False
    return math.nextafter(float(pair[0]), math.inf) == float(pair[1])


def _number(end: Any, digits: int) -> str:
    return f"{end:.{digits}g}" if isinstance(end, float) else str(end)
