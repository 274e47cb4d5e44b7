"""The sample: rows that are chosen before any is read, the same ones for all columns, and what is kept of them."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.profile.finished_columns import Values, finite_values
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.tabular.alerts import SAMPLE_LIMIT
from modelbus.shared.tabular.leaks import MISSING_CODE, Codes, Floats

_SEED = 0


class RowSample:
    """100,000 rows of a table, each as likely as any other; all rows if there are no more."""

    def __init__(self, row_count: int) -> None:
        self._positions: npt.NDArray[np.int64] | None = None
        if row_count > SAMPLE_LIMIT:
            random = np.random.default_rng(_SEED)
            self._positions = np.sort(random.choice(row_count, SAMPLE_LIMIT, replace=False, shuffle=False))

    def cells(self, cells: pa.Array, start: int) -> pa.Array:
        """The sampled ones of a column's cells, the first of which lies in row ``start``."""
        if self._positions is None:
            return cells
        begin, end = np.searchsorted(self._positions, [start, start + len(cells)])
        return cells.take(pa.array(self._positions[begin:end] - start))


class SampledCells:
    """The sampled cells of one column. Texts are kept as hashes, so that memory is bounded however long they are."""

    def __init__(self, plan: ColumnPlan) -> None:
        self._is_text = plan.type == "text"
        self._is_numeric = plan.type in ("integer", "real", "boolean")
        self._parts: list[pa.Array] = []
        self._codes: Codes | None = None

    def feed(self, cells: pa.Array) -> None:
        """Take the next sampled cells."""
        self._parts.append(_hashes(cells) if self._is_text else cells)

    def values(self) -> Values:
        """Of numbers and dates: the finite values, shape (n_values,)."""
        return finite_values(self._joined())

    def numbers(self) -> Floats | None:
        """Of numbers and booleans: one float64 a row, NaN where it has no value; of other columns ``None``."""
        if not self._is_numeric:
            return None
        reals = pc.cast(self._joined(), pa.float64(), safe=False)
        numbers: Floats = pc.fill_null(reals, float("nan")).to_numpy(zero_copy_only=False)
        return numbers

    def codes(self) -> Codes:
        """One code a row (see ``leaks.py``), once all cells are there."""
        if self._codes is None:
            indices = self._joined().dictionary_encode().indices
            self._codes = pc.fill_null(indices, MISSING_CODE).to_numpy().astype(np.int64)
        return self._codes

    def _joined(self) -> pa.Array:
        if len(self._parts) > 1:
            self._parts = [pa.concat_arrays(self._parts)]
        return self._parts[0]


def _hashes(cells: pa.Array) -> pa.Array:
    encoded = cells.dictionary_encode()
    # only their equality within this run matters, so Python's hash, which differs from run to run, will do
    distinct = np.fromiter(map(hash, encoded.dictionary.to_pylist()), np.int64, len(encoded.dictionary))
    return pa.array(distinct).take(encoded.indices)
