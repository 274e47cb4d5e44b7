"""Cells that are numbers: whole numbers of 64 bits, reals, decimal commas. What is not surely a number stays text.

No number: leading zeros (``007`` is a code), whole numbers beyond 64 bits (20-digit ids would be rounded), reals
beyond the double's range, hexadecimal, thousands separators, currencies, percent.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.code_looks import CodeLooks
from modelbus.evaluator.ingest.cells.texts import (
    Bytes,
    all_bytes,
    cell_bytes,
    cell_lengths,
    cell_starts,
    other_bytes,
    span_of,
    try_cast,
)
from modelbus.evaluator.ingest.cells.written_forms import RealForm
from modelbus.evaluator.ingest.table import EXACT_LIMIT, ColumnPlan, Span
from modelbus.shared.contracts import NumberForm
from modelbus.shared.tabular.cells.foreign_characters import cells_in_plain_characters
from modelbus.shared.tabular.cells.written import KEPT

DIGITS_AND_SIGNS = b"0123456789+-"
_LONG_DIGITS = 15
"""Integers of this many digits are exact as doubles."""
_TOO_WIDE = "has numbers beyond the range of 64 bits and stays text"
_WHOLE = "^[+-]?[0-9]+$"
_ZERO, _NINE, _POINT = b"09."
_PLUS, _MINUS = b"+-"
_INFINITIES = pa.array(["inf", "-inf", "+inf", "infinity", "-infinity", "+infinity"])


def to_integers(values: pa.Array) -> pa.Array | None:
    """Cells of digits and signs as int64, ``None`` if one is beyond it. Nulls stay."""
    if b"+" in cell_bytes(values):
        values = pc.replace_substring_regex(values, pattern=r"^\+([0-9])", replacement=r"\1")
    return try_cast(values, pa.int64())


def to_reals(values: pa.Array, *, has_decimal_comma: bool) -> pa.Array | None:
    """Cells as float64, ``None`` if one is not a number. Nulls stay."""
    if has_decimal_comma:
        values = pc.replace_substring(values, pattern=",", replacement=".")
    return try_cast(values, pa.float64())


def to_sure_integers(cells: pa.Array) -> pa.Array | None:
    """Cells as written in the file as int64, if they are certainly integers. Nulls stay."""
    data = all_bytes(cells)
    # Arrow takes hexadecimal too, and no sign, mark or space
    if len(data) and data.max() > _NINE:
        return None
    return None if has_leading_zero(cells) else try_cast(cells, pa.int64())


def to_sure_reals(cells: pa.Array, *, has_decimal_comma: bool) -> pa.Array | None:
    """Cells as written in the file as finite float64, if they are certainly numbers. Nulls stay."""
    if has_decimal_comma and (all_bytes(cells) == _POINT).any():
        return None
    found = to_reals(cells, has_decimal_comma=has_decimal_comma)
    return None if found is None or not pc.all(pc.is_finite(found)).as_py() else found


class Numerals:
    """The candidate "numbers" of one column."""

    def __init__(self, *, decimal_marks: str, looks: CodeLooks | None = None) -> None:
        """Args:
        decimal_marks: Possible decimal marks: `.`, `,`, or both where the cells decide.
        looks: Looks for codes among the numbers.
        """
        self._looks = looks
        self._is_mark_found = len(decimal_marks) > 1
        self._usual_in_reals = b"eE" + decimal_marks.encode()
        self._is_integer = True
        self._has_point = False
        self._has_comma = False
        self._has_infinities = False
        self._has_inexact = False
        self._has_odd_integers = False
        """A whole number is not written as int64 is: with a plus, or as -0."""
        self._foreign: str | None = None
        """The first cell that is a number once it is rewritten in plain characters."""
        self._form = RealForm()
        self._span: Span | None = None
        self.refusal: str | None = None

    def accepts(self, values: pa.Array) -> bool:
        """Whether these cells (trimmed, none missing, at least one) fit as well."""
        other = other_bytes(values, DIGITS_AND_SIGNS)
        if other and not other.isascii():
            values = self._in_plain_characters(values)
            other = other_bytes(values, DIGITS_AND_SIGNS)
        if self._looks is not None:
            self._looks.feed(values)
        if b"i" in other or b"I" in other:
            values = self._without_infinities(values)
            other = other_bytes(values, DIGITS_AND_SIGNS)
        if other.translate(None, self._usual_in_reals) or has_leading_zero(values):
            return False
        if other:
            return self._accepts_reals(values, other)
        return self._accepts_integers(values)

    def read_surely(self, cells: pa.Array) -> pa.Array | None:
        """Integers typed, reals as they are, if they certainly fit as written in the file."""
        if self._is_integer:
            found = to_sure_integers(cells)
            if found is None:
                return None
            self._note(found)
            self._form.feed_integers()
            if not _has_negative_zero(cells):
                return found
            self._has_odd_integers = True
            return cells
        if not (self._has_point or self._has_comma):
            return None
        found = to_sure_reals(cells, has_decimal_comma=self._has_comma)
        if found is None or has_leading_zero(cells):
            return None
        if int(cell_lengths(cells).max()) > _LONG_DIGITS:
            # where each cell has a mark, none is a whole number that may be too long for a double
            mark_count = np.count_nonzero(all_bytes(cells) == ord("," if self._has_comma else "."))
            if mark_count < len(cells) - cells.null_count:
                return None
        self._note(found)
        self._note_form(cells, found)
        if self._looks is not None:
            self._looks.feed(cells)
        return cells

    def plan(self, name: str) -> ColumnPlan | None:
        """How to read the column."""
        plan = self._plan(name)
        if self._foreign is None:
            return plan
        number_form = NumberForm(decimal_mark="," if self._has_comma else ".")
        return replace(plan, number_form=number_form, form=KEPT)

    def _plan(self, name: str) -> ColumnPlan:
        note = self._looks.note if self._looks is not None else None
        if self._is_integer:
            form = KEPT if self._has_odd_integers else None
            return ColumnPlan(name, "integer", span=self._span, form=form, code_note=note)
        # what came before the first real was noted as a whole number
        span = Span(float(self._span.low), float(self._span.high)) if self._span else None
        form = KEPT if self._has_odd_integers else self._form.name
        return ColumnPlan(name, "real", has_decimal_comma=self._has_comma, span=span, form=form, code_note=note)

    def notes(self) -> list[str]:
        """Notes for a reader of the column's profile."""
        foreign = [] if self._foreign is None else [_foreign_note(self._foreign)]
        if self._is_integer:
            return foreign
        notes = ["is read with a decimal comma"] if self._has_comma and self._is_mark_found else []
        if self._has_infinities:
            notes.append("has infinite values")
        if self._has_inexact:
            notes.append("is real, and whole numbers beyond 2**53 in it are rounded")
        return notes + foreign

    def _in_plain_characters(self, values: pa.Array) -> pa.Array:
        plain = cells_in_plain_characters(values)
        if self._foreign is None:
            changed = pc.index(pc.not_equal(values, plain), True).as_py()
            self._foreign = None if changed < 0 else values[changed].as_py()
        return plain

    def _without_infinities(self, values: pa.Array) -> pa.Array:
        is_infinite = pc.is_in(pc.ascii_lower(values), value_set=_INFINITIES)
        if not pc.any(is_infinite).as_py():
            return values
        self._has_infinities = True
        self._is_integer = False
        infinite = values.filter(is_infinite)
        self._form.feed(infinite, to_reals(infinite, has_decimal_comma=False))
        return values.filter(pc.invert(is_infinite))

    def _accepts_integers(self, values: pa.Array) -> bool:
        found = to_integers(values)
        if found is None:
            wide = pc.match_substring_regex(values, pattern="^[+-]?[0-9]{19,}$")
            self.refusal = _TOO_WIDE if pc.any(wide).as_py() else None
            return False
        self._note(found)
        self._form.feed_integers()
        self._has_odd_integers = self._has_odd_integers or b"+" in cell_bytes(values) or _has_negative_zero(values)
        return True

    def _accepts_reals(self, values: pa.Array, other: bytes) -> bool:
        self._is_integer = False
        self._has_point |= b"." in other
        self._has_comma |= b"," in other
        found = to_reals(values, has_decimal_comma=b"," in other)
        if self._has_comma and self._has_point:
            self.refusal = "has decimal commas and decimal points and stays text"
        elif found is not None and pc.any(pc.is_inf(found)).as_py():
            self.refusal = _TOO_WIDE
        if found is None or self.refusal is not None or not self._has_exact_integers(values):
            return False
        self._note(found)
        self._note_form(values, found)
        return True

    def _has_exact_integers(self, values: pa.Array) -> bool:
        """Whether the whole numbers among reals are none that a double would turn into others."""
        is_long = cell_lengths(values) > _LONG_DIGITS
        if not is_long.any():
            return True
        long = values.filter(pa.array(is_long))
        long = long.filter(pc.invert(pc.match_substring(long, ".")))  # which is all of most columns of reals
        whole = long.filter(pc.match_substring_regex(long, pattern=_WHOLE))
        found = to_integers(whole)
        if found is None:
            self.refusal = _TOO_WIDE
            return False
        self._note(found)
        return True

    def _note_form(self, cells: pa.Array, found: pa.Array) -> None:
        pointed = pc.replace_substring(cells, pattern=",", replacement=".") if self._has_comma else cells
        self._form.feed(pointed, found)

    def _note(self, found: pa.Array) -> None:
        span = span_of(found)
        if span is not None:
            self._span = span.joined(self._span)
            if pa.types.is_integer(found.type):
                self._has_inexact |= max(-span.low, span.high) > EXACT_LIMIT


