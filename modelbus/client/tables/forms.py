"""The forms of tables and rows that the client accepts, for type checkers; nothing is imported for them at run time."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

if TYPE_CHECKING:
    import pandas as pd


class ArrowTable(Protocol):
    """A table with Arrow's stream interface: a DataFrame of polars, a Table of pyarrow, a relation of DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table."""


class ReadableFile(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""


Rows: TypeAlias = Union[
    "pd.DataFrame", "pd.Series[Any]", ArrowTable, "Sequence[Mapping[str, Any]]", "Mapping[str, Any]"
]
"""Rows in memory: a DataFrame, a Series whose index names the columns (one row), a list of mappings from column to
value, one such mapping, or a mapping from column to a list of values."""
Source: TypeAlias = Union[str, "os.PathLike[str]", ReadableFile, bytes, bytearray, memoryview, Rows]
"""What can be uploaded: a path, a file that is open for reading bytes, bytes, or rows."""
