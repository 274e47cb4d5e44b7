"""Serialization of learnt columns to a few flat arrays: the encoder's part of an artifact.

To change the layout, raise ``LAYOUT``: artifacts with another layout are refused, and their models must be retrained.
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
"""The kind of a free-text column; older releases refuse it by this name."""

_LOOK_UPS: Final = frozenset(get_args(LookUp))


def pack_columns(columns: Sequence[EncodedColumn]) -> dict[str, Any]:
    """Serialize to NumPy arrays (float64, float16, int64, uint8, ``<U``), an integer and a JSON text."""
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
        # absent without free text, so that such artifacts are the same as in older releases
        **({"tables": np.concatenate(tables)} if tables else {}),
    }


def unpack_columns(state: Mapping[str, Any]) -> list[EncodedColumn]:
    """The inverse of ``pack_columns``.

    Raises:
        ValueError: The layout is not that of this release.
    """
    if state.get("layout") != LAYOUT:
        raise ValueError(f"encoder layout {state.get('layout')!r} is not supported; this release needs {LAYOUT}")
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
    """The concatenated tables of free-text columns."""

    def __init__(self, packed: Table) -> None:
        self._packed = packed
        self._start = 0

    def next(self, floats: npt.NDArray[np.float64]) -> Table:
        """The table of the next column, whose size follows from its numbers."""
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
        raise ValueError(f"column kind {kind!r} of the encoder is not supported by this release")
    return LookedUpColumn.load(column, texts, floats, kind)  # type: ignore[arg-type]  # checked above
