"""Numbers that are none for characters beyond ASCII: a no-break space at an end, digits of another script."""

import unicodedata

from modelbus.shared.contracts.number_forms import NumberForm
from modelbus.shared.tabular.cells.written_numbers import plain_numeral


def plain_text(text: str, form: NumberForm) -> str | None:
    """The number of a form that a text would be in plain characters; None if it would be none, or is plain already."""
    if text.isascii():
        return None
    composed = unicodedata.normalize("NFKC", text)
    seen = "".join(_digit(one) for one in composed if unicodedata.category(one) != "Cf").strip()
    return seen if seen != text and plain_numeral(seen, form) is not None else None


def _digit(one: str) -> str:
    return str(unicodedata.decimal(one)) if one.isdecimal() else one
