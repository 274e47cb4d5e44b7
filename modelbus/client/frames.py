"""Frames in and out; with ``tables/arrow_tables.py`` the only files of the client that import pandas or pyarrow.

In: frames of pandas, and those of other libraries that export Arrow (polars, pyarrow, DuckDB). Out: frames of pandas.
"""

import contextlib
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from modelbus.client.client_errors import DamagedDownload, UnexpectedAnswer, UnfitTable
from modelbus.client.tables.arrow_tables import arrow_of_columns, arrow_table, is_arrow
from modelbus.client.tables.json_cells import column_cell, is_list, name_of_column, row_of
from modelbus.client.tables.pandas_tables import is_frame, is_series, plain_frame, row_of_series
from modelbus.extras import is_installed, require

if TYPE_CHECKING:
    import pandas as pd

PARQUET = "application/vnd.apache.parquet"
CSV = "text/csv; charset=utf-8"


@contextlib.contextmanager
def written(table: Any) -> Iterator[tuple[BinaryIO, str]]:
    """Write a table to a temporary file: as Parquet, which keeps its types, or without pyarrow as CSV.

    Args:
        table: A DataFrame, or rows in any form of ``tables/forms.py``.

    Yields:
        The file, at its beginning, and its media type.

    Raises:
        UnfitTable: The value is not a table, or a column cannot be sent; names the column and a remedy.
        MissingExtra: pyarrow is not installed.
    """
    if is_frame(table):
        table = plain_frame(table)
        is_csv = not is_installed("pyarrow")
        sendable = table if is_csv else arrow_of_columns({str(name): column for name, column in table.items()})
    else:
        is_csv, sendable = False, _arrow_of(table)
    with tempfile.TemporaryFile() as file:
        if is_csv:
            _write_csv(sendable, file)
        else:
            _write_parquet(sendable, file)
        file.seek(0)
        yield file, CSV if is_csv else PARQUET


def rows_body(rows: Any) -> dict[str, Any]:
    """The fields of a prediction's body that hold the rows.

    Args:
        rows: Rows in any form of ``tables/forms.py``.

    Raises:
        UnfitTable: The value is not rows, or a cell has no form in JSON; names the column and a remedy.
    """
    if is_frame(rows):
        frame = plain_frame(rows)
        cells = frame.astype(object).where(frame.notna(), None)
        columns = list(frame.columns)
        data = [list(map(column_cell, columns, row)) for row in cells.itertuples(index=False, name=None)]
        return {"columns": columns, "data": data}
    if is_arrow(rows) and not is_series(rows):
        table = arrow_table(rows)
        named = zip(table.column_names, table.columns, strict=True)
        return {"data": {name: [column_cell(name, cell) for cell in column.to_pylist()] for name, column in named}}
    if isinstance(rows, Mapping) and _has_columns(rows):
        return {
            "data": {name_of_column(name): [column_cell(name, cell) for cell in cells] for name, cells in rows.items()}
        }
    return {"rows": [row_of(row) for row in _row_mappings(rows, "predict")]}


def index_of(rows: Any) -> Any:
    """The index of a frame of pandas; None of other rows."""
    return rows.index if is_frame(rows) else None


def shape_of(table: Any) -> tuple[int, list[str]]:
    """The number of rows, and the names of the columns, of a table that can be uploaded.

    Raises:
        UnfitTable: The value is not a table, or a column cannot be sent.
    """
    if is_frame(table):
        frame = plain_frame(table)
        return len(frame), list(frame.columns)
    arrow = _arrow_of(table)
    return arrow.num_rows, list(arrow.column_names)


def _arrow_of(table: Any) -> Any:
    if is_arrow(table) and not is_series(table):
        return arrow_table(table)
    if isinstance(table, Mapping) and _has_columns(table):
        return arrow_of_columns({name_of_column(name): list(cells) for name, cells in table.items()})
    rows = _row_mappings(table, "upload")
    names = dict.fromkeys(name_of_column(name) for row in rows for name in row)
    if not names:
        raise UnfitTable("the table has no rows; a dataset needs one at least")
    return arrow_of_columns({name: [row.get(name) for row in rows] for name in names})


