"""The truth of rows, read from a column of a frame: labels of classes, or numbers."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from shared.contracts import SignatureColumn
from shared.contracts.records import ColumnType
from shared.errors import InvalidCommand
from shared.tabular.targets import UNKNOWN_CODE, Codes, Label, class_type, labels_of, read_target

_SHOWN: Final = 100


def true_labels(series: "pd.Series[Any]", name: str, classes: Sequence[Label]) -> list[Label | None]:
    """The label of each row, of the classes' own type where it can be; None where it is missing."""
    return labels_in(series, SignatureColumn(name=name, type=class_type(classes)))


def labels_in(series: "pd.Series[Any]", column: SignatureColumn) -> list[Label | None]:
    """The label of each row; what is not of the column's type is a label all the same, by its text."""
    reading = read_target(series, column)
    labels = labels_of(reading, column)
    for fault in reading.faults:
        labels[fault.row] = str(fault.given)
    return labels


def true_numbers(
    series: "pd.Series[Any]",
    name: str,
    *,
    what: str = "target",
    why: str = ": the model predicts numbers",
    first: int = 0,
) -> npt.NDArray[np.float64]:
    """The number of each row; NaN where it is missing.

    Args:
        series: The column.
        name: Its name.
        what: What the column is, for the error.
        why: Why it must hold numbers, for the error.
        first: The number of its first row.

    Raises:
        InvalidCommand: A cell is no number; names the first.
    """
    reading = read_target(series, SignatureColumn(name=name, type="real"))
    if reading.faults:
        fault = reading.faults[0]
        row = first + fault.row
        raise InvalidCommand(
            f"the {what} {name!r} holds {str(fault.given)[:_SHOWN]!r} in row {row}, which is not {fault.expected}{why}",
            details=[{"where": f"rows.{row}.{name}", "problem": f"not {fault.expected}"}],
        )
    return np.asarray(reading.values, np.float64)


def label_type(kind: ColumnType) -> ColumnType:
    """The type in which labels of a dataset's column are read: dates and empty columns as text."""
    return kind if kind in ("integer", "real", "boolean", "text") else "text"


class LabelBook:
    """Gives labels codes as they come: the classes first, then each label that is none of them."""

    def __init__(self, classes: Iterable[Label] = ()) -> None:
        self._codes: dict[Label, int] = {label: code for code, label in enumerate(classes)}
        self._class_count = len(self._codes)

    def codes(self, labels: Iterable[Label | None]) -> Codes:
        """The code of each label; ``UNKNOWN_CODE`` where it is missing."""
        known = self._codes
        return np.array(
            [UNKNOWN_CODE if label is None else known.setdefault(label, len(known)) for label in labels], np.int64
        )

    def sorted_labels(self) -> tuple[list[Label], Codes]:
        """All labels, the classes in their order and then the others by their own; and the new code of each code."""
        labels = list(self._codes)
        order = [
            *range(self._class_count),
            *sorted(range(self._class_count, len(labels)), key=lambda i: _key(labels[i])),
        ]
        places = np.empty(len(labels), np.int64)
        places[order] = np.arange(len(labels))
        return [labels[index] for index in order], places


def _key(label: Label) -> tuple[bool, float, str]:
    """Numbers by their size, before texts."""
    return (True, 0.0, label) if isinstance(label, str) else (False, float(label), "")
