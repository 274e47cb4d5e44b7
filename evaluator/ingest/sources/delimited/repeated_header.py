"""Rows that say the header again, as files have them that were put together of several."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.iso_dates import IsoDates
from modelbus.evaluator.ingest.cells.texts import missing_mask, trimmed, try_cast
from modelbus.evaluator.ingest.faults import refused
from modelbus.shared.tabular.cells.marks import MISSING_MARKS

_COUNT_LIMIT: Final = 1_000_000
"""A table of which more rows than this say the header again is none."""
_SHOWN: Final = 3


class RepeatedHeader:
    """Leaves out such rows, unless they may be rows like others: where each name may be a value of its column."""

    def __init__(
        self, names: Sequence[str], wanted: Literal["keep", "skip"] | None, marks: tuple[str, ...] = MISSING_MARKS
    ) -> None:
        """Args:
        names: The header as written in the file; empty without one.
        wanted: What to do; found at the first such row if not given.
        marks: Cells that mean "no value" among numbers and dates.
        """
        self._marks = marks
        self._names = [name.strip(" \t") for name in names]
        self._is_wanted = None if wanted is None else wanted == "skip"
        # cells without a value become null before they are compared
        self._index = next((index for index, name in enumerate(self._names) if name), None)
        if wanted == "keep":
            self._index = None
        self._seen = 0
        self._records: list[int] = []

    @property
    def count(self) -> int:
        """Rows that were skipped."""
        return len(self._records)

    def without(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch without such rows.

        Raises:
            MalformedTable: There are far too many of them.
        """
        start, self._seen = self._seen, self._seen + batch.num_rows
        if self._index is None or not batch.num_rows:
            return batch
        cells = batch.column(self._index)
        first = pc.indices_nonzero(pc.equal(trimmed(cells), self._names[self._index]))
        if not len(first):
            return batch
        indices = [index for index in first.to_pylist() if self._is_header(batch, index)]
        keeps = np.ones(batch.num_rows, dtype=bool)
        keeps[indices] = False
        others = batch.filter(pa.array(keeps))
        if not indices or not self._decide(others):
            return batch
        self._records += [start + index for index in indices]
        if len(self._records) > _COUNT_LIMIT:
            raise refused(f"more than {_COUNT_LIMIT} rows repeat the header", "repeated_header=keep to keep them")
        return others

    def record_of(self, row: int) -> int:
        """The place of a row among all records, those that were skipped included."""
        record = row
        while (behind := row + bisect_right(self._records, record)) != record:
            record = behind
        return record

    def warning(self, lines_of: Callable[[Collection[int]], dict[int, int]]) -> str:
        """Warnings about them."""
        lines = sorted(lines_of(set(self._records[:_SHOWN])).values())
        shown = ", ".join(map(str, lines)) + (", …" if self.count > _SHOWN else "")
        if self.count == 1:
            return f"line {shown} repeats the header and is skipped; repeated_header=keep keeps it"
        return f"{self.count} lines repeat the header and are skipped ({shown}); repeated_header=keep keeps them"

    def _is_header(self, batch: pa.RecordBatch, row: int) -> bool:
        cells = ((column[row].as_py() or "").strip(" \t") for column in batch.columns)
        return all(cell == name for cell, name in zip(cells, self._names, strict=True))

    def _decide(self, others: pa.RecordBatch) -> bool:
        """Whether to skip such rows: surely where a name cannot be a value of its column, as `x` above numbers."""
        if self._is_wanted is None:
            self._is_wanted = any(map(self._is_no_value, self._names, others.columns))
            if not self._is_wanted:
                self._index = None
        return self._is_wanted

    def _is_no_value(self, name: str, cells: pa.Array) -> bool:
        """Whether a column holds numbers or dates, and its name, as a cell, would be neither."""
        if name in self._marks:
            return False
        values = trimmed(cells.drop_null())
        mask = missing_mask(values, self._marks)
        values = values if mask is None else values.filter(pc.invert(mask))
        return _are_typed(values) and not _are_typed(pa.concat_arrays([values, pa.array([name], values.type)]))


def _are_typed(values: pa.Array) -> bool:
    return len(values) > 0 and (try_cast(values, pa.float64()) is not None or IsoDates().accepts(values))
