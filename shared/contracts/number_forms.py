"""How numbers are written in a column: what separates their parts, and what stands beside them that is no digit."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from modelbus.shared.contracts.base import Contract

DecimalMark = Literal[".", ","]
ThousandsMark = Literal[",", ".", " ", "'"]
Grouping = Literal["thousands", "indian"]
Percent = Literal["fraction", "number"]

UNIT_LIMIT: Final = 20
"""So many units may be given for a file: each column is tried with each."""


def _is_unit(value: str) -> str:
    if value != value.strip() or not value.isprintable():
        raise ValueError("a unit begins and ends with a printed character, such as € or kg")
    if value == "%":
        raise ValueError("a percent sign is no unit; percent says whether 12% becomes 0.12 (fraction) or 12 (number)")
    if any(one.isdecimal() or one in "+-()" for one in value):
        raise ValueError("a unit has no digits, signs or parentheses: they are parts of numbers")
    if not value.strip(".,'") or value in ("e", "E"):
        raise ValueError("a unit that looks like a part of a number cannot be told from it")
    return value


Unit = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=20), AfterValidator(_is_unit)]


class NumberForm(Contract):
    """How the numbers of one column are written; `modelbus.shared.tabular.cells.written_numbers` reads them by it."""

    decimal_mark: DecimalMark = "."
    """Before the fraction."""
    thousands_mark: ThousandsMark | None = None
    """Between groups of digits; a space also stands for no-break, narrow and thin ones, an apostrophe for U+2019.
    A number may have no groups, but never some of them only. No-break, narrow and thin spaces need no mark."""
    grouping: Grouping = "thousands"
    """`thousands`: groups of three digits, `1,234,567`; `indian`: two digits before the last three, `12,34,567`."""
    percent: Percent | None = None
    """Percent signs: 12 % is 0.12 (`fraction`, where each number has one) or 12 (`number`, where some may lack it).
    Absent: no number has one."""
    unit: Unit | None = None
    """A currency or another unit that may stand before or behind a number and is no part of it."""
    has_accounting_signs: bool = False
    """Whether `(5)` and `5-` are negative numbers; otherwise they are not numbers."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        check_marks(self.decimal_mark, self.thousands_mark)
        return self

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing beside the decimal mark."""
        return self == NumberForm(decimal_mark=self.decimal_mark)


def check_marks(decimal_mark: DecimalMark | None, thousands_mark: ThousandsMark | None) -> None:
    """Check that the two marks can be told apart.

    Raises:
        ValueError: They are the same.
    """
    if thousands_mark is not None and decimal_mark == thousands_mark:
        raise ValueError(f"decimal_mark and thousands_mark are both {decimal_mark!r}; they have to differ")


def likely_decimal_mark(thousands_mark: ThousandsMark | None) -> DecimalMark:
    """What stands before the fraction where only the thousands mark is known."""
    return "," if thousands_mark == "." else "."
