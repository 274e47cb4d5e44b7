"""Which value a text stands for, whatever type its column has: how a value finds the text that means it.

A column of text has ``4.50``, and the same table read by another program 4.5; only where one text alone means a value
can the value be taken for it.
"""

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from modelbus.shared.tabular.cells.cell_values import BOOLEAN_SPELLINGS, NUMBER


def value_of(text: str) -> Hashable:
    """What a text stands for: a number, a truth value, a moment; None if it is a mere word."""
    text = text.strip()
    if NUMBER.fullmatch(text):
        return ("number", Decimal(text))  # exact: a double would take neighbours beyond 2**53 for the same
    if text.lower() in BOOLEAN_SPELLINGS:
        return ("boolean", BOOLEAN_SPELLINGS[text.lower()])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ("moment", moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def unique_values(texts: Sequence[str]) -> dict[Hashable, int]:
    """The position of the one text that stands for each value; values of several texts are absent."""
    found: dict[Hashable, int] = {}
    ambiguous = set()
    for position, text in enumerate(texts):
        value = value_of(text)
        if value is None:
            continue
        if value in found:
            ambiguous.add(value)
        found[value] = position
    return {value: position for value, position in found.items() if value not in ambiguous}
