"""The encoder's report on rows: coerced, unseen, missing and extra values, so that nothing happens silently."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

RowIndices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EncodingReport:
    """The incidents in rows: for each kind, a mapping from column to row indices (ascending, int64).

    A column without an incident is absent.
    """

    row_count: int
    coerced: Mapping[str, RowIndices] = field(default_factory=dict)
    """Values of another type that were converted, such as the text "3.5" in a numeric column."""
    unseen: Mapping[str, RowIndices] = field(default_factory=dict)
    """Text that did not occur in training, or any value in a column that was empty in training."""
    missing: Mapping[str, RowIndices] = field(default_factory=dict)
    """Cells without a value."""
    extra: Mapping[str, RowIndices] = field(default_factory=dict)
    """Columns that the model does not know, and ignores."""

    def counts(self) -> dict[str, dict[str, int]]:
        """The number of affected rows: ``{"coerced": {column: count}, ...}``, in JSON form."""
        return {
            incident: {column: len(rows) for column, rows in by_column.items()}
            for incident, by_column in self._incidents().items()
        }

    def part(self, start: int, stop: int) -> "EncodingReport":
        """The report on rows ``start`` to ``stop`` (exclusive, from 0), for one of several requests in a batch."""
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
    """Collects incidents for a report."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._incidents: dict[str, dict[str, RowIndices]] = {}

    def add(self, incident: str, column: str, rows: "npt.NDArray[np.bool_] | Iterable[int]") -> None:
        """Add an incident (a field of ``EncodingReport``) in a column: a mask over all rows, or row indices."""
        if isinstance(rows, np.ndarray) and rows.dtype == np.bool_:
            indices = np.flatnonzero(rows)
        else:
            indices = np.fromiter(rows, dtype=np.int64)
        if len(indices):
            self._incidents.setdefault(incident, {})[column] = indices.astype(np.int64, copy=False)

    def build(self, row_count: int) -> EncodingReport:
        """The finished report."""
        return EncodingReport(row_count, **self._incidents)
