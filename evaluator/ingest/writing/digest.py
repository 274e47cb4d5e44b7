"""The digest of a table: of its columns' names and types and of its cells' values, whatever file they came from.

SHA-256 over one text of JSON: a list of columns, each with name, type, whether it has zones, and the digests (SHA-256)
of which cells are there (a byte each, 0 or 1) and of the values: little-endian int64 or float64 for numbers, a byte for
booleans, int64 microseconds for dates, 0 where missing; of text the lengths in bytes (int32, -1 where missing), and
then all bytes one after the other. Of a column without a value it has the name, ``empty`` and how many rows there are.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.texts import all_bytes, cell_lengths
from modelbus.evaluator.ingest.table import ColumnPlan


class TableDigest:
    """Takes a table in pieces, row by row in order."""

    def __init__(self, plans: Sequence[ColumnPlan]) -> None:
        """Args:
        plans: The columns.
        """
        self._plans = plans
        self._columns: list[tuple[Any, Any]] = [(hashlib.sha256(), hashlib.sha256()) for _ in plans]
        self._has_value = [False] * len(plans)
        self._row_count = 0

    def feed(self, group: pa.Table) -> None:
        """Take the next rows."""
        self._row_count += group.num_rows
        for index, ((present, values), column) in enumerate(zip(self._columns, group.columns, strict=True)):
            self._has_value[index] |= column.null_count < len(column)
            for cells in column.chunks:
                if pa.types.is_string(cells.type):
                    _feed_text(present, values, cells)
                else:
                    _feed_values(present, values, cells)

    def hex(self) -> str:
        """The digest of what was taken."""
        columns = [
            [plan.name, plan.type, plan.is_zoned, present.hexdigest(), values.hexdigest()]
            if has_value
            else [plan.name, "empty", self._row_count]
            for plan, (present, values), has_value in zip(self._plans, self._columns, self._has_value, strict=True)
        ]
        return hashlib.sha256(orjson.dumps(columns)).hexdigest()


def _feed_text(lengths: Any, values: Any, cells: pa.Array) -> None:
    found = cell_lengths(cells)
    if cells.null_count:
        found = np.where(pc.is_valid(cells).to_numpy(zero_copy_only=False), found, np.int32(-1))
        cells = cells.drop_null()
    lengths.update(np.ascontiguousarray(found, dtype="<i4"))
    values.update(all_bytes(cells))


def _feed_values(present: Any, values: Any, cells: pa.Array) -> None:
    present.update(pc.is_valid(cells).to_numpy(zero_copy_only=False).view(np.uint8))
    if pa.types.is_boolean(cells.type):
        values.update(pc.fill_null(cells, False).to_numpy(zero_copy_only=False).view(np.uint8))
        return
    numbers = cells if pa.types.is_floating(cells.type) else cells.view(pa.int64())
    if numbers.null_count:
        numbers = pc.fill_null(numbers, pa.scalar(0, numbers.type))
    values.update(np.ascontiguousarray(numbers.to_numpy(zero_copy_only=False)))
