"""Reading of the truth from a column of a frame, as labels or numbers."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import Signature, SignatureColumn
from modelbus.shared.contracts.records.dataset_records import ColumnSchema
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.cells.meanings import unique_values, value_of
from modelbus.shared.tabular.cells.readings import reading_of
from modelbus.shared.tabular.targets.labels import UNKNOWN_CODE, Codes, Label, class_type, labels_of, read_target

_SHOWN: Final = 100
_LABEL_TYPES: Final = ("integer", "real", "boolean", "text")
_EXACT_LIMIT: Final = 2.0**53
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,400}")


def target_reading(signature: Signature) -> SignatureColumn:
    """How the target's cells are read: as in the training table."""
    if signature.target_column is not None:
        return signature.target_column
    classes = signature.classes
    return SignatureColumn(name=str(signature.target), type=class_type(classes) if classes else "real")


def labels_in(series: "pd.Series[Any]", column: SignatureColumn, classes: Sequence[Label] = ()) -> list[Label | None]:
    """The label of each row, None if it is missing; values of another type become labels as text.

    Integers are exact, even beyond 2**53.

    Args:
        series: The cells.
        column: How they are read.
        classes: Labels that cells of other types can mean: the number 4.5 means the label ``4.50``.
    """
    reading = read_target(series, column)
    labels = labels_of(reading, column)
    if column.type == "text" and reading.coerced.any() and classes:
        _take_meant(labels, np.flatnonzero(reading.coerced).tolist(), classes)
    if column.type == "integer":
        with np.errstate(invalid="ignore"):
            large = np.flatnonzero(np.abs(reading.values) >= _EXACT_LIMIT)
        for row, given in zip(large.tolist(), series.iloc[large].tolist(), strict=True):
            labels[row] = _exact(given, labels[row])
    for fault in reading.faults:
        labels[fault.row] = str(fault.given)
    return labels


def _take_meant(labels: list[Label | None], rows: Sequence[int], classes: Sequence[Label]) -> None:
    texts = [str(label) for label in classes]
    by_value, known = unique_values(texts), set(texts)
    for row in rows:
        position = None if labels[row] in known else by_value.get(value_of(str(labels[row])))
        if position is not None:
            labels[row] = texts[position]


def _exact(given: Any, rounded: Label | None) -> Label | None:
    text = str(given).strip()
    return int(text) if _WHOLE.fullmatch(text) else rounded


def true_numbers(
    series: "pd.Series[Any]",
    name: str,
    *,
    column: SignatureColumn | None = None,
    role: str = "target",
    reason: str = ", because the model predicts numbers",
    first: int = 0,
) -> npt.NDArray[np.float64]:
    """The number of each row; NaN if it is missing.

    Args:
        series: The column.
        name: Its name.
        column: How it is read; plain numbers by default.
        role: The role of the column, for the message.
        reason: Why it must hold numbers, for the message.
        first: The number of the first row.

    Raises:
        InvalidCommand: A cell is not a number; the message names the first.
    """
    column = column or SignatureColumn(name=name, type="real")
    reading = read_target(series, column)
    if reading.faults:
        fault = reading.faults[0]
        row = first + fault.row
        raise InvalidCommand(
            f"the {role} in column {name!r}, row {row}, must be {fault.expected}, not "
            f"{str(fault.given)[:_SHOWN]!r}{reason}",
            details=[{"where": f"rows.{row}.{name}", "problem": f"must be {fault.expected}"}],
        )
    return np.asarray(reading.values, np.float64)


def label_reading(column: ColumnSchema) -> SignatureColumn:
    """How labels in a dataset's column are read: by its type; dates and empty columns as text."""
    reading = reading_of(column)
    return reading if column.type in _LABEL_TYPES else reading.model_copy(update={"type": "text"})


class LabelBook:
    """Assigns codes to labels in the order of their appearance, after the classes."""

    def __init__(self, classes: Iterable[Label] = ()) -> None:
        self._codes: dict[Label, int] = {label: code for code, label in enumerate(classes)}
        self._class_count = len(self._codes)

    def codes(self, labels: Iterable[Label | None]) -> Codes:
        """The code of each label; ``UNKNOWN_CODE`` if it is missing."""
        known = self._codes
        return np.array(
            [UNKNOWN_CODE if label is None else known.setdefault(label, len(known)) for label in labels], np.int64
        )

    def sorted_labels(self) -> tuple[list[Label], Codes]:
        """All labels, the classes in their order and then the others sorted, and a mapping from old to new codes."""
        labels = list(self._codes)
        order = [
            *range(self._class_count),
            *sorted(range(self._class_count, len(labels)), key=lambda i: _key(labels[i])),
        ]
        indices = np.empty(len(labels), np.int64)
        indices[order] = np.arange(len(labels))
        return [labels[index] for index in order], indices


def _key(label: Label) -> tuple[bool, float, str]:
    """The sort key: numbers first, by value, then text."""
    return (True, 0.0, label) if isinstance(label, str) else (False, float(label), "")
