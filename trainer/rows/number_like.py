"""Messages about text columns whose values are mostly numbers. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from modelbus.shared.tabular.cells.likely_forms import LikelyNumbers, likely_numbers

_LOOKED_AT: Final = 500
"""Maximum number of cells that are examined."""


def numbers_in_text(series: "pd.Series[Any]") -> LikelyNumbers | None:
    """The form of the numbers in a text column, if nearly all cells are numbers; else None."""
    present = series.dropna()
    some = present.iloc[:: max(1, -(-len(present) // _LOOKED_AT))]
    return _numbers_among(Counter(some.tolist()))


def numbers_among_classes(counts: Mapping[Any, int]) -> LikelyNumbers | None:
    """The same for labels with their counts; None if they are plain numbers that were uploaded as text."""
    found = _numbers_among(counts)
    return None if found is None or (found.odd is None and found.form.is_plain) else found


def _numbers_among(counts: Mapping[Any, int]) -> LikelyNumbers | None:
    texts = {text: count for text, count in counts.items() if isinstance(text, str)}
    return likely_numbers(texts) if texts and len(texts) == len(counts) else None


def though_numbers(found: LikelyNumbers) -> str:
    """What the column is and what can be done about it, as the predicate of a sentence about the column."""
    odd = f", except values such as {found.odd!r}" if found.odd is not None else ""
    is_part = found.number_count < found.count
    numbers = f"{found.number_count:,} of {found.count:,}" if is_part else f"all {found.count:,}"
    return (
        f"is text, although {numbers} examined values are numbers{odd}; the dataset's alerts name the cells that make "
        "it text and the upload option that reads them"
    )
