"""How somebody reads a dataset's columns: whether as they are stored, and what should be known where it is otherwise.

A dataset's types are found in its own file alone. A model has types of its own, from the table that it learnt from, and
reads every table by those: what it needs then is each cell as it stood in the file.
"""

from collections.abc import Iterable
from typing import Final

from shared.contracts.datasets import ISO_FORMAT
from shared.contracts.records import ColumnSchema, SignatureColumn, WrittenColumn
from shared.tabular.marks import marks_of

_NUMBERS: Final = ("integer", "real")


def reading_of(column: ColumnSchema, name: str | None = None) -> SignatureColumn:
    """How a dataset's own column is read, so that another table's is read alike.

    Args:
        column: The column.
        name: What the other one is called; the same by default.
    """
    fields = {field: getattr(column, field) for field in WrittenColumn.model_fields}
    return SignatureColumn(**{**fields, "name": name or column.name}, is_free_text=column.is_free_text)


def is_read_as_stored(column: ColumnSchema, reading: WrittenColumn, others: Iterable[ColumnSchema] = ()) -> bool:
    """Whether the stored values of a column are what reading its cells would give.

    Args:
        column: The dataset's column.
        reading: How it is read.
        others: The dataset's columns.
    """
    if reading.type == "empty":
        return True
    if column.type in _NUMBERS and reading.type in _NUMBERS:
        # where a file has decimal commas, 1.234 with a point may as well have thousands
        return not (_has_comma(reading) and not _has_comma(column) and any(map(_has_comma, others)))
    if column.type != reading.type and not (column.type == "empty" and reading.type == "text"):
        return column.type == "empty"  # of a type that is no text, marks of missing values are no values
    if reading.type == "text":
        return column.missing_marks is not None or marks_of(column) <= marks_of(reading)
    if reading.type == "datetime":
        return column.date_format in (reading.date_format, ISO_FORMAT) or reading.date_format == ISO_FORMAT
    return True


def changed_types(columns: Iterable[ColumnSchema], readings: Iterable[WrittenColumn]) -> list[str]:
    """A sentence for each column whose type in a table is another than its reader's, where that may matter.

    Args:
        columns: The table's.
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
            f"column {reading.name!r} is {column.type} here and {reading.type} in the training table: its cells are "
            f"read as {reading.type}"
        )
    return found


def _has_comma(column: WrittenColumn) -> bool:
    return column.number_form is not None and column.number_form.decimal_mark == ","
