"""Numbers in characters beyond ASCII, rewritten in plain ones: digits of other scripts, typographic signs and spaces.

Only what has a single meaning is rewritten. Superscripts and fractions (``5²``, ``½``) stay as they are.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_SAME: Final = {
    **dict.fromkeys("\u2212\u2010\u2011\u2013\ufe63\uff0d", "-"),
    **dict.fromkeys("\ufe62\uff0b", "+"),
    **dict.fromkeys("\u066b\uff0e", "."),
    **dict.fromkeys("\u066c\uff0c", ","),
    **dict.fromkeys("\u066a\ufe6a\uff05", "%"),
    "\uff08": "(",
    "\uff09": ")",
    "\uff25": "E",
    "\uff45": "e",
}
"""Signs, marks and exponents; the Arabic decimal mark is a point, the Arabic mark between thousands a comma."""
_GROUPED: Final = re.compile("(?<![0-9])[1-9][0-9]{0,2}(?:[\u00a0\u2007\u2009\u202f][0-9]{3})+(?![0-9])")
_GROUP_MARK: Final = re.compile("[\u00a0\u2007\u2009\u202f]")


def in_plain_characters(text: str) -> str:
    """The text as it would stand in ASCII, as far as that is certain.

    Invisible characters and surrounding spaces are removed, and so are no-break and thin spaces between groups of
    three digits.
    """
    if text.isascii():
        return text
    plain = "".join(map(_plain, text)).strip()
    return _GROUPED.sub(lambda found: _GROUP_MARK.sub("", found[0]), plain)


def cells_in_plain_characters(cells: pa.Array) -> pa.Array:
    """``in_plain_characters`` of each cell; nulls stay."""
    is_ascii = pc.string_is_ascii(cells)
    if pc.all(is_ascii).as_py() is not False:
        return cells
    foreign = cells.filter(pc.invert(is_ascii)).dictionary_encode()
    plain = pa.array([in_plain_characters(text) for text in foreign.dictionary.to_pylist()], pa.string())
    return pc.replace_with_mask(cells, pc.fill_null(pc.invert(is_ascii), False), plain.take(foreign.indices))


@lru_cache(4096)
def _plain(one: str) -> str:
    if one.isdecimal():
        return str(unicodedata.decimal(one))
    return "" if unicodedata.category(one) == "Cf" else _SAME.get(one, one)
