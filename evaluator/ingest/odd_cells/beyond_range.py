"""Numbers that neither 64 bits nor a double hold: whole ones of twenty digits, ``1e400``. They keep a column text."""

import math
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_MAY_BE: Final = r"^[+-]?[0-9]{19,}$|[0-9][eE]|^.{300,}$"
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_DIGIT_LIMIT: Final = 1000
"""Integers of more digits are certainly beyond the range, and slow to read."""


def is_beyond_range(text: str) -> bool:
    """Whether a text is a number that is too large; false for other text."""
    if _WHOLE.fullmatch(text):
        return len(text) > _DIGIT_LIMIT or not -(2**63) <= int(text) < 2**63
    try:
        return any(map(str.isdigit, text)) and math.isinf(float(text))
    except ValueError:
        return False


def are_beyond_range(cells: pa.Array) -> pa.Array:
    """Which of some cells are, shape (n_cells,)."""
    some = pc.unique(cells.filter(pc.match_substring_regex(cells, pattern=_MAY_BE))).to_pylist()
    return pc.is_in(cells, value_set=pa.array([text for text in some if is_beyond_range(text)], pa.string()))


def is_rounded_by_real(text: str) -> bool:
    """Whether it is a whole number, which a double can hold rounded."""
    return _WHOLE.fullmatch(text) is not None and len(text) < 300
