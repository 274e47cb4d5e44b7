"""JSON text as either door reads it: an integer of any size is exact, and a key that occurs twice is a fault.

The fast parser takes the last of two equal keys, and rounds integers beyond 64 bits, without a word. Text that may hold
either is read again by a parser that sees every key and every digit. Text that is nested deeper than a job's document
may be is a fault at once: MongoDB would not hold it, and nothing that walks through it need fear for its stack.
"""

import re
from typing import Any, Final

import orjson

from modelbus.shared.contracts.exact_json import read_exactly

_LARGE: Final = 2.0**63
"""The fast parser makes floats of integers beyond this."""
DEPTH_LIMIT: Final = 64
"""Levels of objects and arrays, counted from the outermost. MongoDB holds 100, and a job's document adds some."""
_SPACED_COLON: Final = re.compile(rb'"\s+:')
_SPACES_BEHIND_QUOTES: Final = (b'" ', b'"\n', b'"\r', b'"\t')


def parse_json(raw: bytes | str) -> Any:
    """Read one JSON text.

    Raises:
        ValueError: It is no JSON (then an ``orjson.JSONDecodeError``), is nested too deep, or has a key twice in one
            object; says which.
    """
    try:
        return _parsed(raw)
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None


def _parsed(raw: bytes | str) -> Any:
    document = orjson.loads(raw)
    data = raw.encode() if isinstance(raw, str) else raw
    count, has_large = _look(document, DEPTH_LIMIT)
    # in text a quote has a backslash before it: this may count too many pairs, never too few
    is_plain = not has_large and data.count(b'":') == count
    if is_plain and not (any(map(data.__contains__, _SPACES_BEHIND_QUOTES)) and _SPACED_COLON.search(data)):
        return document
    return read_exactly(raw)


def _look(document: Any, depth: int) -> tuple[int, bool]:
    """How many keys have a value, at all depths, and whether a number may be a rounded integer.

    Args:
        document: Any JSON value.
        depth: How many levels it may have.

    Raises:
        ValueError: It has more.
    """
    count, has_large = 0, False
    values = document
    if isinstance(document, dict):
        count, values = len(document), document.values()
    elif not isinstance(document, list):
        values, depth = (document,), depth + 1
    if depth == 0:
        raise ValueError(f"it is nested deeper than {DEPTH_LIMIT} levels; make it flatter")
    for value in values:
        kind = type(value)
        if kind is float:
            has_large = has_large or value >= _LARGE or value <= -_LARGE
        elif kind is dict or kind is list:
            inner, is_inner_large = _look(value, depth - 1)
            count, has_large = count + inner, has_large or is_inner_large
    return count, has_large
