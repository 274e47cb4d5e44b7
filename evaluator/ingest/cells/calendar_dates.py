"""Cells that are dates as people write them: ``31/12/2024``, ``12/31/2024 3:45 PM``, ``31.12.2024``, ``2024/12/31``.

All cells of a column have one form (the separator, the order, the precision of the time), so that one strptime
format describes them, and a year of four digits. Where no cell tells day and month apart (all days are 12
at most), a guess would be wrong half the time: the column stays text. With dots the day comes first.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.iso_dates import are_in_calendar
from modelbus.evaluator.ingest.cells.texts import cell_lengths, other_bytes, span_of
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.tabular.cells.written import KEPT

_USUAL = b"0123456789/.-: APMapm"
_SHORTEST = len("1/1/2024")
_SHAPE = (
    r"^(?P<first>[0-9]{1,4})(?P<separator>[./-])(?P<second>[0-9]{1,2})(?P<again>[./-])(?P<third>[0-9]{1,4})"
    r"(?: (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?P<seconds>:[0-9]{2})?(?P<fraction>\.[0-9]{1,6})?"
    r"(?: (?P<half>[AaPp][Mm]))?)?$"
)
_PLACES: dict[str, tuple[str, str, str]] = {
    "dmy": ("third", "second", "first"),
    "mdy": ("third", "first", "second"),
    "ymd": ("first", "second", "third"),
}
"""The positions of year, month and day in each order."""
_DATES = {"dmy": "%d{0}%m{0}%Y", "mdy": "%m{0}%d{0}%Y", "ymd": "%Y{0}%m{0}%d"}
_ORDERS = {"/": ("dmy", "mdy", "ymd"), "-": ("dmy", "mdy"), ".": ("dmy",)}
_KNOWN_LIMIT = 10_000
"""Maximum number of a column's texts that are cached: the days of 27 years."""
_NO_TEXTS = pa.array([], pa.string())
Precision = Literal["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p"]
_PRECISIONS: dict[tuple[bool, bool, bool, bool], Precision] = {
    (False, False, False, False): "",
    (True, False, False, False): " %H:%M",
    (True, True, False, False): " %H:%M:%S",
    (True, True, True, False): " %H:%M:%S.%f",
    (True, False, False, True): " %I:%M %p",
    (True, True, False, True): " %I:%M:%S %p",
}
"""By what a cell has: an hour, seconds, a fraction, a half of the day."""
_CLOCK_LENGTHS: dict[Precision, int] = {
    "": 0,
    " %H:%M": len(" 10:00"),
    " %H:%M:%S": len(" 10:00:00"),
    " %I:%M %p": len(" 10:00 AM"),
    " %I:%M:%S %p": len(" 10:00:00 AM"),
}
"""Characters of a time with two digits for each part."""


@dataclass(frozen=True)
class _Form:
    separator: str
    precision: Precision

    def date_format(self, order: str) -> str:
        return _DATES[order].format(self.separator) + self.precision


def to_calendar_dates(values: pa.Array, date_format: str) -> pa.Array | None:
    """Cells as timestamps of microseconds by a format of this module, ``None`` if one does not fit. Nulls stay."""
    encoded = values.dictionary_encode()
    parts = _parts(encoded.dictionary)
    form = _form(parts) if parts is not None else None
    if parts is None or (form is None and len(encoded.dictionary)):
        return None
    order = next((order for order in _PLACES if form and form.date_format(order) == date_format), None)
    if order is None and len(encoded.dictionary):
        return None
    found = _timestamps(parts, order) if order else pa.nulls(0, pa.timestamp("us"))
    return found.take(encoded.indices) if found is not None else None


class CalendarCast:
    """Casts one column's cells, batch by batch; each text is parsed once, as long as they are few: days come again."""

    def __init__(self, date_format: str) -> None:
        """Args:
        date_format: One of this module's.
        """
        self._date_format = date_format
        self._texts = _NO_TEXTS
        self._found = pa.array([], pa.timestamp("us"))
        self._is_worth_while = True

    def cast(self, values: pa.Array) -> pa.Array | None:
        """Trimmed cells as timestamps of microseconds, ``None`` if one does not fit. Nulls stay."""
        if self._is_worth_while:
            indices = pc.index_in(values, value_set=self._texts)
            if indices.null_count > values.null_count:
                self._is_worth_while = self._learn(values.filter(pc.is_null(indices)))
                indices = pc.index_in(values, value_set=self._texts)
            if indices.null_count == values.null_count:
                return self._found.take(indices)
        return to_calendar_dates(values, self._date_format)

    def _learn(self, values: pa.Array) -> bool:
        """Keep what new texts mean; whether there was room for them and all are dates."""
        texts = pc.unique(values).drop_null()
        found = to_calendar_dates(texts, self._date_format) if len(self._texts) + len(texts) <= _KNOWN_LIMIT else None
        if found is None:
            return False
        self._texts = pa.concat_arrays([self._texts, texts])
        self._found = pa.concat_arrays([self._found, found])
        return True


