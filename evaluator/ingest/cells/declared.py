"""Columns whose type was declared: each cell is cast, or is a fault of its row.

An inferred type fits every cell. A declared type overrules the cells, and
those that do not fit are reported by line.
"""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.calendar_dates import CalendarDates
from modelbus.evaluator.ingest.cells.iso_dates import (
    CUT_FRACTIONS,
    IsoDates,
    are_in_calendar,
    have_fine_fractions,
    to_iso_dates,
)
from modelbus.evaluator.ingest.cells.narrowing import ColumnNarrowing
from modelbus.evaluator.ingest.cells.numerals import DIGITS_AND_SIGNS, to_integers, to_reals
from modelbus.evaluator.ingest.cells.texts import missing_mask, other_bytes, trimmed
from modelbus.evaluator.ingest.faults import refused
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.contracts import ColumnOptions, NumberForm
from modelbus.shared.contracts.commands.datasets import ISO_FORMAT
from modelbus.shared.tabular.cells.foreign_characters import in_plain_characters
from modelbus.shared.tabular.cells.written import KEPT
from modelbus.shared.tabular.cells.written_numbers import described, plain_numerals

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf(inity)?", re.IGNORECASE)
_INTEGERS = range(-(2**63), 2**63)
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
_ZONED = re.compile(r"[T ].*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$")


class DeclaredColumn:
    """The plan of one column of a declared type; takes the place of a ``ColumnNarrowing``."""

    def __init__(
        self,
        options: ColumnOptions,
        *,
        marks: tuple[str, ...],
        text_marks: tuple[str, ...],
        has_decimal_comma: bool = False,
        number_form: NumberForm | None = None,
        is_stripped: bool = False,
    ) -> None:
        """Args:
        options: What was declared.
        marks: Cells that mean "no value" among numbers, dates or booleans.
        text_marks: The same among text.
        has_decimal_comma: Whether a comma is the decimal mark.
        number_form: How numbers are written, where that is not plain.
        is_stripped: Cut spaces and tabs around text.
        """
        self._options = options
        self._marks = marks
        self._text_marks = text_marks
        self._has_decimal_comma = has_decimal_comma and number_form is None
        self._number_form = number_form if options.type in ("integer", "real") else None
        self._is_stripped = is_stripped
        self._is_zoned: bool | None = None
        self._has_cut_fractions = False
        self._narrowing: ColumnNarrowing | None = None
        if options.type == "datetime" and options.date_format is None:
            self._narrowing = ColumnNarrowing([IsoDates(), CalendarDates()], marks=marks, text_marks=text_marks)

    @property
    def looks_at_cells(self) -> bool:
        """Whether the plan depends on the cells: whether they are dates whose format must be inferred."""
        return self._narrowing is not None or self._options.date_format == ISO_FORMAT

    def feed(self, cells: pa.Array) -> pa.Array:
        """Look at the next cells of the column; only for dates they matter. They are spooled as they are."""
        if self._narrowing is not None:
            self._narrowing.feed(cells)
        elif self._options.date_format == ISO_FORMAT:
            values = trimmed(cells.drop_null())
            mask = missing_mask(values, self._marks)
            present = values if mask is None else values.filter(pc.invert(mask))
            if len(present):
                self._has_cut_fractions |= have_fine_fractions(present)
                if self._is_zoned is None:
                    self._is_zoned = _ZONED.search(present[0].as_py()) is not None
        return cells

    def plan(self, name: str) -> ColumnPlan:
        """How to read the column.

        Raises:
            MalformedTable: The cells of a column of dates are not in one format that tells day and month apart.
        """
        if self._options.type == "text":
            return ColumnPlan(
                name, "text", missing_marks=self._text_marks, is_declared=True, is_stripped=self._is_stripped
            )
        if self._narrowing is not None:
            return self._found_dates(name, self._narrowing.plan(name))
        date_format = self._options.date_format
        return ColumnPlan(
            name,
            self._options.type,
            date_format=date_format,
            is_zoned=bool(self._is_zoned) if date_format == ISO_FORMAT else "%z" in (date_format or ""),
            has_decimal_comma=self._has_decimal_comma,
            number_form=self._number_form,
            missing_marks=self._marks,
            is_declared=True,
            form=KEPT,
        )

    def warnings(self, name: str) -> list[str]:
        """What is truncated; the declaration covers the rest."""
        if self._narrowing is not None:
            return self._narrowing.warnings(name)
        return [f"column {name!r} {CUT_FRACTIONS}"] if self._has_cut_fractions else []

    def _found_dates(self, name: str, plan: ColumnPlan) -> ColumnPlan:
        if plan.type == "text":
            raise refused(
                "the values are not dates in one format that tells day and month apart",
                "a date_format for the column, such as %d/%m/%Y or ISO8601",
                column=name,
            )
        return replace(plan, missing_marks=self._marks)


