"""How each column is encoded in the Parquet file: as its first row group suggests, in the least time."""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

_SMALL_BYTES: Final = 32 * 1024
"""A dictionary of more bytes takes longer to make than it saves, and often room, too."""
_LIMIT_BYTES: Final = 128 * 1024
"""A column's values are written as they are from where a later row group's dictionary exceeds this."""


def encodings(first: pa.Table) -> dict[str, Any]:
    """What pyarrow's writer is to be told.

    Few different values make a dictionary. Of other whole numbers and dates the differences are packed: ids, and the
    days of a log, become next to nothing. Text and reals stay as they are. The smallest and largest values are kept of
    all but text, of which nobody asks for them.

    Args:
        first: The first row group.
    """
    columns = list(zip(first.schema, first.columns, strict=True))
    repeated = {field.name for field, cells in columns if _is_repeated(cells)}
    numeric = [field.name for field, _ in columns if not pa.types.is_string(field.type)]
    packed = [field.name for field, _ in columns if _is_whole(field.type) and field.name not in repeated]
    return {
        "compression": "zstd",
        "dictionary_pagesize_limit": _LIMIT_BYTES,
        "use_dictionary": sorted(repeated),
        "write_statistics": numeric,
        "column_encoding": dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
    }


def _is_repeated(cells: pa.ChunkedArray) -> bool:
    return bool(pc.unique(cells).nbytes <= _SMALL_BYTES)


def _is_whole(found: pa.DataType) -> bool:
    return bool(pa.types.is_integer(found) or pa.types.is_timestamp(found))
