"""Cells that are numbers in a form given by options: thousands, percent, units, accounting signs.

Without such options nothing here is used: ``1,234`` is text, since it may be a number a thousandth as large.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.numerals import Numerals
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.contracts import ColumnOptions, NumberForm, ParseOptions
from modelbus.shared.contracts.commands.datasets import NUMBER_OPTIONS
from modelbus.shared.contracts.number_forms import DecimalMark, likely_decimal_mark
from modelbus.shared.tabular.cells.foreign_characters import cells_in_plain_characters
from modelbus.shared.tabular.cells.written import KEPT
from modelbus.shared.tabular.cells.written_numbers import plain_numerals

_MIXED_PERCENT: Final = "has a percent sign in some cells only: 12% and 12 are both read as 12"
_ALL_MARKS: tuple[DecimalMark, ...] = (".", ",")


def forms_of(options: ParseOptions, delimiter: str | None) -> list[NumberForm]:
    """The forms that a column may have whose type is found; none where only plain numbers are read.

    The plainer one comes first: it is a column's own where it fits as well as another.
    """
    has_option = options.thousands_mark or options.percent or options.units or options.has_accounting_signs
    if not has_option:
        return []
    units = [None, *options.units]
    percents = [None, options.percent] if options.percent else [None]
    return [
        NumberForm(
            decimal_mark=mark,
            thousands_mark=options.thousands_mark,
            grouping=options.grouping,
            percent=percent,
            unit=unit,
            has_accounting_signs=options.has_accounting_signs,
        )
        for percent, unit, mark in product(percents, units, _decimal_marks(options, delimiter))
    ]


def _decimal_marks(options: ParseOptions, delimiter: str | None) -> Sequence[DecimalMark]:
    if options.decimal_mark is not None:
        return (options.decimal_mark,)
    if options.thousands_mark in (".", ","):
        return (likely_decimal_mark(options.thousands_mark),)
    # as for plain numbers: between commas, a comma in a number is hardly a decimal one
    return _ALL_MARKS if delimiter == ";" else (".",)


def declared_form(column: ColumnOptions, options: ParseOptions | None = None) -> NumberForm | None:
    """The form of a column that was declared to hold numbers; None if they are plain.

    Args:
        column: What was declared of it.
        options: What was said of the whole file, where that is delimited text.
    """
    if column.type not in ("integer", "real"):
        return None
    said = {name: getattr(column, name) for name in NUMBER_OPTIONS if getattr(column, name) is not None}
    whole = {} if options is None else _of_file(options, column)
    given = {**whole, **said}
    if given.get("decimal_mark") is None:
        given["decimal_mark"] = likely_decimal_mark(given.get("thousands_mark"))
    form = NumberForm(**given)
    return None if form.is_plain and column.decimal_mark is None else form


def _of_file(options: ParseOptions, column: ColumnOptions) -> dict[str, object]:
    whole: dict[str, object] = {
        "thousands_mark": options.thousands_mark,
        "grouping": options.grouping,
        "has_accounting_signs": options.has_accounting_signs,
    }
    if column.thousands_mark is None and options.decimal_mark is not None:
        whole["decimal_mark"] = options.decimal_mark
    if column.decimal_mark is not None and column.decimal_mark == options.thousands_mark:
        whole["thousands_mark"] = None
    return whole


class FormedNumerals:
    """The candidate "numbers of one of these forms" of one column."""

    def __init__(self, forms: Sequence[NumberForm]) -> None:
        """Args:
        forms: In the order in which they are preferred.
        """
        self._left = [(form, Numerals(decimal_marks=".")) for form in forms]
        self._has_percent = self._lacks_percent = False
        self.refusal: str | None = None

    def accepts(self, values: pa.Array) -> bool:
        """Whether these cells (trimmed, none missing, at least one) fit as well, all by the same form."""
        left = []
        refusals = []
        for form, numerals in self._left:
            plain = plain_numerals(values, form)
            if not plain.null_count and numerals.accepts(plain):
                left.append((form, numerals))
            refusals += [numerals.refusal] if numerals.refusal else []
        if not left:
            self.refusal = next(iter(refusals), None)
            return False
        self._left = left
        self._note_percent(values)
        return True

    def read_surely(self, cells: pa.Array) -> pa.Array | None:  # noqa: ARG002 - a candidate has it
        """Nothing: what is not plain needs a closer look."""
        return None

    def plan(self, name: str) -> ColumnPlan | None:
        """How to read the column."""
        form, numerals = self._left[0]
        plan = numerals.plan(name)
        return None if plan is None else replace(plan, number_form=form, form=KEPT)

    def notes(self) -> list[str]:
        """Notes for a reader of the column's profile."""
        form, numerals = self._left[0]
        notes = ["is read with a decimal comma"] if form.decimal_mark == "," and len(self._left) == 1 else []
        notes += [_MIXED_PERCENT] if form.percent and self._has_percent and self._lacks_percent else []
        return notes + numerals.notes()

    def _note_percent(self, values: pa.Array) -> None:
        if any(form.percent for form, _ in self._left):
            found = pc.match_substring(cells_in_plain_characters(values), "%")
            self._has_percent |= bool(pc.any(found).as_py())
            self._lacks_percent |= not pc.all(found).as_py()
