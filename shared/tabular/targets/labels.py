"""The target in the form of class codes or numbers, and the labels that a model predicts.

Estimators are fitted on class codes 0..n-1, never on labels, so that the arrays inside a model are plain and its
artifact is small. The signature has the labels, sorted, so that codes are in scikit-learn's order.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.cells.columns import Reading, read_column

Label = str | bool | int | float
Codes = npt.NDArray[np.int64]

OUTLIER_CLASSES: Sequence[Label] = ("inlier", "outlier")
"""The labels of outlier detection; scikit-learn's estimators return 1 and -1."""
UNKNOWN_CODE = -1
"""The code of a label that the model does not know."""


def read_target(series: "pd.Series[Any]", column: SignatureColumn) -> Reading:
    """The target's values in canonical form (see ``cell_values.py``), with faults for those that could not be cast."""
    return read_column(series, column)


def label_of(value: Any, column: SignatureColumn) -> Label:
    """The label of a canonical value, which is not missing, in the column's Python type, in JSON form."""
    if column.type == "boolean":
        return bool(value)
    if column.type == "integer" and float(value).is_integer():
        return int(value)
    if column.type in ("integer", "real"):
        return float(value)
    return str(value)


def labels_of(reading: Reading, column: SignatureColumn) -> list[Label | None]:
    """The label of each row; None if it is missing."""
    missing = reading.missing.tolist()
    return [
        None if is_missing else label_of(value, column)
        for value, is_missing in zip(reading.values.tolist(), missing, strict=True)
    ]


def spelling(label: Label) -> str:
    """A label as a key in JSON: text unchanged, ``true`` and ``1`` for true and 1."""
    return label if isinstance(label, str) else json.dumps(label)


def class_type(classes: Sequence[Label]) -> Literal["text", "boolean", "integer", "real"]:
    """The column type that holds these labels."""
    if all(isinstance(label, bool) for label in classes):
        return "boolean"
    if all(isinstance(label, int) and not isinstance(label, bool) for label in classes):
        return "integer"
    if all(isinstance(label, (int, float)) for label in classes):
        return "real"
    return "text"


def codes_of(labels: Sequence[Label | None], classes: Sequence[Label]) -> Codes:
    """The position of each label in the classes, shape (n_rows,); ``UNKNOWN_CODE`` if it is not a class."""
    code_of = {label: code for code, label in enumerate(classes)}
    return np.array([UNKNOWN_CODE if label is None else code_of.get(label, UNKNOWN_CODE) for label in labels], np.int64)
