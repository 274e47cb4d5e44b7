"""Protection against text in CSV files that a spreadsheet would run as a formula."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_FORMULA: Final = r"^[=+\-@\t\r]"
"""First characters of text that a spreadsheet would run; OWASP ASVS 1.2.10."""
_NUMERAL: Final = r"^[+\-]([0-9]+(\.[0-9]*)?([eE][+\-]?[0-9]+)?)?$"
"""A sign alone, or before a number, is harmless: labels such as ``+``, ``-`` and ``-1`` stay unchanged."""


def without_formulas(cells: pa.Array) -> pa.Array:
    """Prefix an apostrophe to text cells that a spreadsheet would run as formulas. Nulls stay null."""
    is_formula = pc.and_not(
        pc.match_substring_regex(cells, pattern=_FORMULA), pc.match_substring_regex(cells, pattern=_NUMERAL)
    )
    if not pc.any(is_formula).as_py():
        return cells
    return pc.if_else(is_formula, pc.binary_join_element_wise("'", cells, ""), cells)
