"""JSON read with nothing but the standard library, every key and every digit of it; slower than ``json_text``."""

import json
from typing import Any


def read_exactly(text: str | bytes) -> Any:
    """Read one JSON text: an integer of any size is exact.

    Raises:
        ValueError: It is no JSON, has NaN or Infinity, or a key twice in one object; says which.
    """
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:100]!r} occurs twice in one object; give each key once")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON; send null where there is no number")
