"""The value that a text means, regardless of its column's type: finds the text for a given value.

A text column has ``4.50``, and another program reads the same table as 4.5. A value matches a text only if no other
text means the same value.
"""

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from modelbus.shared.tabular.cells.cell_values import BOOLEAN_SPELLINGS, NUMBER


def value_of(text: str) -> Hashable:
    """The value that a text means: a number, a boolean or a date; None for any other text."""
    text = text.strip()
    if NUMBER.fullmatch(text):
        return ("number", Decimal(text))  # exact: doubles cannot distinguish neighbours beyond 2**53
    if text.lower() in BOOLEAN_SPELLINGS:
        return ("boolean", BOOLEAN_SPELLINGS[text.lower()])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ("moment", moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def unique_values(texts: Sequence[str]) -> dict[Hashable, int]:
    """The position of the text for each value; values with several texts are absent."""
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
