"""The selection of rows to measure, their weights and their slices; the same for all evaluations."""

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
    """Selects the rows of row groups that can be measured, and counts the others."""

    def __init__(self, command: Evaluation, columns: Mapping[str, ColumnSchema]) -> None:
        self._weight = command.weight
        self.slices = {name: SliceColumn(columns[name]) for name in command.slices}
        self.dropped: dict[str, int] = {}
        self.row_count = 0
        self._seen = 0
        self._weights: list[Floats] = []

    @property
    def first(self) -> int:
        """The position of the next row group's first row."""
        return self._seen

    @property
    def weights(self) -> Floats | None:
        """The weights of the kept rows; None if all are equal."""
        return np.concatenate(self._weights) if self._weights else None

    def sift(self, frame: pd.DataFrame, lacking: Mapping[str, Flags]) -> Flags:
        """Filter a row group.

        Args:
            frame: Its columns.
            lacking: The rows that lack something, by what they lack; a row is counted by the first thing that it lacks.

        Returns:
            Which rows are kept.

        Raises:
            InvalidCommand: A weight is negative.
        """
        kept = np.ones(len(frame), dtype=np.bool_)
        weights = None if self._weight is None else self._read_weights(frame)
        faults = dict(lacking) if weights is None else {**lacking, "weight": ~(weights > 0)}
        for fault, is_lacking in faults.items():
            count = int(np.count_nonzero(kept & is_lacking))
            if count:
                self.dropped[fault] = self.dropped.get(fault, 0) + count
            kept &= ~is_lacking
        if weights is not None:
            self._weights.append(weights[kept])
        for name, column in self.slices.items():
            column.add(frame[name], kept)
        self.row_count += int(np.count_nonzero(kept))
        self._seen += len(frame)
        return kept

    def require_rows(self, needed: str | None) -> None:
        """Check that at least one row was kept.

        Args:
            needed: What a row must have, for the message; None if nothing.

        Raises:
            EstimatorRejected: No row was kept.
        """
        if not self.row_count:
            lacking = "the dataset has no rows" if needed is None else f"no row of the dataset has {needed}"
            raise EstimatorRejected(f"{lacking}, so nothing can be measured")

    def _read_weights(self, frame: pd.DataFrame) -> Floats:
        name: Any = self._weight
        weights = true_numbers(frame[name], name, role="weight", reason="", first=self._seen)
        faulty = np.flatnonzero(weights < 0)
        if len(faulty):
            row, given = self._seen + int(faulty[0]), float(weights[faulty[0]])
            raise InvalidCommand(
                f"the weight in column {name!r}, row {row}, must be 0 or more, not {given:g}",
                details=[
                    {"where": f"rows.{row}.{name}", "problem": "must be 0 or more", "expected": "a number of 0 or more"}
                ],
            )
        return weights
