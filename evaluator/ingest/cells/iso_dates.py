"""Cells that are dates by ISO 8601: ``2024-01-31``, ``2024-01-31T10:00``, with seconds, fraction, zone.

Dates with a zone become UTC, dates without stay as they are; a column that has both stays text.
"""

import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.texts import all_bytes, cell_lengths, other_bytes, span_of, try_cast
from modelbus.evaluator.ingest.cells.typed_cells import DAYS, MOMENTS
from modelbus.evaluator.ingest.table import ColumnPlan, Span
from modelbus.shared.contracts.commands.datasets import ISO_FORMAT
from modelbus.shared.tabular.cells.written import KEPT

_USUAL = b"0123456789-:.+TZ "
_SHORTEST = len("2024-01-31")
_MOMENT_LENGTH = len("2024-01-31T10:00:00")
_LONGEST_EXACT = len("2024-01-31T10:00:00.123456")
_FORMS = {_SHORTEST: "%Y-%m-%d", _MOMENT_LENGTH - 3: "%Y-%m-%dT%H:%M", _MOMENT_LENGTH: "%Y-%m-%dT%H:%M:%S"}
"""By the length of the cells, less a ``Z`` behind them. What is finer, or has another zone, is kept as written."""
_TOO_FINE = r"(\.[0-9]{6})[0-9]+"
CUT_FRACTIONS = "has times finer than a microsecond, which are truncated"
"""The note for a column where that happened."""
FIRST_US = -62_135_596_800_000_000
"""Year 1, in microseconds since 1970: Python's calendar begins here."""
LAST_US = 253_402_300_799_999_999
"""The end of year 9999."""


def to_iso_dates(values: pa.Array, *, is_zoned: bool) -> pa.Array | None:
    """Cells as timestamps of microseconds, ``None`` if one does not fit. Nulls stay."""
    target = _stored(is_zoned=is_zoned)
    found = try_cast(values, target)
    return found if found is not None else try_cast(_cut_fractions(values), target)


def to_sure_iso_dates(cells: pa.Array, *, is_zoned: bool) -> pa.Array | None:
    """Cells as written in the file as timestamps, if they are certainly ISO dates. Nulls stay."""
    # Arrow takes neither spaces nor marks nor times finer than a microsecond
    return try_cast(cells, _stored(is_zoned=is_zoned))


def are_in_calendar(found: pa.Array) -> bool:
    """Whether all timestamps lie in the years 1 to 9999."""
    return _is_in_calendar(span_of(found))


def _is_in_calendar(span: Span | None) -> bool:
    return span is None or (span.low >= FIRST_US and span.high <= LAST_US)


def have_fine_fractions(values: pa.Array) -> bool:
    """Whether a cell (one at least, none missing) has a time finer than a microsecond."""
    if int(cell_lengths(values).max()) <= _LONGEST_EXACT:
        return False
    return bool(pc.any(pc.match_substring_regex(values, pattern=_TOO_FINE)).as_py())


def _stored(*, is_zoned: bool) -> pa.DataType:
    return pa.timestamp("us", "UTC") if is_zoned else pa.timestamp("us")


def _cut_fractions(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(values, pattern=_TOO_FINE, replacement=r"\1")


def _plain_dates(cells: pa.Array) -> pa.Array | None:
    """Cells that are written as ``as_text`` would write them, as days or moments; ``None`` if one is not."""
    longest = int(cell_lengths(cells).max())
    if longest == _SHORTEST:
        return try_cast(cells, DAYS)
    data = all_bytes(cells)
    is_moment = longest == _MOMENT_LENGTH and len(data) == longest * (len(cells) - cells.null_count)
    if not is_moment or (data[_SHORTEST::longest] != ord("T")).any():
        return None
    return try_cast(cells, MOMENTS)


def _form_of(cells: pa.Array) -> str:
    """The form in which all of these ISO dates (nulls have no say, one is none) are written, if they share one."""
    lengths = cell_lengths(cells)
    length = int(lengths.max())
    data = all_bytes(cells)
    if len(data) != length * (len(cells) - cells.null_count):
        return KEPT
    table = data.reshape(-1, length)
    tail = chr(table[0, -1]) if (table[:, -1] == table[0, -1]).all() else ""
    zone = "Z" if tail == "Z" else ""
    form = _FORMS.get(length - len(zone))
    if form is None or (length > _SHORTEST and (table[:, _SHORTEST] != table[0, _SHORTEST]).any()):
        return KEPT
    return form.replace("T", chr(table[0, _SHORTEST])) + zone if length > _SHORTEST else form


class IsoDates:
    """The candidate "ISO dates" of one column."""

    def __init__(self) -> None:
        self.refusal: str | None = None
        self._zones = [False, True]
        self._has_cut_fractions = False
        self._form: str | None = None
        self._span: Span | None = None

    def accepts(self, values: pa.Array) -> bool:
        """Whether these cells (trimmed, none missing, at least one) fit as well."""
        if int(cell_lengths(values).min()) < _SHORTEST or other_bytes(values, _USUAL):
            return False
        for is_zoned in self._zones:
            found = to_iso_dates(values, is_zoned=is_zoned)
            if found is not None:
                self._zones = [is_zoned]
                self._has_cut_fractions |= have_fine_fractions(values)
                self._note_form(_form_of(values))
                return self._note(found)
        return False

    def read_surely(self, cells: pa.Array) -> pa.Array | None:
        """Days and moments of whole seconds typed, others as they are, if they are certainly ISO dates."""
        if len(self._zones) > 1:
            return None
        plain = None if self._zones[0] else _plain_dates(cells)
        found = plain if plain is not None else to_sure_iso_dates(cells, is_zoned=self._zones[0])
        if found is None or not self._note(found):
            return None
        if plain is None:
            self._note_form(_form_of(cells))
            return cells
        self._note_form(_FORMS[_SHORTEST if plain.type == DAYS else _MOMENT_LENGTH])
        return plain

    def plan(self, name: str) -> ColumnPlan | None:
        """How to read the column."""
        return ColumnPlan(
            name, "datetime", date_format=ISO_FORMAT, is_zoned=self._zones[0], span=self._span, form=self._form
        )

    def notes(self) -> list[str]:
        """Notes for a reader of the column's profile."""
        return [CUT_FRACTIONS] if self._has_cut_fractions else []

    def _note_form(self, form: str) -> None:
        self._form = form if self._form in (None, form) else KEPT

    def _note(self, found: pa.Array) -> bool:
        """Whether the dates are in the calendar; then their span is known."""
        span = span_of(found)
        if span is not None and _is_in_calendar(span):
            self._span = span.joined(self._span)
        return _is_in_calendar(span)
