"""Sentences about columns that cannot be sent as they are, and the warnings about those sent in another form."""

import sys
import warnings
from typing import Any, Final

from modelbus.client.client_errors import TableWarning

DURATIONS: Final = "convert it to a number first, for example to seconds with .dt.total_seconds()"
NESTED: Final = "make a column of each element, or convert it to text first"


def warn_of_periods(column: Any) -> None:
    """Warn that periods are sent as the times at which they begin."""
    warn(
        f"column {column!r} has periods; each is sent as the time at which it begins. "
        "To choose another, convert it first: .dt.to_timestamp(how='end')"
    )


def warn_of_intervals(column: Any) -> None:
    """Warn that intervals are sent as text."""
    warn(
        f"column {column!r} has intervals; each is sent as text, such as '(0, 10]'. "
        "To choose another form, convert it first, for example to its middle with .map(lambda one: one.mid)"
    )


def warn(sentence: str) -> None:
    """Warn the caller of the client, at the caller's own line."""
    warnings.warn(sentence, TableWarning, stacklevel=_callers_level())


def _callers_level() -> int:
    """How many frames above ``warn`` the code is that called the client."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("modelbus."):
        level, frame = level + 1, frame.f_back
    return level