class CalendarDates:
    """The candidate "dates as people write them" of one column."""

    def __init__(self) -> None:
        self.refusal: str | None = None
        self._form: _Form | None = None
        self._orders: list[str] = []
        self._known = _NO_TEXTS
        self._knows_all = True
        self._is_padded = True
        """All days, months and hours have two digits, and halves of the day capitals: a format writes them again."""

    def accepts(self, values: pa.Array) -> bool:
        """Whether these cells (trimmed, none missing, at least one) fit as well."""
        if int(cell_lengths(values).min()) < _SHORTEST or other_bytes(values, _USUAL):
            return False
        texts = pc.unique(values)
        parts = _parts(texts)
        form = _form(parts) if parts is not None else None
        if parts is None or form is None or self._form not in (None, form):
            return False
        candidates = self._orders if self._form else _ORDERS[form.separator]
        self._form = form
        self._orders = [order for order in candidates if _timestamps(parts, order) is not None]
        self._is_padded = self._is_padded and _are_padded(texts, form)
        self._note(texts)
        return bool(self._orders)

    def read_surely(self, cells: pa.Array) -> pa.Array | None:
        """The cells as a dictionary of their texts, if they are certainly dates as written in the file."""
        encoded = cells.dictionary_encode()
        # what was accepted in several orders is accepted in those of them that are left
        are_known = pc.all(pc.is_in(encoded.dictionary, value_set=self._known)).as_py()
        return encoded if are_known else None

    def plan(self, name: str) -> ColumnPlan | None:
        """How to read the column, ``None`` if day and month cannot be told apart."""
        if self._form is None or len(self._orders) != 1:
            return None
        date_format = self._form.date_format(self._orders[0])
        found = to_calendar_dates(self._known, date_format) if self._knows_all else None
        span = None if found is None else span_of(found)
        form = date_format if self._is_padded else KEPT
        return ColumnPlan(name, "datetime", date_format=date_format, span=span, form=form)

    def notes(self) -> list[str]:
        """Notes for a reader of the column's profile."""
        if len(self._orders) < 2:
            return []
        return [
            "has dates whose day and month cannot be told apart, and stays text; ISO dates (2024-12-31) are unambiguous"
        ]

    def _note(self, texts: pa.Array) -> None:
        """Remember the texts as long as they are few."""
        self._knows_all = len(self._known) + len(texts) <= _KNOWN_LIMIT and self._knows_all
        if self._knows_all:
            self._known = pc.unique(pa.concat_arrays([self._known, texts]))


def _are_padded(texts: pa.Array, form: _Form) -> bool:
    """Whether texts of a form are written as a format would write them."""
    if "%f" in form.precision or pc.any(pc.match_substring_regex(texts, pattern="[a-z]")).as_py():
        return False
    return set(cell_lengths(texts).tolist()) <= {len("31/12/2024") + _CLOCK_LENGTHS[form.precision]}


def _parts(values: pa.Array) -> dict[str, pa.Array] | None:
    """Each named part of the cells, ``""`` where a cell lacks it; ``None`` if a cell has another shape."""
    found = pc.extract_regex(values, pattern=_SHAPE)
    if found.null_count:
        return None
    return {field.name: found.field(position) for position, field in enumerate(found.type)}


def _form(parts: dict[str, pa.Array]) -> _Form | None:
    """The form that all cells have, ``None`` if they have different ones."""
    separators = set(pc.unique(parts["separator"]).to_pylist()) | set(pc.unique(parts["again"]).to_pylist())
    has = [_has(parts[name]) for name in ("hour", "seconds", "fraction", "half")]
    if len(separators) != 1 or any(part is None for part in has):
        return None
    precision = _PRECISIONS.get((bool(has[0]), bool(has[1]), bool(has[2]), bool(has[3])))
    return _Form(separators.pop(), precision) if precision is not None else None


def _has(part: pa.Array) -> bool | None:
    """Whether all cells have the part (true) or none (false); ``None`` if some do."""
    lengths = cell_lengths(part)
    if lengths.all():
        return True
    return None if lengths.any() else False


def _timestamps(parts: dict[str, pa.Array], order: str) -> pa.Array | None:
    """The timestamps in that order, ``None`` if a cell is no day of the calendar."""
    names = _PLACES[order]
    if (cell_lengths(parts[names[0]]) != 4).any() or any((cell_lengths(parts[name]) > 2).any() for name in names[1:]):
        return None
    year, month, day = (_numbers(parts[name]) for name in names)
    clock = _clock_us(parts)
    if clock is None or (month < 1).any() or (month > 12).any() or (day < 1).any():
        return None
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    if (days.astype("datetime64[M]") != months).any():
        return None
    found = pa.array(days.astype("datetime64[us]") + clock, pa.timestamp("us"))
    return found if are_in_calendar(found) else None


def _clock_us(parts: dict[str, pa.Array]) -> npt.NDArray[np.int64] | None:
    """Microseconds since midnight, ``None`` if a cell is no time of day."""
    hour, minute = _numbers(parts["hour"]), _numbers(parts["minute"])
    second = _numbers(pc.utf8_slice_codeunits(parts["seconds"], 1))
    fraction = _numbers(pc.utf8_rpad(pc.utf8_slice_codeunits(parts["fraction"], 1), width=6, padding="0"))
    if cell_lengths(parts["half"]).any():
        if (hour < 1).any() or (hour > 12).any():
            return None
        hour = hour % 12 + 12 * pc.equal(pc.ascii_lower(parts["half"]), "pm").to_numpy(zero_copy_only=False)
    if (hour > 23).any() or (minute > 59).any() or (second > 59).any():
        return None
    total: npt.NDArray[np.int64] = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    return total


def _numbers(part: pa.Array) -> npt.NDArray[np.int64]:
    """The part as whole numbers, 0 where it is absent."""
    if not cell_lengths(part).all():
        part = pc.if_else(pc.equal(part, ""), "0", part)
    found: npt.NDArray[np.int64] = pc.cast(part, pa.int64()).to_numpy(zero_copy_only=False)
    return found


def formats_of(text: str) -> list[str]:
    """The formats of this module in which the text is a date: none, one, or two where day and month may be either."""
    parts = _parts(pa.array([text], pa.string()))
    form = _form(parts) if parts is not None else None
    if parts is None or form is None or form.separator not in _ORDERS:
        return []
    return [form.date_format(order) for order in _ORDERS[form.separator] if _timestamps(parts, order) is not None]
