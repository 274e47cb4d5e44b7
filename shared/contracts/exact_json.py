"""JSON read by the standard library, with every key and every digit; slower than ``json_text``."""

import json
from typing import Any


def read_exactly(text: str | bytes) -> Any:
    """Parse a JSON text; integers of any size are exact.

    Raises:
        ValueError: The text is not JSON, or has NaN, Infinity or a duplicate key; the message says which.
    """
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"duplicate key {twice[:100]!r} in an object")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not valid JSON; use null for a missing number")
