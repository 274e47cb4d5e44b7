"""The table and the verdicts of the benchmark of `auto`."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.auto.auto_tables import TABLES

MEDIAN_GOAL, WORST_GOAL, DEFAULT_GOAL = 0.5, 3.0, 1.0
"""In percent of the best score: the gap to the best of the three, and to the best single default."""
SYSTEMS = ("modelbus", "flaml", "autogluon")
_BEGIN, _END = "<!-- auto: begin -->", "<!-- auto: end -->"
_OVERSHOOT = (1.1, 2.0)


def report(runs: Sequence[Any], budgets_s: Sequence[float], tables: Sequence[str], readme: Path) -> None:
    """Print table and verdicts, and write them between the marks in README.md, if all tables were measured.

    Args:
        runs: What was measured.
        budgets_s: The budgets to report.
        tables: The tables to report.
        readme: The file.
    """
    lines: list[str] = []
    for budget_s in budgets_s:
        rows = [row for table in tables if (row := _row(runs, table, budget_s)) is not None]
        if rows:
            _print(rows, budget_s)
            lines += [*_markdown(rows, budget_s), ""]
    text = readme.read_text()
    if _BEGIN in text and len(tables) >= 20:  # a try with a few tables is nobody's result
        head, _, rest = text.partition(_BEGIN)
        readme.write_text(f"{head}{_BEGIN}\n\n{os.linesep.join(lines)}\n{_END}{rest.partition(_END)[2]}")


class _Mean(NamedTuple):
    """The result of a system on a table, over all of its turns."""

    system: str
    score: float | None
    """The mean; None if it failed once."""
    fit_s: float
    """The longest."""


def _row(runs: Sequence[Any], table: str, budget_s: float) -> dict[str, Any] | None:
    """A table's row; None if a system was not measured in all of the table's turns."""
    ours = [one for one in runs if one.table == table]
    means = {one: _mean(one, [run for run in ours if run.budget_s == budget_s], table) for one in SYSTEMS}
    by_system = {name: mean for name, mean in means.items() if mean is not None}
    if len(by_system) < len(SYSTEMS):
        return None
    own = by_system["modelbus"].score
    best = max(one.score for one in by_system.values() if one.score is not None)
    names = {one.system for one in ours} - set(SYSTEMS)
    defaults = [_mean(one, [run for run in ours if run.fit_s <= budget_s], table) for one in names]
    singles = [one for one in defaults if one is not None and one.score is not None]
    single = max(singles, key=lambda one: one.score or 0.0, default=None)
    return {
        "table": table,
        **{name: one.score for name, one in by_system.items()},
        "gap": _gap(own, best),
        "single": single,
        "single_gap": _gap(own, single.score) if single is not None else None,
        "fit_s": {name: one.fit_s for name, one in by_system.items()},
    }


def _mean(system: str, runs: Sequence[Any], table: str) -> _Mean | None:
    own = [one for one in runs if one.system == system]
    if len(own) < TABLES[table].turns:
        return None
    scores = [one.score for one in own]
    score = None if None in scores else fmean(scores)
    return _Mean(system, score, max(one.fit_s for one in own))


def _gap(own: float | None, other: float | None) -> float:
    """In percent of the other's score; all of it, where there is none of our own."""
    if own is None or other is None:
        return 100.0
    return 100 * (other - own) / abs(other)


def _verdicts(rows: Sequence[dict[str, Any]], budget_s: float) -> list[str]:
    gaps = [row["gap"] for row in rows]
    behind = [row["single_gap"] for row in rows if row["single_gap"] is not None]
    longest = max(row["fit_s"]["modelbus"] for row in rows)
    allowed_s = _OVERSHOOT[0] * budget_s + _OVERSHOOT[1]
    of_best, of_default = max(gaps), max(behind, default=0.0)
    return [
        _verdict("median gap to the best of the three", median(gaps), MEDIAN_GOAL, "%"),
        _verdict("worst gap to the best of the three", of_best, WORST_GOAL, "%"),
        _verdict("worst gap to the best single default", of_default, DEFAULT_GOAL, "%"),
        _verdict("longest training", longest, allowed_s, "s"),
    ]


def _verdict(what: str, value: float, goal: float, unit: str) -> str:
    return f"{what}: {value:.2f} {unit} (goal {goal:g} {unit}: {'reached' if value <= goal else 'MISSED'})"


def _cells(row: dict[str, Any]) -> list[str]:
    single = row["single"]
    return [
        row["table"],
        *(f"{row[one]:.4f}" if row[one] is not None else "failed" for one in SYSTEMS),
        f"{row['gap']:.2f}",
        "" if single is None else f"{single.score:.4f} {single.system}",
        "" if single is None else f"{row['single_gap']:.2f}",
        " / ".join(f"{row['fit_s'][one]:.0f}" for one in SYSTEMS),
    ]


_HEADS = ("table", *SYSTEMS, "gap %", "best single default", "gap %", "seconds")


def _print(rows: Sequence[dict[str, Any]], budget_s: float) -> None:
    grid = Table(*_HEADS, title=f"{budget_s:g} s")
    for row in rows:
        grid.add_row(*_cells(row))
    Console(width=140).print(grid)
    for line in _verdicts(rows, budget_s):
        print(line)


def _markdown(rows: Sequence[dict[str, Any]], budget_s: float) -> list[str]:
    return [
        f"**{budget_s:g} s**, {len(rows)} tables:",
        "",
        *(f"- {line}" for line in _verdicts(rows, budget_s)),
        "",
        f"| {' | '.join(_HEADS)} |",
        f"| {' | '.join('---' for _ in _HEADS)} |",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
    ]