def _has_columns(mapping: Mapping[Any, Any]) -> bool:
    return bool(mapping) and all(is_list(values) for values in mapping.values())


def _row_mappings(rows: Any, method: str) -> list[Mapping[Any, Any]]:
    """Rows as mappings from column to value."""
    given = [rows] if isinstance(rows, Mapping) or is_series(rows) else rows
    if is_list(given) and not hasattr(given, "dtype"):
        found: list[Any] = [row_of_series(row) if is_series(row) else row for row in given]
        if all(isinstance(row, Mapping) for row in found):
            return found
    kind = type(rows).__name__
    problem = "cannot be used as rows" if method == "predict" else "cannot be uploaded"
    if hasattr(rows, "collect"):
        raise UnfitTable(f"a {kind} {problem}; collect() it first")
    inside = f" of {type(rows[0]).__name__}" if isinstance(rows, (list, tuple)) and rows else ""
    more = "" if method == "predict" else "a path, an open file, bytes, "
    raise UnfitTable(
        f"a value of type {kind}{inside} {problem}; expected {more}a DataFrame, a list of mappings from column to "
        "value, one such mapping, or a mapping from column to a list of values"
    )


def frame_of_parquet(data: bytes) -> "pd.DataFrame":
    """Read a downloaded table.

    Raises:
        MissingExtra: pandas or pyarrow is not installed.
        DamagedDownload: The file is not Parquet.
    """
    require("frames", "to_frame")
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise DamagedDownload(f"the downloaded table cannot be read as Parquet: {str(error)[:300]}") from error


def frame_of_columns(
    columns: Mapping[Any, Sequence[Any]], index: Any = None, index_name: str | None = None
) -> "pd.DataFrame":
    """Make a frame of columns in memory.

    Args:
        columns: Values by column.
        index: The frame's index; numbers from 0 if None.
        index_name: The name of the index.

    Raises:
        MissingExtra: pandas is not installed.
        UnexpectedAnswer: The columns have different lengths.
    """
    require("frames", "to_frame", modules=["pandas"])
    import pandas as pd

    try:
        frame = pd.DataFrame(dict(columns), index=index)
    except ValueError as error:
        raise UnexpectedAnswer(f"the answer is not a table: {str(error)[:300]}") from error
    return frame if index_name is None else frame.rename_axis(index_name)


def _write_parquet(table: Any, file: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(table, file)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise UnfitTable(f"the table cannot be written as Parquet: {'; '.join(map(str, error.args))[:500]}") from error


def _write_csv(frame: "pd.DataFrame", file: BinaryIO) -> None:
    """Write the frame as CSV, provided that every column is read back as it is.

    Raises:
        UnfitTable: A column would be read as something else.
    """
    for name, column in frame.items():
        cells = column.dropna()
        texts = [cell for cell in cells if isinstance(cell, str)] if column.dtype.kind not in "biufM" else []
        if any(not text.strip() or text != text.strip() or _may_be_read_as_other(text) for text in texts):
            raise UnfitTable(
                f"column {name!r} has texts that CSV cannot distinguish from numbers, dates or missing values; install "
                "pyarrow, which sends Parquet instead: pip install 'modelbus[frames]'"
            )
    frame.to_csv(file, index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z")


def _may_be_read_as_other(text: str) -> bool:
    """Whether a text in CSV may be read as another type, or as a missing value."""
    return text[0] in "0123456789+-.?" or text.lower() in {
        *("na", "n/a", "#n/a", "#na", "<na>", "nan", "null", "none", "inf", "infinity"),
        *("true", "false", "yes", "no", "t", "f", "y", "n"),
    }