def expected_of(plan: ColumnPlan) -> str:
    """What a cell of the column should be, for people."""
    if plan.number_form is not None and plan.type in ("integer", "real"):
        kind = "a whole number of 64 bits" if plan.type == "integer" else "a number"
        return f"{kind} written {described(plan.number_form)}"
    if plan.type == "integer":
        return "a whole number of 64 bits"
    if plan.type == "real":
        return f"a number with a decimal {'comma' if plan.has_decimal_comma else 'point'}"
    if plan.type == "boolean":
        return "true or false (or yes/no, on/off, t/f, y/n, 1/0)"
    if plan.date_format == ISO_FORMAT:
        return f"a date in ISO 8601 {'with' if plan.is_zoned else 'without'} a zone"
    return f"a date written as {plan.date_format}"


def cast_declared(values: pa.Array, plan: ColumnPlan, target: pa.DataType) -> tuple[pa.Array, list[int]]:
    """Cast cells to the declared type.

    Args:
        values: Trimmed cells; what means "no value" is null.
        plan: How to read the column; its type is not text.
        target: The Arrow type in which it is stored.

    Returns:
        The column, null where a cell does not fit, and the positions of those cells.
    """
    if plan.number_form is not None:
        plain = plain_numerals(values, plan.number_form)
        found, _ = cast_declared(plain, replace(plan, number_form=None, has_decimal_comma=False), target)
        return found, pc.indices_nonzero(pc.and_(pc.is_valid(values), pc.is_null(found))).to_pylist()
    whole = _cast_whole(values, plan)
    if whole is not None:
        return whole, []
    # each distinct cell once: columns repeat themselves, and a date takes microseconds
    encoded = values.dictionary_encode()
    cast = _cast_of(plan)
    found = pa.array([cast(text) for text in encoded.dictionary.to_pylist()], target).take(encoded.indices)
    faulty = pc.and_(pc.is_valid(values), pc.is_null(found))
    return found, pc.indices_nonzero(faulty).to_pylist()


def _cast_whole(values: pa.Array, plan: ColumnPlan) -> pa.Array | None:
    """The whole column at once, where each and every cell fits."""
    if plan.type == "integer":
        # Arrow takes hexadecimal too
        return None if other_bytes(values, DIGITS_AND_SIGNS) else to_integers(values)
    if plan.type == "real":
        has_points = plan.has_decimal_comma and pc.any(pc.match_substring(values, ".")).as_py()
        found = None if has_points else to_reals(values, has_decimal_comma=plan.has_decimal_comma)
        # what is beyond the range of a double becomes infinite silently
        return None if found is None or not pc.all(pc.is_finite(found)).as_py() else found
    if plan.type == "datetime" and plan.date_format == ISO_FORMAT:
        found = to_iso_dates(values, is_zoned=plan.is_zoned)
        return found if found is not None and are_in_calendar(found) else None
    return None


def _cast_of(plan: ColumnPlan) -> Callable[[str], Any]:
    """What casts one cell; to None if it does not fit."""
    if plan.type == "integer":
        return _integer
    if plan.type == "real":
        return _real_with_comma if plan.has_decimal_comma else _real
    if plan.type == "boolean":
        return lambda text: _BOOLEANS.get(text.lower())
    if plan.date_format == ISO_FORMAT:
        return lambda text: _moment(text, datetime.fromisoformat, is_zoned=plan.is_zoned)
    date_format = plan.date_format or ""
    return lambda text: _moment(text, lambda given: datetime.strptime(given, date_format), is_zoned=plan.is_zoned)  # noqa: DTZ007


def _integer(text: str) -> int | None:
    text = in_plain_characters(text)
    if not _WHOLE.fullmatch(text):
        return None
    number = int(text.partition(".")[0]) if len(text) < 1000 else 2**64
    return number if number in _INTEGERS else None


def _real(text: str) -> float | None:
    text = in_plain_characters(text)
    if not _REAL.fullmatch(text):
        return None
    number = float(text)
    return None if math.isinf(number) and not text.lstrip("+-").lower().startswith("inf") else number


def _real_with_comma(text: str) -> float | None:
    text = in_plain_characters(text)
    return None if "." in text else _real(text.replace(",", "."))


def _moment(text: str, parse: Callable[[str], datetime], *, is_zoned: bool) -> datetime | None:
    try:
        moment = parse(text)
        if (moment.tzinfo is not None) != is_zoned:
            return None
        return moment.astimezone(UTC) if is_zoned else moment
    except (ValueError, OverflowError):
        return None
