"""The form in which nearly all texts of a column are dates, and which of its texts are none of that form."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.calendar_dates import formats_of, to_calendar_dates
from modelbus.evaluator.ingest.cells.iso_dates import are_in_calendar, to_iso_dates
from modelbus.shared.contracts.commands.datasets import ISO_FORMAT
from modelbus.shared.tabular.cells.likely_forms import MISSING_WORDS, NUMBER_FRACTION

ZONED_ISO: Final = f"{ISO_FORMAT} with zones"
_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_ZONE: Final = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_SHAPES: Final = {ISO_FORMAT: f"^{_DAY}({_CLOCK})?$", ZONED_ISO: f"^{_DAY}{_CLOCK}{_ZONE}$"}
_LOOK_LIMIT: Final = 2000
"""So often a part of some cells is tried; what is left then counts as odd."""


def likely_date_format(counts: Mapping[str, int]) -> str | None:
    """The one format in which nearly all texts are dates: strptime's, ``ISO8601`` or ``ISO8601 with zones``.

    Args:
        counts: How often each text occurs; some hundreds of a column are enough.
    """
    present = {text.strip(" \t"): count for text, count in counts.items() if text.strip(" \t") not in MISSING_WORDS}
    formats: Counter[str] = Counter()
    for text, count in present.items():
        shapes = [name for name, shape in _SHAPES.items() if re.fullmatch(shape, text)]
        for name in shapes or formats_of(text):
            formats[name] += count
    enough = [name for name, count in formats.items() if count >= NUMBER_FRACTION * sum(present.values())]
    # of two that fit, each may be meant
    best = max(formats.values(), default=0)
    return next((name for name in enough if list(formats.values()).count(best) == 1 and formats[name] == best), None)


def are_dates(cells: pa.Array, date_format: str) -> pa.Array:
    """Which of some cells (trimmed, none missing) are dates of the format, shape (n_cells,)."""
    encoded = cells.dictionary_encode()
    texts = encoded.dictionary
    accepts = _reader(date_format)
    shape = _SHAPES.get(date_format)
    is_date = np.ones(len(texts), dtype=bool)
    if shape is not None:
        is_date &= pc.match_substring_regex(texts, pattern=shape).to_numpy(zero_copy_only=False)
    indices = np.flatnonzero(is_date)
    is_date[indices] = _each_accepted(texts.take(pa.array(indices)), accepts)
    return pa.array(is_date).take(encoded.indices)


def _reader(date_format: str) -> Callable[[pa.Array], bool]:
    if date_format not in _SHAPES:
        return lambda texts: to_calendar_dates(texts, date_format) is not None

    def accepts(texts: pa.Array) -> bool:
        found = to_iso_dates(texts, is_zoned=date_format == ZONED_ISO)
        return found is not None and are_in_calendar(found)

    return accepts


def _each_accepted(texts: pa.Array, accepts: Callable[[pa.Array], bool]) -> npt.NDArray[np.bool_]:
    """Which texts are accepted, found by halves: most of them are, all together."""
    found = np.zeros(len(texts), dtype=bool)
    waiting = [(0, len(texts))] if len(texts) else []
    for _ in range(_LOOK_LIMIT):
        if not waiting:
            break
        start, end = waiting.pop()
        if accepts(texts.slice(start, end - start)):
            found[start:end] = True
        elif end - start > 1:
            middle = (start + end) // 2
            waiting += [(start, middle), (middle, end)]
    return found