def _foreign_note(text: str) -> str:
    codes = ", ".join(dict.fromkeys(f"U+{ord(one):04X}" for one in text if not one.isascii()))
    return f"has numbers in characters beyond ASCII, such as {text!r} ({codes}), which are read as plain numbers"


def _has_negative_zero(cells: pa.Array) -> bool:
    """Whether one of these integers is ``-0``, the only one that int64 writes differently."""
    data = all_bytes(cells)
    return bool(len(data)) and data.min() <= _MINUS and b"-0" in data.tobytes()


def has_leading_zero(values: pa.Array) -> bool:
    """Whether a cell begins, behind its sign, with a zero that another digit follows."""
    data, starts = all_bytes(values), cell_starts(values)
    if not len(data):
        return False
    # signs and marks come before the zero, the other digits behind it; of a short cell another's byte is looked at
    first = data.take(starts, mode="clip")
    indices = np.flatnonzero(first <= _ZERO)
    first, starts = first[indices], starts[indices]
    ends = starts + cell_lengths(values)[indices]
    second = data.take(starts + 1, mode="clip")
    if ((first == _ZERO) & _are_digits(second) & (starts + 1 < ends)).any():
        return True
    signed = np.flatnonzero(((first == _MINUS) | (first == _PLUS)) & (second == _ZERO))
    third = data.take(starts[signed] + 2, mode="clip")
    return bool((_are_digits(third) & (starts[signed] + 2 < ends[signed])).any())


def _are_digits(data: Bytes) -> npt.NDArray[np.bool_]:
    return data - _ZERO <= _NINE - _ZERO  # unsigned: what comes before the zero becomes large
