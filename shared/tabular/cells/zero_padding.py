"""Leading zeros: codes have them throughout (``00501``), whereas a single ``007`` among numbers is an odd number."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from modelbus.shared.tabular.cells.foreign_characters import in_plain_characters

LEADING_ZERO: Final = r"^[+-]?0[0-9]"
"""The beginning of a number with a leading zero; for Python and for Arrow."""
_CODE_FRACTION: Final = 0.05
"""If more than this fraction of the cells have leading zeros, they are codes."""
_SAME_WIDTH_CODE_FRACTION: Final = 0.01
"""The same if nearly all cells have the same length, to which zeros pad them."""
_SAME_WIDTH_FRACTION: Final = 0.8
_MINIMUM_CODES: Final = 2
"""A single cell with a leading zero is not enough."""


def is_padded(text: str) -> bool:
    """Whether a text, if it is a number, has a leading zero."""
    return re.match(LEADING_ZERO, in_plain_characters(text)) is not None


@dataclass
class ZeroPadding:
    """Counts of a column's cells with and without leading zeros, by length."""

    padded: Counter[int] = field(default_factory=Counter)
    """Cells with a leading zero, by length."""
    others: Counter[int] = field(default_factory=Counter)

    def add(self, lengths: Iterable[tuple[int, int]], *, are_padded: bool) -> None:
        """Add cells.

        Args:
            lengths: Pairs of a length in characters and a number of cells.
            are_padded: Whether these cells have leading zeros.
        """
        counts = self.padded if are_padded else self.others
        for length, count in lengths:
            counts[length] += count

    @property
    def are_codes(self) -> bool:
        """Whether the column holds codes: enough cells are padded, or they are padded to the length of the others."""
        count, total = self.padded.total(), self.padded.total() + self.others.total()
        if count < _MINIMUM_CODES:
            return False
        return count > _CODE_FRACTION * total or (count > _SAME_WIDTH_CODE_FRACTION * total and self._has_one_width)

    @property
    def _has_one_width(self) -> bool:
        width = next(iter(self.padded))
        return len(self.padded) == 1 and self.others[width] >= _SAME_WIDTH_FRACTION * self.others.total()


def padding_of(counts: Mapping[str, int]) -> ZeroPadding:
    """Count texts, given the number of times that each occurs."""
    found = ZeroPadding()
    for text, count in counts.items():
        found.add([(len(text), count)], are_padded=is_padded(text))
    return found
