"""Cells that are kept as written, gathered while the table is written and stored behind it in the same file.

What of them lies where, and who reads it: ``shared/tabular/cells/kept_cells.py``.
"""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.tabular.cells.kept_cells import KEPT_SCHEMA, StoredColumn, StoredNotes
from modelbus.shared.tabular.cells.marks import recorded_marks

_COPY_BYTES = 1024 * 1024


class KeptWriter:
    """Takes kept cells and writes those of one row group after the other; a context manager."""

    def __init__(self, path: Path) -> None:
        """Args:
        path: Where they may lie until the table is complete.
        """
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self._waiting: deque[tuple[int, npt.NDArray[np.int64], pa.Array]] = deque()
        self._group_starts: list[int] = []
        """Of the row groups that are written, the first rows; nothing lies in the file before a cell is kept."""
        self._has_any = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()
        self._path.unlink(missing_ok=True)

    def add(self, position: int, rows: npt.NDArray[np.int64], texts: pa.Array) -> None:
        """Keep cells of a column.

        Args:
            position: The column's place in the table.
            rows: The rows of the table that they are in, ascending, shape (n_cells,).
            texts: The cells, shape (n_cells,).
        """
        if len(rows):
            self._waiting.append((position, rows, texts))

    def end_group(self, start: int, stop: int) -> None:
        """Write the kept cells of the rows from ``start`` to ``stop`` (exclusive), which are a row group."""
        self._group_starts.append(start)
        taken = []
        for _ in range(len(self._waiting)):
            position, rows, texts = self._waiting.popleft()
            count = int(np.searchsorted(rows, stop))
            if count:
                taken.append(_rows(position, rows[:count] - start, texts[:count]))
            if count < len(rows):
                self._waiting.append((position, rows[count:], texts[count:]))
        if taken:
            self._has_any = True
        if self._has_any:
            self._write(pa.concat_tables(taken) if taken else KEPT_SCHEMA.empty_table())

    def finish(self, sink: pa.NativeFile) -> tuple[int, int] | None:
        """Copy what was kept into the table's file, where it ends now; where that is and how many bytes, if any."""
        self._close()
        if not self._has_any:
            return None
        start = sink.tell()
        with self._path.open("rb") as file:
            while piece := file.read(_COPY_BYTES):
                sink.write(piece)
        return start, sink.tell() - start

    def _write(self, group: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(str(self._path), KEPT_SCHEMA, compression="zstd", write_statistics=False)
            for _ in self._group_starts[:-1]:  # nothing was kept of the first groups
                self._writer.write_table(KEPT_SCHEMA.empty_table())
        # columns come one behind the other in each batch: sorted, a column's cells lie together
        self._writer.write_table(group.sort_by([("column", "ascending"), ("row", "ascending")]))

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _rows(position: int, rows: npt.NDArray[np.int64], texts: pa.Array) -> pa.Table:
    columns = [np.full(len(rows), position, dtype=np.int32), rows.astype(np.int32), texts]
    return pa.table([pa.array(column) for column in columns], schema=KEPT_SCHEMA)


def notes_of(plans: Sequence[ColumnPlan], kept: tuple[int, int] | None) -> StoredNotes:
    """What the file is to say beside the table."""
    start, size_bytes = kept or (None, 0)
    columns = [stored_column(plan) for plan in plans]
    return StoredNotes(columns=columns, kept_start=start, kept_size_bytes=size_bytes)


def stored_column(plan: ColumnPlan) -> StoredColumn:
    """A column as its records have it, less what is measured."""
    return StoredColumn(
        name=plan.name,
        type=plan.type,
        date_format=plan.date_format,
        is_zoned=plan.is_zoned,
        number_form=plan.written_as,
        missing_marks=recorded_marks(plan.missing_marks),
        form=plan.form,
        has_values=plan.has_values,
    )


def present_texts(cells: pa.Array) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Which cells are there, shape (n_there,), and these cells."""
    return np.flatnonzero(pc.is_valid(cells).to_numpy(zero_copy_only=False)), cells.drop_null()
