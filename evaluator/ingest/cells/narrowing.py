"""Which type a column of text has, found while it streams: every cell of the file has its say, none is sampled.

A column starts with all candidates and each batch drops those that it does not fit. What no candidate fits is text.
The candidates have no cell in common, so from the second batch on one at most is left, and text costs nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.booleans import Booleans
from modelbus.evaluator.ingest.cells.calendar_dates import CalendarDates
from modelbus.evaluator.ingest.cells.code_looks import CodeLooks
from modelbus.evaluator.ingest.cells.formed_numerals import FormedNumerals
from modelbus.evaluator.ingest.cells.iso_dates import IsoDates
from modelbus.evaluator.ingest.cells.numerals import Numerals
from modelbus.evaluator.ingest.cells.texts import have_no_values, missing_mask, trimmed
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.contracts import NumberForm
from modelbus.shared.tabular.cells.marks import MISSING_MARKS, TEXT_MISSING_MARKS


class Candidate(Protocol):
    """A type that a column may have."""

    refusal: str | None
    """Why the column is not of this type after all, where that deserves a warning."""

    def accepts(self, values: pa.Array) -> bool:
        """Whether these cells (trimmed, none missing, at least one) fit as well."""

    def read_surely(self, cells: pa.Array) -> pa.Array | None:
        """What to spool of these cells if, as written in the file, they certainly fit.

        Typed where the value tells the text, else the cells; ``None`` if they need a closer look. Nulls
        fit. Asked only of what has accepted cells before, where no mark of missing values reads as a value.
        """

    def plan(self, name: str) -> ColumnPlan | None:
        """How to read the column, ``None`` if it is better left as text."""

    def notes(self) -> list[str]:
        """Notes for a reader of the column's profile, without its name."""


class ColumnNarrowing:
    """The candidates of one column and what is left of them."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        *,
        marks: tuple[str, ...] = MISSING_MARKS,
        text_marks: tuple[str, ...] = TEXT_MISSING_MARKS,
        may_be_indented: bool = False,
        is_stripped: bool = False,
    ) -> None:
        """Args:
        candidates: The types that the column may have beside text.
        marks: Cells that mean "no value" where the other cells are numbers, dates or booleans.
        text_marks: Cells that mean "no value" in a column of text; some of ``marks``.
        may_be_indented: Cut the space before the texts if each and every one has it.
        is_stripped: Cut spaces and tabs around all texts.
        """
        self._candidates = list(candidates)
        self._marks = marks
        self._text_marks = text_marks
        self._is_empty = True
        self._is_indented = may_be_indented and not is_stripped
        self._is_stripped = is_stripped
        self._notes: list[str] = []
        self._has_plain_marks = have_no_values(marks)
        self._is_settled = False
        """One candidate is left, which has accepted cells, and nothing else remains to be inferred."""

    def feed(self, cells: pa.Array) -> pa.Array:
        """Narrow by the next cells of the column; nulls have no say.

        Returns:
            The cells to spool: text or typed.
        """
        if not (self._candidates or self._is_indented or self._is_empty) or cells.null_count == len(cells):
            return cells
        found = self._candidates[0].read_surely(cells) if self._is_settled else None
        if found is not None:
            return found
        self._narrow(cells.drop_null())
        return cells

    def _narrow(self, cells: pa.Array) -> None:
        values = trimmed(cells)
        if self._is_empty or self._is_indented:
            self._look_at_text(cells, values)
        mask = missing_mask(values, self._marks)
        if mask is not None:
            values = values.filter(pc.invert(mask))
        if len(values):
            # no cell fits two candidates: where one fits, the others need not refuse, which can take long
            self._candidates = next(([one] for one in self._candidates if self._keeps(one, values)), [])
            is_done = not (self._is_empty or self._is_indented)
            self._is_settled = is_done and self._has_plain_marks and len(self._candidates) == 1

    @property
    def is_text(self) -> bool:
        """Whether the cells so far are text, and nothing else can come of them."""
        return not self._candidates and not self._is_empty

    def plan(self, name: str) -> ColumnPlan:
        """How to read the column, now that all of it was seen."""
        if self._is_empty:
            return ColumnPlan(name, "empty", missing_marks=self._text_marks)
        # several are left only where all cells are marks of numbers, such as dashes
        plan = self._candidates[0].plan(name) if len(self._candidates) == 1 else None
        if plan is not None:
            return replace(plan, missing_marks=self._marks)
        return ColumnPlan(
            name, "text", is_indented=self._is_indented, is_stripped=self._is_stripped, missing_marks=self._text_marks
        )

    def warnings(self, name: str) -> list[str]:
        """What should be known about the column."""
        left = self._candidates[0].notes() if len(self._candidates) == 1 else []
        if self._is_indented and self.plan(name).type == "text":
            left.append("has a space before each value, which is removed")
        return [f"column {name!r} {note}" for note in self._notes + left]

    def _keeps(self, candidate: Candidate, values: pa.Array) -> bool:
        if candidate.accepts(values):
            return True
        self._notes += [candidate.refusal] if candidate.refusal else []
        return False

    def _look_at_text(self, cells: pa.Array, values: pa.Array) -> None:
        mask = missing_mask(values, self._text_marks)
        present = cells.filter(pc.invert(mask)) if mask is not None else cells
        if len(present):
            self._is_empty = False
            self._is_indented = self._is_indented and bool(pc.all(pc.starts_with(present, " ")).as_py())


def delimited_candidates(decimal_marks: str, forms: Sequence[NumberForm] = ()) -> list[Candidate]:
    """What a column of delimited text may be: anything; numbers by one of the forms, if there are any."""
    numbers = FormedNumerals(forms) if forms else Numerals(decimal_marks=decimal_marks, looks=CodeLooks())
    return [numbers, Booleans(), IsoDates(), CalendarDates()]
