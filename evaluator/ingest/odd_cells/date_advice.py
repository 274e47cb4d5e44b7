"""Which date_format reads texts that look like dates, or which of the texts none reads."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import product
from typing import Final

_NAMED: Final = ("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d. %B %Y", "%d-%b-%y", "%d %b %y")
_ORDERS: Final = ("%Y{0}%m{0}%d", "%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d")
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_SHOWN: Final = 2


def date_advice(column: str, texts: Sequence[str]) -> str:
    """What can be done about a column of text that looks like dates, as the end of a sentence.

    Args:
        column: Its name.
        texts: Some of its different texts.
    """
    read = {date_format: [text for text in texts if _is_date(text, date_format)] for date_format in formats()}
    best = max(map(len, read.values()), default=0)
    fitting = [date_format for date_format, found in read.items() if len(found) == best] if best else []
    if not fitting:
        return "upload the file with the column's type datetime and the date_format in which they are written"
    shown = " or ".join(fitting[:_SHOWN])
    left = [text for text in texts if text not in read[fitting[0]]]
    if not left:
        return f"upload the file with the column's type datetime and its date_format, such as {shown}"
    others = ", ".join(map(repr, left[:_SHOWN]))
    return (
        f"no single date_format reads them all: {shown} does not read {others}; write all dates in one form, or say "
        f"columns.{column}.type=datetime, columns.{column}.date_format={fitting[0]} and on_bad_rows=skip to leave out "
        "the rows of the others"
    )


@cache
def formats() -> tuple[str, ...]:
    """The formats that are tried, the likelier ones first."""
    return tuple(_formats())


def _formats() -> Iterator[str]:
    for clock, separator, order in product(_CLOCKS, "-/.", _ORDERS):
        yield order.format(separator) + clock
    for clock, named in product(_CLOCKS, _NAMED):
        yield named + clock


def _is_date(text: str, date_format: str) -> bool:
    try:
        datetime.strptime(text.strip(), date_format)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True
