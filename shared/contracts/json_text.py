"""JSON text as either door reads it: an integer of any size is exact, and a key that occurs twice is a fault.

The fast parser takes the last of two equal keys, and rounds integers beyond 64 bits, without a word. Text that may hold
either is read again by a parser that sees every key and every digit.
"""

import json
import re
from typing import Any, Final

import orjson

_LARGE: Final = 2.0**63
"""The fast parser makes floats of integers beyond this."""
_SPACED_COLON: Final = re.compile(rb'"\s+:')
_SPACES_BEHIND_QUOTES: Final = (b'" ', b'"\n', b'"\r', b'"\t')


def parse_json(raw: bytes | str) -> Any:
    """Read one JSON text.

    Raises:
        ValueError: It is no JSON, or has a key twice in one object; says which.
    """
    try:
        return _parsed(raw)
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None


def _parsed(raw: bytes | str) -> Any:
    document = orjson.loads(raw)
    data = raw.encode() if isinstance(raw, str) else raw
    count, has_large = _look(document)
    # in text a quote has a backslash before it: this may count too many pairs, never too few
    is_plain = not has_large and data.count(b'":') == count
    if is_plain and not (any(map(data.__contains__, _SPACES_BEHIND_QUOTES)) and _SPACED_COLON.search(data)):
        return document
    return json.loads(raw, object_pairs_hook=_object)


def _look(document: Any) -> tuple[int, bool]:
    """How many keys have a value, at all depths, and whether a number may be a rounded integer."""
    count, has_large = 0, False
    values = document
    if isinstance(document, dict):
        count, values = len(document), document.values()
    elif not isinstance(document, list):
        values = (document,)
    for value in values:
        kind = type(value)
        if kind is float:
            has_large = has_large or value >= _LARGE or value <= -_LARGE
        elif kind is dict or kind is list:
            inner, is_inner_large = _look(value)
            count, has_large = count + inner, has_large or is_inner_large
    return count, has_large


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:100]!r} occurs twice in one object; give each key once")
    return found
