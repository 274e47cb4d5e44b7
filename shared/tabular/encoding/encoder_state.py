"""Learnt columns as a handful of flat arrays, and back: what an artifact keeps of an encoder.

To change the layout: raise ``LAYOUT``; an artifact of another layout is refused and its model trained again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt
import orjson

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.encoding.free_text.text_column import FreeTextColumn, Table, table_size
from modelbus.shared.tabular.encoding.looked_up import LookedUpColumn, LookUp
from modelbus.shared.tabular.encoding.packing import pack_arrays, pack_texts, unpack_arrays, unpack_texts
from modelbus.shared.tabular.encoding.scaled import EncodedColumn, ScaledColumn

LAYOUT: Final = 1
FREE_TEXT: Final = "free text"
"""The kind of a column that a release without it refuses by name."""

_LOOK_UPS: Final = frozenset(get_args(LookUp))


def pack_columns(columns: Sequence[EncodedColumn]) -> dict[str, Any]:
    """Learnt columns as numpy arrays (float64, float16, int64, uint8, ``<U``), an int and a JSON text."""
    floats, float_ends = pack_arrays([column.floats() for column in columns])
    texts, text_ends = pack_texts([text for column in columns for text in column.texts()])
    tables = [column.table.ravel() for column in columns if isinstance(column, FreeTextColumn)]
    return {
        "layout": LAYOUT,
        "columns": orjson.dumps([column.column.model_dump() for column in columns]).decode(),
        "kinds": np.array([_kind(column) for column in columns], dtype="<U11"),
        "floats": floats,
        "float_ends": float_ends,
        "texts": texts,
        "text_ends": text_ends,
        "text_counts": np.array([len(column.texts()) for column in columns], dtype=np.int64),
        # absent where no column is free text: so an artifact without one is what it was before there were any
        **({"tables": np.concatenate(tables)} if tables else {}),
    }


def unpack_columns(state: Mapping[str, Any]) -> list[EncodedColumn]:
    """The inverse of ``pack_columns``.

    Raises:
        ValueError: The layout is not the one of this release.
    """
    if state.get("layout") != LAYOUT:
        raise ValueError(f"the encoder's layout is {state.get('layout')!r}; this release reads {LAYOUT}")
    columns = [SignatureColumn.model_validate(column) for column in orjson.loads(state["columns"])]
    floats = unpack_arrays(state["floats"], state["float_ends"])
    texts = unpack_texts(state["texts"], state["text_ends"])
    starts = np.concatenate([[0], np.cumsum(state["text_counts"])]).tolist()
    tables = _Tables(state.get("tables", np.empty(0, dtype=np.float16)))
    return [
        _load(column, kind, floats[index], texts[starts[index] : starts[index + 1]], tables)
        for index, (column, kind) in enumerate(zip(columns, state["kinds"].tolist(), strict=True))
    ]


class _Tables:
    """The tables of free text, one after the other."""

    def __init__(self, packed: Table) -> None:
        self._packed = packed
        self._start = 0

    def next(self, floats: npt.NDArray[np.float64]) -> Table:
        """The table of the next column, which says by its numbers how large it is."""
        start, self._start = self._start, self._start + table_size(floats)
        return self._packed[start : self._start]


def _kind(column: EncodedColumn) -> str:
    if isinstance(column, FreeTextColumn):
        return FREE_TEXT
    return column.kind if isinstance(column, LookedUpColumn) else "scaled"


def _load(
    column: SignatureColumn, kind: str, floats: npt.NDArray[np.float64], texts: list[str], tables: _Tables
) -> EncodedColumn:
    if kind == "scaled":
        return ScaledColumn.load(column, floats)
    if kind == FREE_TEXT:
        return FreeTextColumn.load(column, texts, floats, tables.next(floats))
    if kind not in _LOOK_UPS:
        raise ValueError(f"the encoder has a column of the kind {kind!r}, which this release does not know")
    return LookedUpColumn.load(column, texts, floats, kind)  # type: ignore[arg-type]  # it was just looked up
