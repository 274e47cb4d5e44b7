"""Tables of Arrow, from whatever exports them; the only file of the client that makes them, with pyarrow."""

from collections.abc import Mapping, Sequence
from typing import Any

from modelbus.client.client_errors import UnfitTable
from modelbus.client.tables.column_advice import DURATIONS, NESTED
from modelbus.extras import require


def is_arrow(value: Any) -> bool:
    """Whether the value exports itself through Arrow's stream interface."""
    return hasattr(value, "__arrow_c_stream__")


def arrow_table(table: Any) -> Any:
    """A table of pyarrow, from one of polars, pyarrow, DuckDB or another library.

    Raises:
        MissingExtra: pyarrow is not installed.
        UnfitTable: The value is not a table, or a column cannot be sent.
    """
    require("frames", f"a table such as this {type(table).__name__}", modules=["pyarrow"])
    import pyarrow as pa

    try:
        return _sendable(pa.table(table))
    except (pa.ArrowException, TypeError, ValueError) as error:
        problem = "; ".join(map(str, error.args))[:500]
        hint = "a single column becomes a table by to_frame()" if hasattr(table, "to_frame") else "pass a DataFrame"
        raise UnfitTable(f"a {type(table).__name__} is not a table: {problem}; {hint}") from error


def arrow_of_columns(columns: Mapping[str, Sequence[Any]]) -> Any:
    """A table of pyarrow, from columns in memory.

    Raises:
        MissingExtra: pyarrow is not installed.
        UnfitTable: A column has values of several kinds, or of one that cannot be sent, or the lengths differ.
    """
    require("frames", "the upload of rows in memory", modules=["pyarrow"])
    import pyarrow as pa

    lengths = {name: len(values) for name, values in columns.items()}
    for name, length in lengths.items():
        if length != (expected := next(iter(lengths.values()))):
            raise UnfitTable(f"column {name!r} has {length} values, {next(iter(lengths))!r} has {expected}")
    arrays = {name: _array(name, values) for name, values in columns.items()}
    return _sendable(pa.table(arrays))


def _array(name: str, values: Sequence[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        problem = "; ".join(map(str, error.args))[:300]
        raise UnfitTable(
            f"column {name!r} cannot be sent: {problem}; a column has numbers, texts, booleans or dates, of one kind"
        ) from error


def _sendable(table: Any) -> Any:
    import pyarrow as pa

    names = table.column_names
    if len(set(names)) < len(names):
        raise UnfitTable(f"two columns are called {next(one for one in names if names.count(one) > 1)!r}; rename one")
    for place, field in enumerate(table.schema):
        problem = _problem(field.type)
        if problem is not None:
            raise UnfitTable(f"column {field.name!r} has {problem}")
        if pa.types.is_dictionary(field.type) and not _is_text(field.type.value_type):
            # pyarrow writes no other dictionaries to Parquet
            table = table.set_column(place, field.name, _labels(table.column(place)))
    return table


def _labels(column: Any) -> Any:
    """The labels of categories."""
    import pyarrow as pa

    kind = column.type.value_type
    plain = pa.large_string() if pa.types.is_string_view(kind) else kind
    return pa.chunked_array([chunk.dictionary.cast(plain).take(chunk.indices) for chunk in column.chunks], plain)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _problem(kind: Any) -> str | None:
    """Why columns of this type cannot be sent, and what to do; None where they can."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _problem(kind.value_type)
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return f"durations; {DURATIONS}"
    if pa.types.is_nested(kind):
        return f"nested values ({kind}); {NESTED}"
    if isinstance(kind, pa.BaseExtensionType) or pa.types.is_fixed_size_binary(kind):
        return f"values of type {kind}; convert it to text, numbers, booleans or dates first"
    return None
