"""Which rows a version was trained on: kept beside it, in bounded memory, and asked when versions are compared. Pure.

By place for rows of the very same table, by content for rows of any other. Of more than a million different rows the
million smallest hashes are kept: about a row with a larger one nothing can be told, and it is never taken for new.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.trainer.champions.row_identity import Hashes
from modelbus.trainer.rows.splitting import RowIndices

HASH_LIMIT: Final = 1_000_000
"""So many hashes are kept: 8 MB."""
INDEX_LIMIT: Final = 64_000_000
"""Of tables with more rows no bits are kept: one a row, 8 MB."""

_HIGHEST: Final = 2**64 - 1
FORMAT: Final = 2
"""Of what is stored; raised when rows get other hashes (``row_identity.py``), which must not be compared with these."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TrainedRows:
    """The rows that a version was trained on."""

    dataset_sha256: str
    """Of the table that they stand in."""
    row_bits: npt.NDArray[np.uint8] | None
    """A bit for each row of the table, in packed bytes; None of a table with too many rows."""
    row_count: int
    """Rows of the table."""
    hashes: Hashes
    """Different ones, ascending."""
    highest: int
    """Rows with a larger hash may have been trained on, or not."""

    def has_rows(self, rows: RowIndices) -> Mask:
        """Whether each of some rows of the same table was trained on, shape (n_rows,)."""
        assert self.row_bits is not None  # the caller asks for content else
        return np.asarray((self.row_bits[rows >> 3] >> (7 - (rows & 7)).astype(np.uint8)) & 1, dtype=np.bool_)

    def may_have(self, hashes: Hashes) -> Mask:
        """Whether each of some rows of any table was, or may have been, trained on, by its content, shape (n_rows,)."""
        indices = np.searchsorted(self.hashes, hashes)
        is_there = np.zeros(len(hashes), dtype=np.bool_)
        if len(self.hashes):
            is_there = self.hashes[np.minimum(indices, len(self.hashes) - 1)] == hashes
        return np.asarray(is_there | (hashes > np.uint64(self.highest)), dtype=np.bool_)

    def to_bytes(self) -> bytes:
        """As it is stored: arrays of numbers alone. They are random, so to compress them saves nothing."""
        buffer = BytesIO()
        facts = np.array([FORMAT, self.row_count, self.highest], dtype=np.uint64)
        sha256 = np.frombuffer(self.dataset_sha256.encode(), dtype=np.uint8)
        bits: dict[str, Any] = {} if self.row_bits is None else {"places": self.row_bits}
        np.savez(buffer, facts=facts, sha256=sha256, hashes=self.hashes, **bits)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "TrainedRows | None":
        """What ``to_bytes`` gave; None if that was of a release with other hashes."""
        with np.load(BytesIO(stored), allow_pickle=False) as arrays:
            facts = arrays["facts"].tolist()
            if facts[0] != FORMAT:
                return None
            bits = arrays["places"] if "places" in arrays.files else None
            return cls(arrays["sha256"].tobytes().decode(), bits, facts[1], arrays["hashes"], facts[2])


class TrainedRowsBuilder:
    """Gathers them, part of a table by part."""

    def __init__(self, *, hash_limit: int = HASH_LIMIT, index_limit: int = INDEX_LIMIT) -> None:
        self._hash_limit = hash_limit
        self._index_limit = index_limit
        self._indices: list[RowIndices] = []
        self._parts: list[Hashes] = []
        self._waiting = 0
        self._highest = _HIGHEST

    def add(self, indices: RowIndices, hashes: Hashes) -> None:
        """Take some training rows: where they stand in the table, and their hashes; shapes (n_rows,)."""
        # 32 bits do for tables whose row numbers are kept at all
        self._indices.append(indices[indices < self._index_limit].astype(np.int32))
        self._parts.append(hashes[hashes <= np.uint64(self._highest)])
        self._waiting += len(self._parts[-1])
        if self._waiting > 2 * self._hash_limit:
            self._reduce()

    def build(self, dataset_sha256: str, row_count: int) -> TrainedRows:
        """All that was taken.

        Args:
            dataset_sha256: Of the table.
            row_count: Its rows, those that were not trained on among them.
        """
        self._reduce()
        packed = None
        if row_count <= self._index_limit:
            is_trained = np.zeros(row_count, dtype=np.bool_)
            for indices in self._indices:
                is_trained[indices] = True
            packed = np.packbits(is_trained)
        hashes = self._parts[0] if self._parts else np.empty(0, dtype=np.uint64)
        return TrainedRows(dataset_sha256, packed, row_count, hashes, self._highest)

    def _reduce(self) -> None:
        found = np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *self._parts]))
        if len(found) > self._hash_limit:
            found = found[: self._hash_limit]
            self._highest = int(found[-1])
        self._parts, self._waiting = [found], len(found)
