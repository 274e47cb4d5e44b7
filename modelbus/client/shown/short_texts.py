"""Answers in one line, for consoles and logs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

VALUE_LIMIT: Final = 60
"""Characters of one field."""
LINE_LIMIT: Final = 300
"""Characters of all fields together."""


class Shown:
    """A model whose ``repr`` is one line, however much it holds."""

    def __repr__(self) -> str:
        assert isinstance(self, BaseModel)  # the other base of every class that has this one
        return short_text(self)

    def __str__(self) -> str:
        return repr(self)


def short_text(model: BaseModel) -> str:
    """A model in one line: its fields in their order, cut after ``LINE_LIMIT`` characters."""
    parts: list[str] = []
    length = 0
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value in (None, "", [], {}) or field.repr is False:
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
    cells = values.values() if isinstance(values, Mapping) else values
    if len(values) <= VALUE_LIMIT and all(cell is None or isinstance(cell, (str, int, float)) for cell in cells):
        text = repr(values)
        if len(text) <= VALUE_LIMIT:
            return text
    count = f"{len(values)} item{'' if len(values) == 1 else 's'}"
    return f"{{{count}}}" if isinstance(values, Mapping) else f"[{count}]"
