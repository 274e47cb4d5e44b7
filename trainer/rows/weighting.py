"""The weights of training rows: by a column, by class, or by both."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.cells.columns import read_column
from modelbus.shared.tabular.targets.labels import Codes, Label
from modelbus.trainer.catalogue.class_labels import weights_by_code
from modelbus.trainer.catalogue.streamable import takes
from modelbus.trainer.rows.splitting import RowIndices

Weights = npt.NDArray[np.float64]


def read_sample_weights(frame: pd.DataFrame, name: str | None, rows: RowIndices) -> Weights | None:
    """Read the weights of some rows.

    Args:
        frame: The dataset's rows.
        name: The column of the weights; None without one.
        rows: Positions of the rows.

    Returns:
        Shape (n_rows,), finite and not negative; None without a column.

    Raises:
        InvalidCommand: A weight is missing, negative or not a number, or all weights are 0.
    """
    weights = read_part_of_weights(frame, name, rows)
    if name is not None and weights is not None:
        require_some_weight(name, bool(weights.any()))
    return weights


def read_part_of_weights(frame: pd.DataFrame, name: str | None, rows: RowIndices, first_row: int = 0) -> Weights | None:
    """Read the weights of some rows in a part of a table, where all may be 0.

    Args:
        frame: The part.
        name: The column of the weights; None without one.
        rows: Positions of the rows in the part.
        first_row: The position of the part's first row in the table.

    Raises:
        InvalidCommand: A weight is missing, negative or not a number.
    """
    if name is None:
        return None
    reading = read_column(frame[name].iloc[rows], SignatureColumn(name=name, type="real"))
    indices = rows + first_row
    if reading.faults:
        raise _no_weights(name, f"row {indices[reading.faults[0].row]} has {str(reading.faults[0].given)[:100]!r}")
    if reading.missing.any():
        raise _no_weights(name, f"row {indices[int(np.argmax(reading.missing))]} has no weight")
    weights = np.asarray(reading.values, dtype=np.float64)
    if weights.min(initial=0) < 0:
        raise _no_weights(name, f"row {indices[int(np.argmin(weights))]} has the weight {weights.min():g}")
    return weights


def require_some_weight(name: str, is_any: bool) -> None:
    """Check that not all weights are 0.

    Raises:
        InvalidCommand: All weights are 0.
    """
    if not is_any:
        raise _no_weights(name, "all weights are 0")


def weigh_classes(
    estimator: Any,
    class_weight: str | Mapping[str, float] | None,
    classes: Sequence[Label],
    codes: Codes,
    weights: Weights | None,
) -> Weights | None:
    """Apply class weights: by the estimator's own hyperparameter if it has one, else by weights of the rows.

    Args:
        estimator: Unfitted; its ``class_weight`` is set if it has one.
        class_weight: By label, ``balanced``, or None.
        classes: The labels, in the order of their codes; empty for other tasks than classification.
        codes: The class code of each training row, shape (n_rows,).
        weights: The weight of each row, to be multiplied.

    Returns:
        The weight of each row, shape (n_rows,); None if all are equal.

    Raises:
        InvalidCommand: There are no classes, a label is unknown, or the estimator accepts no weights.
    """
    if class_weight is None:
        return weights
    name = type(estimator).__name__
    if not classes:
        raise _refused("class_weight", f"class_weight is for classification only, and {name} does not learn classes")
    by_code: Any = class_weight if isinstance(class_weight, str) else weights_by_code(class_weight, classes)
    if "class_weight" in estimator.get_params(deep=False):
        estimator.set_params(class_weight=by_code)
        return weights
    if not has_fit_parameter(estimator, "sample_weight"):
        raise _refused("class_weight", f"{name} accepts neither class weights nor sample weights")
    by_row = np.asarray(compute_sample_weight(by_code, codes), dtype=np.float64)
    return by_row if weights is None else by_row * weights


def weigh_streamed_classes(
    estimator: Any,
    class_weight: str | Mapping[str, float] | None,
    counts: Mapping[Label, int],
) -> Weights | None:
    """Like ``weigh_classes`` for streamed rows: no ``fit`` sees all of them, so `balanced` is computed from the counts.

    Args:
        estimator: Unfitted; its ``class_weight`` is set if it has one.
        class_weight: By label, ``balanced``, or None for the estimator's own hyperparameter.
        counts: Training rows by label, in the order of the codes; empty for regression.

    Returns:
        The weight of each class, shape (n_classes,); None if the estimator applies it itself, or all are equal.

    Raises:
        InvalidCommand: See ``weigh_classes``.
    """
    own = getattr(estimator, "class_weight", None)
    wanted = own if class_weight is None and isinstance(own, str) else class_weight
    if wanted is None:
        return None
    name = type(estimator).__name__
    if not counts:
        raise _refused("class_weight", f"class_weight is for classification only, and {name} predicts numbers")
    if isinstance(wanted, str):
        total = sum(counts.values())
        by_code = {code: total / (len(counts) * count) for code, count in enumerate(counts.values())}
    else:
        by_code = weights_by_code(wanted, list(counts))
    if "class_weight" in estimator.get_params(deep=False):
        estimator.set_params(class_weight=by_code)
        return None
    if not takes(estimator, "sample_weight"):
        raise _refused("class_weight", f"{name} accepts neither class weights nor sample weights for streamed rows")
    return np.array([by_code[code] for code in range(len(counts))])


def require_weighable(estimator: Any, name: str | None) -> None:
    """Check that the estimator accepts sample weights, if there are any.

    Raises:
        InvalidCommand: It does not.
    """
    if name is not None and not has_fit_parameter(estimator, "sample_weight"):
        raise _refused("sample_weight", f"{type(estimator).__name__} does not accept sample weights")


def _no_weights(name: str, problem: str) -> InvalidCommand:
    return _refused("sample_weight", f"the column {name!r} does not contain valid weights: {problem}")


def _refused(where: str, problem: str) -> InvalidCommand:
    return InvalidCommand(problem, details=[{"where": where, "problem": problem}])
