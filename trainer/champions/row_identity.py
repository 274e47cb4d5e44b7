"""The identity of a row in any table: a 64-bit hash of the values that a model reads, and of the target. Pure.

Values are hashed in canonical form (``shared/tabular/cells/columns.py``), as the model's signature reads them, so that
a row has the same hash in a CSV file and in a Parquet file. Hashes are stored with a version, so they must be the same
in every release (ADR 0023).
"""

from collections.abc import Hashable
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import Signature
from modelbus.shared.tabular.cells.columns import Reading, read_column
from modelbus.shared.tabular.cells.meanings import value_of
from modelbus.shared.tabular.targets.labels import read_target
from modelbus.shared.tabular.targets.truth import target_reading

Hashes = npt.NDArray[np.uint64]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SEED: Final = 0x9E3779B97F4A7C15
_FACTOR: Final = np.uint64(0x100000001B3)
_MISSING: Final = 0x6D697373696E6721
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)


def row_hashes(frame: pd.DataFrame, signature: Signature) -> Hashes:
    """Hash each row.

    Args:
        frame: Rows with the columns of the signature, and its target if it has one.
        signature: The signature of the model.

    Returns:
        Shape (n_rows,). Rows with equal values have equal hashes; two different rows collide with probability 2**-64.
    """
    hashes = np.full(len(frame), _SEED, dtype=np.uint64)
    for column in signature.columns:
        hashes = _joined(hashes, _cell_hashes(read_column(frame[column.name], column)))
    if signature.target is not None:
        column = target_reading(signature)
        hashes = _joined(hashes, _cell_hashes(read_target(frame[column.name], column)))
    return hashes


def _joined(hashes: Hashes, others: Hashes) -> Hashes:
    """Combine hashes, in this order. Unsigned arrays overflow without a warning, which is intended."""
    return _mixed((hashes * _FACTOR) ^ others)


def _mixed(hashes: Hashes) -> Hashes:
    """Mix the bits with the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _FIRST
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _SECOND
    return np.asarray(hashes ^ (hashes >> np.uint64(31)), dtype=np.uint64)


def _cell_hashes(reading: Reading) -> Hashes:
    values = reading.values
    if values.dtype.kind == "O":
        found = _text_hashes(values)
    elif values.dtype.kind == "f":
        # -0.0 equals 0.0, and NaN has many bit patterns
        found = np.where(values == 0, 0.0, values).astype(np.float64).view(np.uint64)
    else:
        found = values.astype(np.int64).view(np.uint64)
    return _mixed(np.where(reading.missing, np.uint64(_MISSING), found))


def _text_hashes(values: npt.NDArray[Any]) -> Hashes:
    """Hash each distinct text once. Python's own hash differs from run to run."""
    codes, distinct = pd.factorize(values)
    of_each = np.fromiter(map(_text_hash, distinct), dtype=np.uint64, count=len(distinct))
    return np.append(of_each, np.uint64(_MISSING))[codes]  # a missing cell has the code -1, the last place


def _text_hash(text: Any) -> int:
    """Hash the value that the text means: ``4.50`` here may be 4.5 in another file."""
    value = value_of(str(text))
    meant = str(text).strip() if value is None else _spelled(value)
    return int.from_bytes(blake2b(meant.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _spelled(value: Hashable) -> str:
    kind, what = value if isinstance(value, tuple) else ("", value)
    if isinstance(what, Decimal):
        return f"{kind} {what.normalize() if what else 0}"
    return f"{kind} {what - _EPOCH if isinstance(what, datetime) else what}"
