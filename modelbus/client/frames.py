"""Frames in and out: the only file of the client that needs pandas or pyarrow, which it imports when it is used.

In: pandas' own frames, and whatever else speaks Arrow (polars, pyarrow, duckdb). Out: pandas.
"""

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeGuard

from modelbus.client.client_errors import UnfitTable
from modelbus.extras import is_installed, require

if TYPE_CHECKING:
    import pandas as pd

PARQUET = "application/vnd.apache.parquet"
CSV = "text/csv; charset=utf-8"


def is_frame(value: Any) -> "TypeGuard[pd.DataFrame]":
    """Whether it is a pandas frame; pandas is not imported for that."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def is_arrow(value: Any) -> bool:
    """Whether it is a table that speaks Arrow's stream interface."""
    return hasattr(value, "__arrow_c_stream__")


@contextlib.contextmanager
def written(table: Any) -> Iterator[tuple[BinaryIO, str]]:
    """Write a table to a file that is gone afterwards: as Parquet, which keeps its types, or without pyarrow as CSV.

    Yields:
        The file, at its beginning, and its media type.

    Raises:
        UnfitTable: It is no table, or the file cannot hold what is in it; says which column, and what would be right.
    """
    if not is_frame(table) and not is_arrow(table):
        raise UnfitTable(
            f"a {type(table).__name__} cannot be uploaded; expected a path, an open file, bytes, or a DataFrame"
        )
    if is_frame(table):
        table = _with_plain_cells(with_columns(table))
    with tempfile.TemporaryFile() as file:
        kind = _write(table, file)
        file.seek(0)
        yield file, kind


