"""Answers in one line, for consoles and logs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from pydantic import BaseModel

VALUE_LIMIT: Final = 60
"""Characters of one field."""
LINE_LIMIT: Final = 300
"""Characters of all fields together."""


class Shown:
    """A model whose ``repr`` is one line, however much it holds."""

    shown_fields: ClassVar[Sequence[str]] = ()
    """The fields to show, in this order; all if empty."""

    def __repr__(self) -> str:
        assert isinstance(self, BaseModel)  # the other base of every class that has this one
        return short_text(self, self.shown_fields)

    def __str__(self) -> str:
        return repr(self)


def short_text(model: BaseModel, names: Sequence[str] = ()) -> str:
    """A model in one line.

    Args:
        model: The model.
        names: The fields to show, in this order; all if empty. Those beyond ``LINE_LIMIT`` characters are left out.
    """
    parts: list[str] = []
    length = 0
    fields = type(model).model_fields
    for name in names or fields:
        value = getattr(model, name)
        if value in (None, "", [], {}) or fields[name].repr is False:
            continue
        part = f"{name}={_short(value)}"
        length += len(part) + 2
        if length > LINE_LIMIT:
            parts.append("…")
            break
        parts.append(part)
    return f"{type(model).__name__}({', '.join(parts)})"


def _short(value: Any) -> str:
    if isinstance(value, BaseModel):
        return f"{type(value).__name__}(…)"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, (list, tuple, Mapping)):
        return _short_collection(value)
    text = repr(value[: VALUE_LIMIT + 1] if isinstance(value, str) else value)
    return text if len(text) <= VALUE_LIMIT else f"{text[: VALUE_LIMIT - 1]}…"


def _short_collection(values: Any) -> str:
    """The first elements, as many as fit, if they are plain; else their number."""
    first, last = "{}" if isinstance(values, Mapping) else "[]"
    count = f"{len(values)} item{'' if len(values) == 1 else 's'}"
    texts: list[str] = []
    length = 2
    for element in values.items() if isinstance(values, Mapping) else values:
        cell = element[1] if isinstance(values, Mapping) else element
        if not (cell is None or isinstance(cell, (str, int, float))):
            return f"{first}{count}{last}"
        text = f"{element[0]!r}: {_cell(cell)}" if isinstance(values, Mapping) else _cell(cell)
        length += len(text) + 2
        if length > VALUE_LIMIT:
            return f"{first}{', '.join(texts)}, … ({count}){last}" if texts else f"{first}{count}{last}"
        texts.append(text)
    return f"{first}{', '.join(texts)}{last}"


def _cell(value: Any) -> str:
    return (
        f"{value:.6g}"
        if isinstance(value, float)
        else repr(value[: VALUE_LIMIT + 1] if isinstance(value, str) else value)
    )
