"""What an encoder had to do to the rows: coerced, unseen, missing and extra values. Nothing of it is silent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

RowIndices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EncodingReport:
    """What was done to the rows, a mapping from column to row indices (ascending, int64) each.

    A column without an incident is absent.
    """

    row_count: int
    coerced: Mapping[str, RowIndices] = field(default_factory=dict)
    """Values of another type that could be read as the column's type, such as the text "3.5" in a number column."""
    unseen: Mapping[str, RowIndices] = field(default_factory=dict)
    """Text that did not occur in training, or any value in a column that was empty then."""
    missing: Mapping[str, RowIndices] = field(default_factory=dict)
    """Cells without a value."""
    extra: Mapping[str, RowIndices] = field(default_factory=dict)
    """Columns that the model does not know; they were ignored."""

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows are concerned: ``{"coerced": {column: count}, ...}``, ready for JSON."""
        return {
            incident: {column: len(rows) for column, rows in by_column.items()}
            for incident, by_column in self._incidents().items()
        }

    def part(self, start: int, stop: int) -> "EncodingReport":
        """The report of rows ``start`` to ``stop`` (exclusive), counted from 0: for a batch of several requests."""
        parts = {
            incident: {
                column: rows[(rows >= start) & (rows < stop)] - start
                for column, rows in by_column.items()
                if np.any((rows >= start) & (rows < stop))
            }
            for incident, by_column in self._incidents().items()
        }
        return EncodingReport(stop - start, **parts)

    def _incidents(self) -> dict[str, Mapping[str, RowIndices]]:
        return {"coerced": self.coerced, "unseen": self.unseen, "missing": self.missing, "extra": self.extra}


class ReportBuilder:
    """Collects incidents until the report is made."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._incidents: dict[str, dict[str, RowIndices]] = {}

    def add(self, incident: str, column: str, rows: "npt.NDArray[np.bool_] | Iterable[int]") -> None:
        """Note an incident (a field of ``EncodingReport``) in a column: a mask over all rows, or row indices."""
        if isinstance(rows, np.ndarray) and rows.dtype == np.bool_:
            indices = np.flatnonzero(rows)
        else:
            indices = np.fromiter(rows, dtype=np.int64)
        if len(indices):
            self._incidents.setdefault(incident, {})[column] = indices.astype(np.int64, copy=False)

    def build(self, row_count: int) -> EncodingReport:
        """The finished report."""
        return EncodingReport(row_count, **self._incidents)
