"""The rows that a version was trained on: stored with it, in bounded size, for comparisons of versions. Pure.

Rows are stored by position, for the same table, and by content, for any other table. Of more than a million distinct
rows, the million smallest hashes are kept: a row with a larger hash is never treated as new, because nothing is known
about it.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.trainer.champions.row_identity import Hashes
from modelbus.trainer.rows.splitting import RowIndices

HASH_LIMIT: Final = 1_000_000
"""Maximum number of hashes: 8 MB."""
INDEX_LIMIT: Final = 64_000_000
"""Maximum rows of a table for which positions are stored, one bit per row: 8 MB."""

_HIGHEST: Final = 2**64 - 1
FORMAT: Final = 2
"""Version of the stored format; raised when hashes change (``row_identity.py``), so that they are never mixed."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TrainedRows:
    """The rows that a version was trained on."""

    dataset_sha256: str
    """Digest of the table that contains them."""
    row_bits: npt.NDArray[np.uint8] | None
    """One bit per row of the table, packed; None if the table has too many rows."""
    row_count: int
    """Rows of the table."""
    hashes: Hashes
    """Distinct hashes, ascending."""
    highest: int
    """Whether a row with a larger hash was trained on is unknown."""

    def has_rows(self, rows: RowIndices) -> Mask:
        """Whether each of some rows of the same table was trained on, shape (n_rows,)."""
        assert self.row_bits is not None  # otherwise the caller uses ``may_have``
        return np.asarray((self.row_bits[rows >> 3] >> (7 - (rows & 7)).astype(np.uint8)) & 1, dtype=np.bool_)

    def may_have(self, hashes: Hashes) -> Mask:
        """Whether each of some rows of any table was, or may have been, trained on: by content, shape (n_rows,)."""
        indices = np.searchsorted(self.hashes, hashes)
        is_there = np.zeros(len(hashes), dtype=np.bool_)
        if len(self.hashes):
            is_there = self.hashes[np.minimum(indices, len(self.hashes) - 1)] == hashes
        return np.asarray(is_there | (hashes > np.uint64(self.highest)), dtype=np.bool_)

    def to_bytes(self) -> bytes:
        """Serialize to plain arrays of numbers. Hashes are random, so compression would save nothing."""
        buffer = BytesIO()
        facts = np.array([FORMAT, self.row_count, self.highest], dtype=np.uint64)
        sha256 = np.frombuffer(self.dataset_sha256.encode(), dtype=np.uint8)
        bits: dict[str, Any] = {} if self.row_bits is None else {"places": self.row_bits}
        np.savez(buffer, facts=facts, sha256=sha256, hashes=self.hashes, **bits)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "TrainedRows | None":
        """Read the result of ``to_bytes``; None if it is from a release with other hashes."""
        with np.load(BytesIO(stored), allow_pickle=False) as arrays:
            facts = arrays["facts"].tolist()
            if facts[0] != FORMAT:
                return None
            bits = arrays["places"] if "places" in arrays.files else None
            return cls(arrays["sha256"].tobytes().decode(), bits, facts[1], arrays["hashes"], facts[2])


class TrainedRowsBuilder:
    """Collects training rows, one part of a table at a time."""

    def __init__(self, *, hash_limit: int = HASH_LIMIT, index_limit: int = INDEX_LIMIT) -> None:
        self._hash_limit = hash_limit
        self._index_limit = index_limit
        self._indices: list[RowIndices] = []
        self._parts: list[Hashes] = []
        self._waiting = 0
        self._highest = _HIGHEST

    def add(self, indices: RowIndices, hashes: Hashes) -> None:
        """Add training rows: their positions in the table and their hashes, both of shape (n_rows,)."""
        # tables with more rows than 32 bits can count do not store positions
        self._indices.append(indices[indices < self._index_limit].astype(np.int32))
        self._parts.append(hashes[hashes <= np.uint64(self._highest)])
        self._waiting += len(self._parts[-1])
        if self._waiting > 2 * self._hash_limit:
            self._reduce()

    def build(self, dataset_sha256: str, row_count: int) -> TrainedRows:
        """Build the result.

        Args:
            dataset_sha256: Digest of the table.
            row_count: All rows of the table, including those that were not trained on.
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
