"""Which rows are measured, what they count and which slices they are in: what is the same for all that is measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.evaluator.measuring.slicing import SliceColumn
from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.contracts.commands.evaluation import Evaluation
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.tabular.targets.truth import true_numbers

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class RowFilter:
    """Goes through the row groups, keeps what can be measured, and counts what cannot."""

    def __init__(self, command: Evaluation, columns: Mapping[str, ColumnSchema]) -> None:
        self._weight = command.weight
        self.slices = {name: SliceColumn(columns[name]) for name in command.slices}
        self.dropped: dict[str, int] = {}
        self.row_count = 0
        self._seen = 0
        self._weights: list[Floats] = []

    @property
    def first(self) -> int:
        """The number of the row group's first row."""
        return self._seen

    @property
    def weights(self) -> Floats | None:
        """What the kept rows count; None if all count alike."""
        return np.concatenate(self._weights) if self._weights else None

    def sift(self, frame: pd.DataFrame, lacking: Mapping[str, Flags]) -> Flags:
        """Take a row group.

        Args:
            frame: Its columns.
            lacking: By what a row may lack, which rows do; the first that it lacks is counted.

        Returns:
            Which rows are kept.

        Raises:
            InvalidCommand: A weight is negative.
        """
        kept = np.ones(len(frame), dtype=np.bool_)
        weights = None if self._weight is None else self._read_weights(frame)
        faults = dict(lacking) if weights is None else {**lacking, "weight": ~(weights > 0)}
        for what, is_lacking in faults.items():
            count = int(np.count_nonzero(kept & is_lacking))
            if count:
                self.dropped[what] = self.dropped.get(what, 0) + count
            kept &= ~is_lacking
        if weights is not None:
            self._weights.append(weights[kept])
        for name, column in self.slices.items():
            column.add(frame[name], kept)
        self.row_count += int(np.count_nonzero(kept))
        self._seen += len(frame)
        return kept

    def require_rows(self, what: str | None) -> None:
        """Check that there is something to measure.

        Args:
            what: What a row must have, for the error; None if any row will do.

        Raises:
            EstimatorRejected: No row was kept.
        """
        if not self.row_count:
            lacking = "the dataset has no rows" if what is None else f"no row of the dataset has {what}"
            raise EstimatorRejected(f"{lacking}, so there is nothing to measure on")

    def _read_weights(self, frame: pd.DataFrame) -> Floats:
        name: Any = self._weight
        weights = true_numbers(frame[name], name, what="weight", why="", first=self._seen)
        faulty = np.flatnonzero(weights < 0)
        if len(faulty):
            row, given = self._seen + int(faulty[0]), float(weights[faulty[0]])
            raise InvalidCommand(
                f"the weight {name!r} holds {given:g} in row {row}; a row counts 0 or more",
                details=[{"where": f"rows.{row}.{name}", "problem": "not a weight", "expected": "a number from 0 on"}],
            )
        return weights
