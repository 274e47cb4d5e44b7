"""How a model reads a dataset's columns: whether the stored values can be used, and warnings if types differ.

The types of a dataset come from its own file. A model has the types of its training table and reads every table with
those; if they differ, it needs each cell as it was in the file.
"""

from collections.abc import Iterable
from typing import Final

from modelbus.shared.contracts.commands.datasets import ISO_FORMAT
from modelbus.shared.contracts.number_forms import NumberForm
from modelbus.shared.contracts.records.dataset_records import ColumnSchema, WrittenColumn
from modelbus.shared.contracts.records.model_records import SignatureColumn
from modelbus.shared.tabular.cells.marks import marks_of

_NUMBERS: Final = ("integer", "real")
_BARE_COMMA: Final = NumberForm(decimal_mark=",")


def reading_of(column: ColumnSchema, name: str | None = None) -> SignatureColumn:
    """The reading of a dataset's column, so that another table can be read in the same way.

    Args:
        column: The column.
        name: The name of the column in the other table; the same by default.
    """
    fields = {field: getattr(column, field) for field in WrittenColumn.model_fields}
    return SignatureColumn(**{**fields, "name": name or column.name}, is_free_text=column.is_free_text)


def is_read_as_stored(column: ColumnSchema, reading: WrittenColumn) -> bool | None:
    """Whether the stored values of a column equal what reading its cells would give.

    Args:
        column: The dataset's column.
        reading: How it is read.

    Returns:
        None if it depends on the cells: on whether a mark in them can only be a decimal mark.
    """
    if reading.type == "empty":
        return True
    if column.type in _NUMBERS and reading.type in _NUMBERS:
        return _are_numbers_read_as_stored(column, reading)
    if column.type != reading.type and not (column.type == "empty" and reading.type == "text"):
        return column.type == "empty"  # for types other than text, markers are missing values anyway
    if reading.type == "text":
        return column.missing_marks is not None or marks_of(column) <= marks_of(reading)
    if reading.type == "datetime":
        return column.date_format in (reading.date_format, ISO_FORMAT) or reading.date_format == ISO_FORMAT
    return True


def _are_numbers_read_as_stored(column: ColumnSchema, reading: WrittenColumn) -> bool | None:
    own, wanted = column.number_form, reading.number_form or NumberForm()
    if column.has_values or (own or NumberForm()) == wanted:
        return True
    if own is not None and (own.percent, own.unit or wanted.unit) != (wanted.percent, wanted.unit):
        return False  # other marks give the same number, another scale or unit does not
    if own is not None and own != _BARE_COMMA:  # the uploader specified the form
        return True
    if column.type == "integer":
        return wanted.percent is None
    return None if wanted in (NumberForm(), _BARE_COMMA) else False


def decimal_mark_of(column: ColumnSchema) -> str:
    """The decimal mark of the column's numbers."""
    return "." if column.number_form is None else column.number_form.decimal_mark


def changed_types(columns: Iterable[ColumnSchema], readings: Iterable[WrittenColumn]) -> list[str]:
    """A warning for each column whose type differs from the model's, where this may matter.

    Args:
        columns: The columns of the table.
        readings: How they are read.
    """
    by_name = {column.name: column for column in columns}
    found = []
    for reading in readings:
        column = by_name.get(reading.name)
        if column is None or "empty" in (column.type, reading.type) or column.type == reading.type:
            continue
        if {column.type, reading.type} == set(_NUMBERS):
            continue
        found.append(
            f"column {reading.name!r} is {column.type} in this dataset and {reading.type} in the training table: it is "
            f"read as {reading.type}"
        )
    return found