def with_columns(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The frame as a table: an index that has names becomes columns, one without is left out; names are texts.

    Raises:
        UnfitTable: A name is no text, or there twice.
    """
    named = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index(level=named) if named else frame
    frame = frame.reset_index(drop=True)
    wrong = [name for name in frame.columns if not isinstance(name, str)]
    if wrong:
        raise UnfitTable(
            f"the column name {wrong[0]!r} is no text; rename it, or all: frame.columns = frame.columns.map(str)"
        )
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise UnfitTable(f"two columns are called {twice[0]!r}; a dataset's columns have different names")
    return frame


def rows_body(rows: Any) -> dict[str, Any]:
    """The part of a prediction's body that holds the rows.

    Args:
        rows: A frame, a row of one (a Series whose index names the columns), a list of mappings from column to value,
            one such mapping, or a mapping from column to values.

    Raises:
        UnfitTable: It is none of these, or a cell is nothing that JSON can say.
    """
    if _is_series(rows):
        rows = _row_of_series(rows)
    if is_frame(rows):
        frame = with_columns(rows)
        cells = frame.astype(object).where(frame.notna(), None)
        return {"columns": list(frame.columns), "data": [[cell_of(cell) for cell in row] for row in _lists(cells)]}
    if is_arrow(rows):
        rows = _arrow(rows).to_pylist()
    if isinstance(rows, Mapping):
        if rows and all(_is_list(values) for values in rows.values()):
            return {"data": {name: [cell_of(cell) for cell in values] for name, values in rows.items()}}
        rows = [rows]
    if _is_list(rows) and all(isinstance(row, Mapping) for row in rows):
        return {"rows": [{name: cell_of(cell) for name, cell in row.items()} for row in rows]}
    raise UnfitTable(
        f"rows are a DataFrame, a list of mappings from column to value, one such mapping, or a mapping from column to "
        f"a list of values, not {type(rows).__name__}"
    )


def _is_series(value: Any) -> "TypeGuard[pd.Series[Any]]":
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Series)


def _row_of_series(series: "pd.Series[Any]") -> dict[str, Any]:
    """A row of a frame, which pandas gives as a Series.

    Raises:
        UnfitTable: Its index names no columns: it is a column, most likely.
    """
    if not all(isinstance(name, str) for name in series.index):
        raise UnfitTable(
            "a Series is taken for one row, so its index has to name the columns; of a column make a frame: "
            "series.to_frame()"
        )
    return dict(series.astype(object).where(series.notna(), None))


def _with_plain_cells(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The frame with columns of pandas' own kinds as any table has them: periods as the moments at which they begin,
    intervals as text.
    """
    changed: dict[str, Any] = {}
    for name, column in frame.items():
        categories = getattr(column.dtype, "categories", None)
        kind = type(column.dtype if categories is None else categories.dtype).__name__
        if kind == "PeriodDtype":
            changed[str(name)] = column.astype(object).map(lambda period: period.to_timestamp(), na_action="ignore")
        elif kind == "IntervalDtype":
            changed[str(name)] = column.astype(object).map(str, na_action="ignore")
    return frame.assign(**changed) if changed else frame


def cell_of(value: Any) -> Any:
    """One cell as JSON says it: dates as ISO 8601, numbers of numpy as Python's, whatever is missing as null.

    Of pandas, a period is the moment at which it begins, and an interval its text.

    Raises:
        UnfitTable: JSON cannot say it.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    if type(value).__name__ == "Period":
        return value.to_timestamp().isoformat()
    if type(value).__name__ == "Interval":
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item") and not _is_list(value):
        return cell_of(value.item())
    if type(value).__name__ == "Decimal":
        return float(value)
    raise UnfitTable(f"a cell is a {type(value).__name__}, which is no text, number, boolean or date: {value!r:.100}")


def frame_of_parquet(data: bytes) -> "pd.DataFrame":
    """Read a downloaded table."""
    require("frames", "to_frame")
    import pandas as pd

    return pd.read_parquet(io.BytesIO(data))


def frame_of_columns(
    columns: Mapping[Any, Sequence[Any]], index: Any = None, index_name: str | None = None
) -> "pd.DataFrame":
    """Make a frame of columns that are in memory.

    Args:
        columns: Values by column.
        index: The frame's index; numbers from 0 if None.
        index_name: What the index is called.
    """
    require("frames", "to_frame", modules=["pandas"])
    import pandas as pd

    frame = pd.DataFrame(dict(columns), index=index)
    return frame if index_name is None else frame.rename_axis(index_name)


def _write(table: Any, file: BinaryIO) -> str:
    if is_frame(table) and not is_installed("pyarrow"):
        _write_csv(table, file)
        return CSV
    require("frames", f"a table such as this {type(table).__name__}", modules=["pyarrow"])
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pa.Table.from_pandas(table, preserve_index=False) if is_frame(table) else _arrow(table)
        pq.write_table(arrow, file)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise UnfitTable(f"the table cannot be written as Parquet: {'; '.join(map(str, error.args))[:500]}") from error
    return PARQUET


def _write_csv(frame: "pd.DataFrame", file: BinaryIO) -> None:
    """Write the frame as CSV, where nothing of it changes by that.

    Raises:
        UnfitTable: A column would come back as something else.
    """
    for name, column in frame.items():
        cells = column.dropna()
        texts = [cell for cell in cells if isinstance(cell, str)] if column.dtype.kind not in "biufM" else []
        if any(not text.strip() or text != text.strip() or _may_be_read_as_other(text) for text in texts):
            raise UnfitTable(
                f"column {name!r} has texts that CSV cannot tell from numbers, dates or missing values: "
                "pip install 'modelbus[frames]'"
            )
    frame.to_csv(file, index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z")


def _may_be_read_as_other(text: str) -> bool:
    """Whether a text that stands alone in CSV may be read as another type, or as no value."""
    return text[0] in "0123456789+-.?" or text.lower() in {
        *("na", "n/a", "#n/a", "#na", "<na>", "nan", "null", "none", "inf", "infinity"),
        *("true", "false", "yes", "no", "t", "f", "y", "n"),
    }


def _arrow(table: Any) -> Any:
    require("frames", f"a table such as this {type(table).__name__}", modules=["pyarrow"])
    import pyarrow as pa

    try:
        return pa.table(table)
    except (pa.ArrowException, TypeError, ValueError) as error:
        problem = "; ".join(map(str, error.args))[:500]
        raise UnfitTable(f"a {type(table).__name__} is no table: {problem}; make a frame of it") from error


def _lists(frame: "pd.DataFrame") -> Iterator[tuple[Any, ...]]:
    return frame.itertuples(index=False, name=None)


def _is_list(value: Any) -> bool:
    is_sized = hasattr(value, "__len__") and hasattr(value, "__iter__")
    return is_sized and not isinstance(value, (str, bytes, Mapping))
