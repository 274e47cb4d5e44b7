"""The points behind the plots of a drift report: how far what has drifted is off, and how it is distributed. Pure."""

import math
from typing import Any, Final

from modelbus.shared.contracts.records.explanation_results import Distribution, DriftFinding, DriftResult
from modelbus.shared.contracts.records.plot_points import Layer, Plot
from modelbus.shared.plot_names import plot_names

EXCESS_LIMIT: Final = 1e6
"""Times a threshold that a bar is long at most: a threshold may be so small that the quotient would be infinite."""
UNKNOWN_EXCESS: Final = 1.0
"""How long the bar of a statistic is that is unknown and counts as drift: it just reaches its threshold."""
_FEWEST_DIGITS: Final = 6
_MOST_DIGITS: Final = 17
"""With so many, no two floats are written alike."""
COLUMN_LIMIT: Final = 10
"""Columns that are drawn, the predictions among them: those that are farthest beyond a threshold."""


def drift_plots(report: DriftResult) -> list[Plot]:
    """``drift`` first, then ``drift_...`` for what has drifted; nothing where nothing has.

    Args:
        report: The result.
    """
    findings = [each for each in [*report.columns, report.predictions] if each is not None and each.has_drifted]
    shown = sorted(findings, key=lambda each: -max(excess for _, excess in _excesses(each)))[:COLUMN_LIMIT]
    if not shown:
        return []
    names = plot_names("drift", [each.name for each in shown])
    note = "" if len(shown) == len(findings) else f"the {len(shown)} farthest of {len(findings)} that have drifted"
    distributions = [_distribution_plot(name, each) for name, each in zip(names, shown, strict=True)]
    return [_statistics_plot(shown, note), *distributions]


def _excesses(finding: DriftFinding) -> list[tuple[str, float]]:
    """The statistics that mean drift: what a bar says of each, and how many times its threshold it is."""
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
        x_label="share of the rows",
        y_label=finding.name,
        layers=[Layer(kind="bars", label=label, y=fractions, names=bins) for label, fractions in sides],
    )


def _bin_names(distribution: Distribution) -> list[str]:
    """What each bin holds, in words. Of ranges the last has no end: null, which is the end of no other bin."""
    if None not in distribution.x:
        return [str(value) for value in distribution.x]
    last = distribution.x.index(None)
    return [*_range_names(distribution.x[:last]), *(str(value) for value in distribution.x[last + 1 :])]


def _range_names(ends: list[Any]) -> list[str]:
    """With as many digits as it takes to tell the bins apart."""
    names: list[str] = []
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1):
        beyond = f"> {_number(ends[-1], digits)}" if ends else "any"
        names = [*(_range_name(ends, index, digits) for index in range(len(ends))), beyond]
        if len(set(names)) == len(names):
            break
    return names


def _range_name(ends: list[Any], index: int, digits: int) -> str:
    """Of a value that has a bin of its own, the bin below it ends right before it."""
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
