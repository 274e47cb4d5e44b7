"""What Excel's number formats make of a number: a date, a time, a duration, or a number as it is."""

import re
from typing import Final, Literal

FormatKind = Literal["number", "date", "time", "duration"]

_DATES: Final = frozenset({*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58})
"""Of the formats that need no code; 27 to 58 are dates and times of East Asian locales."""
_TIMES: Final = frozenset({*range(18, 22), 32, 33, 34, 35, 45, 47, 55, 56})
_DURATION: Final = 46
_NOT_CODE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE | re.DOTALL)
"""Quoted and escaped characters, padding, colours, conditions and locales."""
_ELAPSED: Final = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_GENERAL: Final = re.compile(r"general|standard", re.IGNORECASE)


def format_kind(number: int, code: str | None) -> FormatKind:
    """What a format makes of a number.

    Args:
        number: Its number among the formats.
        code: Its code; None where it is one of those that need none.
    """
    if code is None:
        if number in _DATES:
            return "date"
        if number == _DURATION:
            return "duration"
        return "time" if number in _TIMES else "number"
    plain = _GENERAL.sub("", _NOT_CODE.sub("", code).partition(";")[0]).lower()
    if _ELAPSED.search(plain):
        return "duration"
    if re.search(r"[dye]", plain) and not re.search(r"e[+-]", plain):
        return "date"
    if re.search(r"[hs]", plain):
        return "time"
    return "date" if "m" in plain else "number"
