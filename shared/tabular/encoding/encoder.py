"""The encoder: from rows of mixed columns to a matrix of floats, identical to the last bit for one row and for a table.

It learns with scikit-learn's transformers (``column_learning.py``) and serves without them, because they rebuild their
category tables on every call. The rules:

- Columns are found by name, in any order. Every column of the signature is required: a key that a row lacks is an error
  for this row and column; a key that all rows lack is a single error. Only columns that were ``empty`` in training are
  optional. A null is a valid missing value.
- Columns that are not in the signature are ignored. Coerced, unseen, missing and extra values are reported.
- A column that did not vary in training has no output, but its cells are still cast.
- Outputs are always finite.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from modelbus.shared.contracts import SignatureColumn, Task
from modelbus.shared.tabular.cells.cell_values import UncastableCell
from modelbus.shared.tabular.cells.columns import CellFault, Reading, read_column
from modelbus.shared.tabular.encoding.column_learning import Scaling, Target, learn_column
from modelbus.shared.tabular.encoding.encoder_state import pack_columns, unpack_columns
from modelbus.shared.tabular.encoding.encoding_report import EncodingReport, ReportBuilder
from modelbus.shared.tabular.encoding.free_text.text_column import describe, is_scored
from modelbus.shared.tabular.encoding.looked_up import LookedUpColumn
from modelbus.shared.tabular.encoding.row_faults import FaultCollector
from modelbus.shared.tabular.encoding.scaled import EncodedColumn, Floats, Notes

ROW_BY_ROW_LIMIT = 32
"""Requests with fewer rows are encoded row by row, others column by column; here both cost about the same."""

Row = Mapping[str, Any]
State = dict[str, Any]


class TabularEncoder:
    """Encodes the columns of a signature; built by ``fit_transform`` or ``from_state``."""

    def __init__(self, columns: Sequence[EncodedColumn] = ()) -> None:
        """Args:
        columns: The learnt columns, in the signature's order.
        """
        self._take(columns)

    def _take(self, columns: Sequence[EncodedColumn]) -> None:
        self._columns = list(columns)
        self._names = frozenset(column.column.name for column in columns)
        self._feature_names = [name for column in columns for name in column.feature_names]
        self._required = [column.column.name for column in columns if column.column.type != "empty"]

    @property
    def columns(self) -> list[SignatureColumn]:
        """The columns of the signature, in its order."""
        return [column.column for column in self._columns]

    @property
    def feature_names_out(self) -> list[str]:
        """A name for each output, such as ``age``, ``city=Paris`` or ``since: month``."""
        return list(self._feature_names)

    @property
    def output_columns(self) -> list[str]:
        """The column of each output, shape (n_outputs,); the outputs of a column are adjacent."""
        return [column.column.name for column in self._columns for _ in column.feature_names]

    @property
    def has_target_means(self) -> bool:
        """Whether an output is learnt from the target (target means, scores of free text), so that training rows must
        not be encoded like new rows.
        """
        return any(
            column.kind == "target mean" if isinstance(column, LookedUpColumn) else is_scored(column)
            for column in self._columns
        )

    def free_text(self) -> list[dict[str, Any]]:
        """The free-text columns, in the form of a version's record."""
        return [described for column in self._columns if (described := describe(column)) is not None]

    def fit_transform(
        self,
        frame: pd.DataFrame,
        target: Target,
        columns: Sequence[SignatureColumn],
        task: Task,
        seed: int,
        *,
        scaling: Scaling = "standard",
    ) -> Floats:
        """Learn all columns, replacing what was learnt before.

        Args:
            frame: The training rows, with all of ``columns``; others are ignored.
            target: Class codes (int64) or numbers (float64), shape (n_rows,), none missing; None for tasks without one.
            columns: The columns to learn.
            task: The task of the model.
            seed: The same seed gives the same matrix.
            scaling: The range of the outputs.

        Returns:
            Float64, shape (n_rows, n_outputs), for the estimator to fit on. It can differ from ``transform``: here,
            target means and scores of free text are computed without each row's own target.

        Raises:
            SignatureMismatch: A column is missing or has values that do not match its type.
        """
        faults = FaultCollector()
        faults.require_columns(frame, [column.name for column in columns])
        faults.raise_any()
        learnt, blocks = [], [np.empty((len(frame), 0))]
        for column in columns:
            reading = read_column(frame[column.name], column)
            faults.add_cells(column.name, reading.faults)
            encoded, outputs = learn_column(column, reading, target, task=task, scaling=scaling, seed=seed)
            learnt.append(encoded)
            blocks.append(outputs)
        faults.raise_any()
        self._take(learnt)
        return np.hstack(blocks)

    def transform(self, frame: pd.DataFrame) -> tuple[Floats, EncodingReport]:
        """Encode a table.

        Args:
            frame: Rows with the signature's columns, any order.

        Returns:
            Float64, shape (n_rows, n_outputs), and the report on the rows.

        Raises:
                SignatureMismatch: A column is missing or a value cannot be cast, with one detail for each.
        """
        faults = FaultCollector()
        faults.require_columns(frame, self._required)
        faults.raise_any()
        report = ReportBuilder()
        for name in frame.columns:
            if name not in self._names:
                report.add("extra", str(name), range(len(frame)))
        values = {name: frame[name] for name in self._names if name in frame.columns}
        return self._encode_columns(values, len(frame), faults, report)

    def row(self, row: Row) -> Floats:
        """Encode a single row to shape (n_outputs,): the fast path, without a report.

        Raises:
            SignatureMismatch: See ``transform``.
        """
        outputs: list[float] = []
        notes: Notes = []
        try:
            for column in self._columns:
                outputs += column.cell(row[column.column.name], notes)
        except (KeyError, UncastableCell):
            matrix, _ = self.rows([row])  # names all faults, if any
            return matrix.reshape(-1)
        return np.array(outputs, dtype=np.float64)

    def rows(self, rows: Sequence[Row]) -> tuple[Floats, EncodingReport]:
        """Encode the rows of a request.

        Args:
            rows: A mapping from column to value each.

        Returns:
            Float64, shape (n_rows, n_outputs), and the report on the rows.

        Raises:
            SignatureMismatch: See ``transform``; every row must have every key.
        """
        faults, report = FaultCollector(), ReportBuilder()
        faults.require_keys(rows, self._required)
        self._note_extra(rows, report)
        if len(rows) >= ROW_BY_ROW_LIMIT:
            values = {name: [row.get(name) for row in rows] for name in self._names}
            return self._encode_columns(values, len(rows), faults, report)
        return self._encode_cells(rows, faults, report)

    def as_meant(self, name: str, reading: Reading) -> Reading:
        """A column's cells, replaced by the categories that they mean, if it has categories; see ``LookedUpColumn``."""
        column = next(column for column in self._columns if column.column.name == name)
        return column.as_meant(reading) if isinstance(column, LookedUpColumn) else reading

    def state(self) -> State:
        """The learnt state, as NumPy arrays and a JSON text; their number does not depend on the number of columns."""
        return pack_columns(self._columns)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of ``state``.

        Raises:
            ValueError: The state was not written by this release.
        """
        return cls(unpack_columns(state))

    def _encode_columns(
        self, values: Mapping[str, Any], row_count: int, faults: FaultCollector, report: ReportBuilder
    ) -> tuple[Floats, EncodingReport]:
        blocks = [np.empty((row_count, 0))]
        for column in self._columns:
            name = column.column.name
            absent: list[Any] = [None] * row_count
            reading: Reading = read_column(values.get(name, absent), column.column)
            faults.add_cells(name, reading.faults)
            outputs, unseen = column.encode(reading)
            blocks.append(outputs)
            report.add("coerced", name, reading.coerced)
            report.add("missing", name, reading.missing)
            report.add("unseen", name, unseen)
        faults.raise_any()
        return np.hstack(blocks), report.build(row_count)

    def _encode_cells(
        self, rows: Sequence[Row], faults: FaultCollector, report: ReportBuilder
    ) -> tuple[Floats, EncodingReport]:
        matrix: list[list[float]] = []
        incidents: dict[tuple[str, str], list[int]] = {}
        for index, row in enumerate(rows):
            outputs: list[float] = []
            notes: Notes = []
            for column in self._columns:
                value = row.get(column.column.name)
                try:
                    outputs += column.cell(value, notes)
                except UncastableCell as fault:
                    faults.add_cells(column.column.name, [CellFault(index, value, str(fault))])
            matrix.append(outputs)
            for note in notes:
                incidents.setdefault(note, []).append(index)
        faults.raise_any()
        for (incident, name), indices in incidents.items():
            report.add(incident, name, indices)
        shape = (len(rows), len(self._feature_names))
        return np.array(matrix, dtype=np.float64).reshape(shape), report.build(len(rows))

    def _note_extra(self, rows: Sequence[Row], report: ReportBuilder) -> None:
        extra: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            for name in row.keys() - self._names:
                extra.setdefault(name, []).append(index)
        for name in sorted(extra):
            report.add("extra", name, extra[name])
