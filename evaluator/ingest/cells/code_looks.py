"""Numbers that may be codes, which are only reported: ``1E5``, ``+49301234567``, ``1.10`` beside ``1.1``, many digits.

The watch looks at the cells as written in the file, while they are read, and at each only as long as needed.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.texts import all_bytes
from modelbus.evaluator.ingest.table import EXACT_LIMIT, ColumnPlan
from modelbus.shared.contracts.records.dataset_records import Alert, ColumnSchema

_CODE_WITH_E: Final = r"^[0-9]+[eE][0-9]{1,3}$"
_SCIENTIFIC: Final = r"([eE][+-])|(\.[0-9]*[eE])"
_TELEPHONE: Final = r"^\+[0-9]{7,}$"
_FRACTION: Final = r"\.(?P<digits>[0-9]*)$"
_CLOSE_LOOK: Final = 100_000
"""Number of a column's cells that are examined for trailing zeros, and of each later batch the first ones."""
_LATER_LOOK: Final = 1000
_LONG: Final = 10**9
"""Whole numbers that are all as large may well be codes."""
_MOMENTS: Final = [(low, 22 * low // 10) for low in (10**9, 10**12, 10**15, 10**18)]
"""Moments in seconds, milli-, micro- and nanoseconds since 1970, up to 2039."""


class CodeLooks:
    """What in a column of numbers looks like codes."""

    def __init__(self) -> None:
        self._with_e: str | None = None
        self._is_scientific = False
        self._telephone: str | None = None
        self._ending: str | None = None
        """A number of two decimals or more, the last of them 0."""
        self._decimals: set[int] = set()
        self._seen = 0

    def feed(self, cells: pa.Array) -> None:
        """Look at the next cells: text, trimmed or not."""
        data = all_bytes(cells)
        if not self._is_scientific and bool(((data | 0x20) == ord("e")).any()):
            self._look_at_exponents(cells)
        if self._telephone is None and bool((data == ord("+")).any()):
            self._telephone = _first(cells, _TELEPHONE)
        self._look_at_endings(cells)
        self._seen += len(cells)

    @property
    def note(self) -> str | None:
        """Why the numbers may be codes, as a part of a sentence."""
        if self._with_e is not None and not self._is_scientific:
            return f"values such as {self._with_e!r} may be codes, and {self._with_e} becomes {float(self._with_e):.0f}"
        if self._telephone is not None:
            return f"values such as {self._telephone!r} may be telephone numbers, and the plus sign is lost"
        if self._ending is not None and len(self._decimals) > 1:
            shorter = self._ending.rstrip("0").rstrip(".")
            return (
                f"{self._ending!r} ends in a zero where other values have fewer digits: as a number it is "
                f"{shorter}, which may be another version or code"
            )
        return None

    def _look_at_exponents(self, cells: pa.Array) -> None:
        self._is_scientific = _first(cells, _SCIENTIFIC) is not None
        if self._with_e is None and not self._is_scientific:
            self._with_e = _first(cells, _CODE_WITH_E)

    def _look_at_endings(self, cells: pa.Array) -> None:
        if self._ending is not None and len(self._decimals) > 1:
            return
        some = cells.slice(0, _CLOSE_LOOK if self._seen < _CLOSE_LOOK else _LATER_LOOK).drop_null()
        if not (all_bytes(some) == ord(".")).any():
            self._decimals |= {0} if len(some) else set()
            return
        digits = pc.struct_field(pc.extract_regex(some, pattern=_FRACTION), [0])
        self._decimals |= {0} if digits.null_count else set()
        counts = pc.binary_length(digits.drop_null())
        self._decimals |= set(np.unique(counts.to_numpy()).tolist())
        if self._ending is None:
            self._ending = _first(some, r"^[+-]?[0-9]*\.[0-9]+0$")


def _first(cells: pa.Array, pattern: str) -> str | None:
    """The first cell that the pattern matches."""
    index = pc.index(pc.match_substring_regex(cells, pattern=pattern), True).as_py()
    return None if index < 0 else cells[index].as_py()


def code_alert(plan: ColumnPlan, schema: ColumnSchema) -> Alert | None:
    """The alert for numbers that may be codes, if they may."""
    note = plan.code_note or _length_note(schema)
    if note is None or plan.is_declared or schema.type not in ("integer", "real"):
        return None
    message = (
        f"column {plan.name!r} is read as numbers, though {note}; if they are codes, columns.{plan.name}.type=text "
        "keeps them as they are"
    )
    return Alert(code="code_like_numbers", column=plan.name, message=message)


def _length_note(schema: ColumnSchema) -> str | None:
    if schema.type != "integer" or schema.minimum is None or schema.distinct < 2:
        return None
    low, high = schema.minimum, schema.maximum
    if max(-low, high) > EXACT_LIMIT:
        digits = len(str(max(-low, high)))
        return f"it has whole numbers of {digits} digits, such as {high}, and models round beyond 2**53"
    if low < _LONG or any(first <= low and high <= last for first, last in _MOMENTS):
        return None
    digits = len(str(low))
    return f"each has {digits} digits{' or more' if len(str(high)) > digits else ''}, such as {low}"
