"""Zeros before numbers: codes have them throughout (``00501``); one ``007`` among numbers is a number written oddly."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from modelbus.shared.tabular.cells.foreign_characters import in_plain_characters

LEADING_ZERO: Final = r"^[+-]?0[0-9]"
"""What a number begins with that has a zero before it; for Python and for Arrow."""
_CODE_FRACTION: Final = 0.05
"""Where more of the cells have zeros before them, they are codes."""
_SAME_WIDTH_CODE_FRACTION: Final = 0.01
"""The same where nearly all cells have as many characters: their zeros fill them up."""
_SAME_WIDTH_FRACTION: Final = 0.8
_FEWEST_CODES: Final = 2
"""A single cell makes no codes of the others."""


def is_padded(text: str) -> bool:
    """Whether a text, if it is a number, has a zero before it."""
    return re.match(LEADING_ZERO, in_plain_characters(text)) is not None


@dataclass
class ZeroPadding:
    """How many cells of a column have zeros before them, and how long they and the others are."""

    padded: Counter[int] = field(default_factory=Counter)
    """Cells with a zero before them, by their number of characters."""
    others: Counter[int] = field(default_factory=Counter)

    def add(self, lengths: Iterable[tuple[int, int]], *, are_padded: bool) -> None:
        """Count more cells.

        Args:
            lengths: Numbers of characters, and how many cells have so many.
            are_padded: Whether they have zeros before them.
        """
        counts = self.padded if are_padded else self.others
        for length, count in lengths:
            counts[length] += count

    @property
    def are_codes(self) -> bool:
        """Whether the column holds codes: so many cells are padded, or they are padded to the width of the others."""
        count, total = self.padded.total(), self.padded.total() + self.others.total()
        if count < _FEWEST_CODES:
            return False
        return count > _CODE_FRACTION * total or (count > _SAME_WIDTH_CODE_FRACTION * total and self._has_one_width)

    @property
    def _has_one_width(self) -> bool:
        width = next(iter(self.padded))
        return len(self.padded) == 1 and self.others[width] >= _SAME_WIDTH_FRACTION * self.others.total()


def padding_of(counts: Mapping[str, int]) -> ZeroPadding:
    """The same of texts and how often each occurs."""
    found = ZeroPadding()
    for text, count in counts.items():
        found.add([(len(text), count)], are_padded=is_padded(text))
    return found
