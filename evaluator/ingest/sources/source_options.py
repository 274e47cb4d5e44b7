"""What to detect about the columns of a text format, and what the parse options say already."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import pyarrow as pa

from modelbus.evaluator.ingest.cells.declared import DeclaredColumn
from modelbus.evaluator.ingest.cells.formed_numerals import declared_form, forms_of
from modelbus.evaluator.ingest.cells.narrowing import ColumnNarrowing, delimited_candidates
from modelbus.evaluator.ingest.sources.dialect import Header
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.checks.command_checks import missing_columns
from modelbus.shared.contracts.commands.datasets import TableFormat
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.cells.marks import MISSING_MARKS, TEXT_MISSING_MARKS

_SHEETS: tuple[TableFormat, ...] = ("xlsx", "ods")
_DELIMITED: tuple[TableFormat, ...] = ("csv", "tsv")
_TEXT_FORMATS: tuple[TableFormat, ...] = (*_DELIMITED, "jsonl")
_IN_ROWS: tuple[TableFormat, ...] = (*_DELIMITED, *_SHEETS)
"""Formats whose first row is a header, if they have one."""
_MEANT_FOR: dict[str, tuple[TableFormat, ...]] = {
    "delimiter": _DELIMITED,
    "decimal_mark": _DELIMITED,
    "missing_marks": _IN_ROWS,
    "thousands_mark": _DELIMITED,
    "grouping": _DELIMITED,
    "percent": _DELIMITED,
    "units": _DELIMITED,
    "has_accounting_signs": _DELIMITED,
    "skip_lines": _IN_ROWS,
    "comment": _IN_ROWS,
    "skip_below_header": _IN_ROWS,
    "repeated_header": _IN_ROWS,
    "skip_initial_space": _DELIMITED,
    "has_quotes": _DELIMITED,
    "strip_text": _IN_ROWS,
    "has_header": _IN_ROWS,
    "encoding": _TEXT_FORMATS,
    "on_bad_rows": (*_TEXT_FORMATS, *_SHEETS),
    "sheet": _SHEETS,
}


class ColumnFinding(Protocol):
    """One column while the file is read."""

    def feed(self, cells: pa.Array) -> pa.Array:
        """Take the next cells of the column, and give them as they are to be spooled."""

    def plan(self, name: str) -> ColumnPlan:
        """How to read the column, now that all of it was seen."""

    def warnings(self, name: str) -> list[str]:
        """Warnings about the column."""


def check_options(options: ParseOptions, found: TableFormat) -> None:
    """Check that each option applies to the format: none is ignored silently.

    Raises:
        InvalidCommand: Names each such option.
    """
    given = options.model_dump(exclude_defaults=True)
    details: list[dict[str, Any]] = [
        {
            "where": f"options.{name}",
            "problem": f"does not apply to {found}",
            "expected": f"a file in one of the formats {', '.join(meant)}",
        }
        for name, meant in _MEANT_FOR.items()
        if name in given and found not in meant
    ]
    if details:
        raise InvalidCommand("; ".join(f"{d['where']} {d['problem']}" for d in details), details=details)


def check_column_options(options: ParseOptions, names: Sequence[str]) -> None:
    """Check that the options name columns that are there.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant.
    """
    wanted = ((f"options.columns.{name}", name) for name in options.columns)
    details = missing_columns(wanted, names, lambda name: f"the file has no column {name!r}")
    if details:
        raise InvalidCommand("; ".join(d["problem"] for d in details[:3]), details=details)


class ToldText:
    """A column that the file itself says is text: all cells are, but empty ones and marks that the sender gave."""

    def __init__(self, *, marks: tuple[str, ...] = ("",), is_stripped: bool = False) -> None:
        """Args:
        marks: Cells that mean "no value".
        is_stripped: Cut spaces and tabs around the texts.
        """
        self._marks = marks
        self._is_stripped = is_stripped

    def feed(self, cells: pa.Array) -> pa.Array:
        """The cells as they are."""
        return cells

    def plan(self, name: str) -> ColumnPlan:
        """Text."""
        return ColumnPlan(name, "text", missing_marks=self._marks, is_stripped=self._is_stripped)

    def warnings(self, name: str) -> list[str]:  # noqa: ARG002 - a finding has it
        """Nothing: the file said it."""
        return []


def number_marks(options: ParseOptions) -> tuple[str, ...]:
    """Cells that mean "no value" among numbers, dates and booleans."""
    if options.missing_marks is None:
        return MISSING_MARKS
    return tuple(dict.fromkeys(["", *(mark.strip(" \t") for mark in options.missing_marks)]))


def delimited_columns(
    header: Header,
    options: ParseOptions,
    delimiter: str | None,
    told: Collection[str] = (),
    told_marks: tuple[str, ...] = ("",),
) -> list[ColumnFinding]:
    """What to detect about each column of delimited text.

    Args:
        header: The columns' names.
        options: How to read the file.
        delimiter: Between its fields.
        told: The columns that the file itself says are text.
        told_marks: Cells of these that mean "no value", unless the options say which do.
    """
    marks = number_marks(options)
    text_marks = TEXT_MISSING_MARKS if options.missing_marks is None else marks
    # between commas a comma in a number is a separator of thousands, or no number at all
    decimal_marks = options.decimal_mark or (".," if delimiter == ";" else ".")
    forms = forms_of(options, delimiter)
    columns: list[ColumnFinding] = []
    for name, is_indented in zip(header.names, header.are_indented, strict=True):
        declared = options.columns.get(name)
        if declared is None and name in told:
            known_marks = told_marks if options.missing_marks is None else marks
            columns.append(ToldText(marks=known_marks, is_stripped=options.strip_text))
        elif declared is None:
            candidates = delimited_candidates(decimal_marks, forms)
            columns.append(
                ColumnNarrowing(
                    candidates,
                    marks=marks,
                    text_marks=text_marks,
                    may_be_indented=is_indented,
                    is_stripped=options.strip_text,
                )
            )
        else:
            has_comma = options.decimal_mark == ","
            form = declared_form(declared, options)
            columns.append(
                DeclaredColumn(
                    declared,
                    marks=marks,
                    text_marks=text_marks,
                    has_decimal_comma=has_comma,
                    number_form=form,
                    is_stripped=options.strip_text,
                )
            )
    return columns


def points_beside_commas(plans: Sequence[ColumnPlan]) -> list[str]:
    """A warning for each column of reals with a point in a file that has a decimal comma elsewhere.

    The point may well separate thousands there, and no cell tells: ``1.234`` is read as a number a thousandth as large.
    """
    if not any(_has_comma(plan) for plan in plans):
        return []
    return [
        f"column {plan.name!r} is read with a decimal point, other columns with a decimal comma"
        for plan in plans
        if plan.type == "real" and not _has_comma(plan) and not plan.is_declared
    ]


def _has_comma(plan: ColumnPlan) -> bool:
    return plan.has_decimal_comma or (plan.number_form is not None and plan.number_form.decimal_mark == ",")
