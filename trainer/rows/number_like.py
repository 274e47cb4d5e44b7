"""Text that is numbers but for a few cells: what is said of it where text is learnt, or cannot be. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from modelbus.shared.tabular.cells.likely_forms import LikelyNumbers, likely_numbers

_LOOKED_AT: Final = 500
"""So many texts of a column are looked at."""


def numbers_in_text(series: "pd.Series[Any]") -> LikelyNumbers | None:
    """What the texts of a column are, if nearly all of them are numbers."""
    present = series.dropna()
    some = present.iloc[:: max(1, -(-len(present) // _LOOKED_AT))]
    return _numbers_among(Counter(some.tolist()))


def numbers_among_classes(counts: Mapping[Any, int]) -> LikelyNumbers | None:
    """The same of labels and how often each occurs; None where they are plain numbers that were given as text."""
    found = _numbers_among(counts)
    return None if found is None or (found.odd is None and found.form.is_plain) else found


def _numbers_among(counts: Mapping[Any, int]) -> LikelyNumbers | None:
    texts = {text: count for text, count in counts.items() if isinstance(text, str)}
    return likely_numbers(texts) if texts and len(texts) == len(counts) else None


def though_numbers(found: LikelyNumbers) -> str:
    """What the column is and what can be done, as the end of a sentence that begins with its name."""
    odd = f", and others, such as {found.odd!r}, are not" if found.odd is not None else ""
    share = f"{found.number_count} of {found.count}" if found.number_count < found.count else f"all {found.count}"
    return (
        f"is text, though {share} values that were looked at are numbers{odd}; the dataset's alerts say which cells "
        "keep it text, and which option of the upload reads it"
    )
