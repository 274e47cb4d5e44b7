"""Parsing of JSON at both doors: integers of any size are exact, and a duplicate key is an error.

The fast parser silently takes the last of two equal keys and rounds integers beyond 64 bits. Text that may contain
either is parsed again by a parser that sees every key and every digit. Text that is nested deeper than a job's document
may be is rejected: MongoDB could not store it, and recursive code could exhaust its stack.
"""

import re
from typing import Any, Final

import orjson

from modelbus.shared.contracts.exact_json import read_exactly

_LARGE: Final = 2.0**63
"""The fast parser turns integers beyond this into floats."""
DEPTH_LIMIT: Final = 64
"""Levels of objects and arrays, from the outermost. MongoDB stores 100, and a job's document adds some."""
_SPACED_COLON: Final = re.compile(rb'"\s+:')
_SPACES_BEHIND_QUOTES: Final = (b'" ', b'"\n', b'"\r', b'"\t')


def parse_json(raw: bytes | str) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: The text is not JSON (an ``orjson.JSONDecodeError``), is nested too deeply, or has a duplicate key;
            the message says which.
    """
    try:
        return _parsed(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _parsed(raw: bytes | str) -> Any:
    document = orjson.loads(raw)
    data = raw.encode() if isinstance(raw, str) else raw
    count, has_large = _look(document, DEPTH_LIMIT)
    # quotes inside text are escaped: this may count too many pairs, never too few
    is_plain = not has_large and data.count(b'":') == count
    if is_plain and not (any(map(data.__contains__, _SPACES_BEHIND_QUOTES)) and _SPACED_COLON.search(data)):
        return document
    return read_exactly(raw)


def _look(document: Any, depth: int) -> tuple[int, bool]:
    """The number of keys at all depths, and whether a number may be a rounded integer.

    Args:
        document: Any JSON value.
        depth: The maximum number of levels.

    Raises:
        ValueError: The value has more levels.
    """
    count, has_large = 0, False
    values = document
    if isinstance(document, dict):
        count, values = len(document), document.values()
    elif not isinstance(document, list):
        values, depth = (document,), depth + 1
    if depth == 0:
        raise ValueError(f"nested deeper than {DEPTH_LIMIT} levels")
    for value in values:
        kind = type(value)
        if kind is float:
            has_large = has_large or value >= _LARGE or value <= -_LARGE
        elif kind is dict or kind is list:
            inner, is_inner_large = _look(value, depth - 1)
            count, has_large = count + inner, has_large or is_inner_large
    return count, has_large
