"""Partial dependence: the mean prediction if a column has one value in all rows. Pure: no bus, no store.

Friedman, "Greedy Function Approximation", Annals of Statistics 29 (2001), computed like scikit-learn's
``partial_dependence`` with ``method="brute"`` and the same grids for numbers. Cost: one prediction of all rows per
value.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats.mstats import mquantiles

from modelbus.evaluator.explaining.responses import Response, respond
from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.cells.columns import Reading, read_column
from modelbus.shared.tabular.encoding.scaled import Floats
from modelbus.shared.tabular.predicting.model import FittedModel

_OUTER_FRACTIONS: Final = (0.05, 0.95)
"""The quantiles between which numbers are varied: few rows lie outside them."""


@dataclass(frozen=True)
class Dependence:
    """How the mean prediction depends on a column."""

    column: SignatureColumn
    values: list[Any]
    """The values of the column, in JSON form; dates in ISO 8601."""
    counts: list[int] | None
    """For text and booleans, the number of rows with each value."""
    means: Floats
    """The mean prediction for each value, shape (n_values, n_outputs)."""
    missing: Floats | None
    """The mean prediction for a missing value, shape (n_outputs,); None if no row has one."""

    def curves(self, response: Response) -> list[dict[str, Any]]:
        """One curve per output, in JSON form."""
        return [
            {
                "name": name,
                "y": self.means[:, output].tolist(),
                "missing": None if self.missing is None else float(self.missing[output]),
            }
            for output, name in enumerate(response.outputs)
        ]


def partial_dependence(
    model: FittedModel, response: Response, frame: pd.DataFrame, matrix: Floats, name: str, point_limit: int
) -> Dependence:
    """Set a column to each of its values in all rows, and average the predictions.

    Args:
        model: The model.
        response: The numeric form of its predictions.
        frame: The rows, at least one, with the model's columns.
        matrix: The same rows, encoded.
        name: The name of the column.
        point_limit: Maximum number of values.

    Raises:
        EstimatorRejected: The estimator rejected the rows.
    """
    column = next(column for column in model.encoder.columns if column.name == name)
    # A column that was empty in training may be absent.
    reading = read_column(frame[name] if name in frame.columns else [None] * len(frame), column)
    cells, counts = _grid(column, reading, point_limit)
    has_missing = bool(reading.missing.any())
    outputs = np.flatnonzero(np.array(model.encoder.output_columns, dtype=object) == name)
    blocks = _encoded(model, frame, column, [*cells, *([None] if has_missing else [])])[:, outputs]
    changed, means = matrix.copy(), []
    for block in blocks:
        changed[:, outputs] = block
        means.append(respond(model, response, changed).mean(axis=0))
    answers = np.array(means).reshape(len(blocks), len(response.outputs))
    return Dependence(
        column,
        [_json_value(cell) for cell in cells],
        counts,
        answers[: len(cells)],
        answers[-1] if has_missing else None,
    )


def _encoded(model: FittedModel, frame: pd.DataFrame, column: SignatureColumn, cells: Sequence[Any]) -> Floats:
    """Encode rows that differ only in one column."""
    rows = frame.iloc[np.zeros(len(cells), dtype=np.int64)].reset_index(drop=True)
    rows[column.name] = pd.Series(list(cells), dtype=object)
    matrix, _ = model.encoder.transform(rows)
    return matrix


def _grid(column: SignatureColumn, reading: Reading, point_limit: int) -> tuple[list[Any], list[int] | None]:
    """The values for a column and, for text and booleans, their numbers of rows."""
    present = reading.values[~reading.missing]
    if column.type in ("text", "boolean", "empty"):
        frequent = sorted(Counter(present.tolist()).items(), key=lambda each: (-each[1], str(each[0])))[:point_limit]
        values = [bool(value) if column.type == "boolean" else value for value, _ in frequent]
        return values, [count for _, count in frequent]
    if column.type == "datetime":
        return _moments(present, point_limit), None
    return _numbers(column, present, point_limit), None


def _moments(present: npt.NDArray[np.int64], point_limit: int) -> list[Any]:
    """Dates that occur, at equal quantiles."""
    distinct = np.unique(present)
    if len(distinct) > point_limit:
        distinct = np.unique(np.quantile(present, np.linspace(0, 1, point_limit), method="inverted_cdf"))
    return [pd.Timestamp(moment, unit="us") for moment in distinct.tolist()]


def _numbers(column: SignatureColumn, present: Floats, point_limit: int) -> list[Any]:
    """All numbers that occur if they are few, else an equally spaced grid."""
    distinct = np.unique(present)
    if len(distinct) > point_limit:
        low, high = mquantiles(present, prob=_OUTER_FRACTIONS).tolist()
        distinct = np.linspace(low, high, num=point_limit)
        if column.type == "integer":
            distinct = np.unique(np.rint(distinct))
    is_integer = column.type == "integer"
    return [int(value) if is_integer and value.is_integer() else value for value in distinct.tolist()]


def _json_value(cell: Any) -> Any:
    return cell.isoformat() if isinstance(cell, pd.Timestamp) else cell
