"""Partial dependence: the mean answer when one column has one value in all rows. Pure: no bus, no store.

Friedman, "Greedy Function Approximation", Annals of Statistics 29 (2001); by brute force, as scikit-learn's
``partial_dependence`` with ``method="brute"``, with the same grids for numbers. Cost: one prediction of all rows for
each value.
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
"""Numbers beyond these quantiles are few, and a curve there says little."""


@dataclass(frozen=True)
class Dependence:
    """How a model's mean answer depends on a column."""

    column: SignatureColumn
    values: list[Any]
    """Those that the column was given, as JSON has them; dates in ISO 8601."""
    counts: list[int] | None
    """Of text and booleans: how many of the rows have each value."""
    means: Floats
    """The mean answer for each value, shape (n_values, n_outputs)."""
    missing: Floats | None
    """The mean answer with no value, shape (n_outputs,); None where no row lacks one."""

    def curves(self, response: Response) -> list[dict[str, Any]]:
        """One curve for each output, ready for JSON."""
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
    """Give one column each of its values in turn, and take the mean answers.

    Args:
        model: The model.
        response: What its answers are taken as.
        frame: The rows, one at least, with the model's columns.
        matrix: The same as its encoder encoded them.
        name: Of the column.
        point_limit: How many values at most.

    Raises:
        EstimatorRejected: The estimator refused the rows.
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
    """Rows that differ in one column only, as the model's encoder encodes them."""
    rows = frame.iloc[np.zeros(len(cells), dtype=np.int64)].reset_index(drop=True)
    rows[column.name] = pd.Series(list(cells), dtype=object)
    matrix, _ = model.encoder.transform(rows)
    return matrix


def _grid(column: SignatureColumn, reading: Reading, point_limit: int) -> tuple[list[Any], list[int] | None]:
    """The values to give a column, and of text and booleans how many rows have each."""
    present = reading.values[~reading.missing]
    if column.type in ("text", "boolean", "empty"):
        frequent = sorted(Counter(present.tolist()).items(), key=lambda each: (-each[1], str(each[0])))[:point_limit]
        values = [bool(value) if column.type == "boolean" else value for value, _ in frequent]
        return values, [count for _, count in frequent]
    if column.type == "datetime":
        return _moments(present, point_limit), None
    return _numbers(column, present, point_limit), None


def _moments(present: npt.NDArray[np.int64], point_limit: int) -> list[Any]:
    """Dates that occur, between each two of them as many rows."""
    distinct = np.unique(present)
    if len(distinct) > point_limit:
        distinct = np.unique(np.quantile(present, np.linspace(0, 1, point_limit), method="inverted_cdf"))
    return [pd.Timestamp(moment, unit="us") for moment in distinct.tolist()]


def _numbers(column: SignatureColumn, present: Floats, point_limit: int) -> list[Any]:
    """All numbers that occur if they are few, else some that are equally far from each other."""
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
