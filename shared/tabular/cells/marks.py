"""Markers of missing values in delimited text, and which of them apply to a column."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

from modelbus.shared.contracts.number_forms import NumberForm
from modelbus.shared.contracts.records.dataset_records import WrittenColumn
from modelbus.shared.tabular.cells.written_numbers import plain_numeral

MISSING_MARKS: Final = ("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "null", "NULL", "None", "?", "-")
"""Cells of delimited text that are missing values by default."""
TEXT_MISSING_MARKS: Final = tuple(mark for mark in MISSING_MARKS if mark != "-")
"""The defaults in a text column, where a dash may be a category, like a plus."""

Marks = frozenset[str]
NO_MARKS: Final[Marks] = frozenset()


def marks_of(column: WrittenColumn) -> Marks:
    """The trimmed cells that are missing values in a column; the empty one always is."""
    if column.missing_marks is not None:
        return _with_blank(tuple(column.missing_marks))
    return _TEXT_DEFAULT if column.type in ("text", "empty") else _DEFAULT


def recorded_marks(marks: Iterable[str]) -> list[str] | None:
    """Markers in the form of a column's record: None for the defaults of delimited text."""
    found = frozenset(marks)
    return None if found in (_DEFAULT, _TEXT_DEFAULT) else sorted(found - {""})


@lru_cache(256)
def marked_numbers(marks: Marks, number_form: NumberForm | None = None) -> frozenset[float]:
    """The markers that are numbers, such as -999: a number that equals one of them is missing too.

    Args:
        marks: The markers.
        number_form: The form of the column's numbers; plain by default.
    """
    numbers = set()
    for mark in marks - _DEFAULT:
        numeral = mark if number_form is None else plain_numeral(mark, number_form)
        with suppress(ValueError):
            numbers |= set() if numeral is None else {float(numeral)}
    return frozenset(numbers)


@lru_cache(256)
def _with_blank(marks: Sequence[str]) -> Marks:
    return frozenset({"", *marks})


USUAL_MARKS: Final = frozenset(MISSING_MARKS)
_DEFAULT: Final = USUAL_MARKS
_TEXT_DEFAULT: Final = frozenset(TEXT_MISSING_MARKS)
