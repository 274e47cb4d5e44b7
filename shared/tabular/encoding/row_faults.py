"""Collects all mismatches between rows and a signature, and raises them as a single error."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pandas as pd

from modelbus.shared.errors import SignatureMismatch
from modelbus.shared.tabular.cells.columns import CellFault

DETAIL_LIMIT = 100
"""Maximum number of details; a wrong column has a fault in every row."""

_NAMED = 3
_HINT_LIMIT = 10
"""Maximum number of missing columns for which similar names are suggested."""
_LIKENESS = 0.8
_SHOWN_LENGTH = 200


class FaultCollector:
    """Collects faults and raises them together."""

    def __init__(self) -> None:
        """Start with none."""
        self._details: list[dict[str, Any]] = []
        self._count = 0

    def require_columns(self, frame: pd.DataFrame, names: Iterable[str]) -> None:
        """Add each column that the frame lacks, or has twice."""
        present = [str(name) for name in frame.columns]
        for name in names:
            if name not in present:
                self._add_missing_column(name, present)
            elif present.count(name) > 1:
                self._add(
                    {"where": f"rows.*.{name}", "problem": "the column occurs more than once", "expected": "one column"}
                )

    def require_keys(self, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
        """Add each column that all rows lack, and each row that lacks a column that others have."""
        for name in names:
            absent = [index for index, row in enumerate(rows) if name not in row]
            if absent and len(absent) == len(rows):
                self._add_missing_column(name, list(rows[0]))
                continue
            for index in absent:
                where = f"rows.{index}.{name}"
                self._add({"where": where, "problem": "missing column", "expected": "a value or null"})

    def add_cells(self, column: str, faults: Iterable[CellFault]) -> None:
        """Add cells that could not be cast."""
        for fault in faults:
            shown = _shown(fault.given)
            problem = f"{shown!r} is not {fault.expected}"
            where = f"rows.{fault.row}.{column}"
            self._add({"where": where, "problem": problem, "expected": fault.expected, "given": shown})

    def raise_any(self) -> None:
        """Raise the collected faults, if there are any.

        Raises:
            SignatureMismatch: With one detail for each fault, at most ``DETAIL_LIMIT``.
        """
        if not self._count:
            return
        named = "; ".join(f"{detail['where']}: {detail['problem']}" for detail in self._details[:_NAMED])
        more = f" (and {self._count - _NAMED} more)" if self._count > _NAMED else ""
        raise SignatureMismatch(f"the rows do not match the model's signature: {named}{more}", details=self._details)

    def _add_missing_column(self, name: str, present: Sequence[str]) -> None:
        # the cost of comparing names grows with the widths of both tables
        near = _nearest(name, present) if self._count < _HINT_LIMIT else None
        problem = "missing column" if near is None else f"missing column; did you mean {near!r}?"
        self._add({"where": f"rows.*.{name}", "problem": problem, "expected": "a value or null in each row"})

    def _add(self, detail: dict[str, Any]) -> None:
        self._count += 1
        if len(self._details) < DETAIL_LIMIT:
            self._details.append(detail)


def _nearest(name: str, present: Sequence[str]) -> str | None:
    """The column with a similar name, ignoring case and punctuation; None if there is none."""
    folded = {_folded(one): one for one in present}
    found = get_close_matches(_folded(name), folded, n=1, cutoff=_LIKENESS)
    return folded[found[0]] if found else None


def _folded(name: str) -> str:
    return "".join(one for one in name.casefold() if one.isalnum()) or name


def _shown(given: Any) -> Any:
    if isinstance(given, str):
        return given[:_SHOWN_LENGTH]
    if isinstance(given, int) and given.bit_length() > 63:  # the limit of most JSON parsers
        return f"an integer of {given.bit_length()} bits"
    if given is None or isinstance(given, (bool, int, float)):
        return given
    return str(given)[:_SHOWN_LENGTH]
