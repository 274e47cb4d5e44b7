"""How the numbers of a column are written: separators, signs, percent signs and units."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from modelbus.shared.contracts.base import Contract

DecimalMark = Literal[".", ","]
ThousandsMark = Literal[",", ".", " ", "'"]
Grouping = Literal["thousands", "indian"]
Percent = Literal["fraction", "number"]

UNIT_LIMIT: Final = 20
"""The maximum number of units for a file, since each column is tried with each unit."""


def _is_unit(value: str) -> str:
    if value != value.strip() or not value.isprintable():
        raise ValueError("a unit must start and end with a printable character, such as € or kg")
    if value == "%":
        raise ValueError("a percent sign is not a unit; use percent to read 12% as 0.12 (fraction) or as 12 (number)")
    if any(one.isdecimal() or one in "+-()" for one in value):
        raise ValueError("a unit must not contain digits, signs or parentheses, which are parts of numbers")
    if not value.strip(".,'") or value in ("e", "E"):
        raise ValueError("a unit must not look like part of a number")
    return value


Unit = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=20), AfterValidator(_is_unit)]


class NumberForm(Contract):
    """How the numbers of a column are written."""

    decimal_mark: DecimalMark = "."
    """The decimal separator."""
    thousands_mark: ThousandsMark | None = None
    """The thousands separator. A space also matches no-break, narrow and thin spaces; an apostrophe also matches
    U+2019. Grouping is optional, but a number is grouped completely or not at all. No-break, narrow and thin spaces
    are accepted without this option."""
    grouping: Grouping = "thousands"
    """`thousands`: groups of three digits (`1,234,567`); `indian`: groups of two digits before the last three
    (`12,34,567`)."""
    percent: Percent | None = None
    """How percent signs are read: 12 % as 0.12 (`fraction`: every number has one) or 12 (`number`: some may lack it).
    Absent: no percent signs."""
    unit: Unit | None = None
    """A currency or another unit before or after each number, which is ignored."""
    has_accounting_signs: bool = False
    """Whether `(5)` and `5-` are negative numbers; otherwise they are not numbers."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        check_marks(self.decimal_mark, self.thousands_mark)
        return self

    @property
    def is_plain(self) -> bool:
        """Whether everything but the decimal mark has its default."""
        return self == NumberForm(decimal_mark=self.decimal_mark)


def check_marks(decimal_mark: DecimalMark | None, thousands_mark: ThousandsMark | None) -> None:
    """Check that the two marks differ.

    Raises:
        ValueError: The marks are equal.
    """
    if thousands_mark is not None and decimal_mark == thousands_mark:
        raise ValueError(f"decimal_mark and thousands_mark must differ; both are {decimal_mark!r}")


def likely_decimal_mark(thousands_mark: ThousandsMark | None) -> DecimalMark:
    """The decimal mark to assume if only the thousands mark is known."""
    return "," if thousands_mark == "." else "."
