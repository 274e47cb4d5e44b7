"""What the values of a text column look like: dates that could not be read as such, UUIDs, free text."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.evaluator.ingest.cells.texts import all_bytes, cell_lengths, cell_starts
from modelbus.shared.tabular.encoding.free_text.free_text_looks import (
    LONGEST_LOOKED_AT,
    LOOKED_AT_TEXTS,
    WordCounts,
    count_words,
)

_UUID = r"^ *\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}? *$"

_DAY = r"(0?[1-9]|[12][0-9]|3[01])"
_MONTH = r"(0?[1-9]|1[0-2])"
_LONG_YEAR = r"[12][0-9]{3}"
_YEAR = rf"({_LONG_YEAR}|'?[0-9]{{2}})"
_MONTH_NAME = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_WEEKDAY = r"((mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,? )?"
_ZONE = r"( ?(z|utc|gmt|[+-][0-9]{2}:?([0-9]{2})?))?"
_TIME = rf"([t ,]+[0-9]{{1,2}}:[0-9]{{2}}(:[0-9]{{2}}([.,][0-9]+)?)?( ?[ap]\.?m\.?)?{_ZONE})?"


def _numeric_dates() -> list[str]:
    """Day, month and year as numbers; between all of them the same separator, which RE2 cannot say."""
    found = []
    for separator in ("/", "-"):
        found += [
            rf"{_DAY}{separator}{_MONTH}{separator}{_YEAR}",
            rf"{_MONTH}{separator}{_DAY}{separator}{_YEAR}",
            rf"{_LONG_YEAR}{separator}{_MONTH}{separator}{_DAY}",
        ]
    # 1.2.34 is a version; a date of two-digit years with dots has two digits throughout
    dotted = [
        rf"{_DAY}\.{_MONTH}\.{_LONG_YEAR}",
        rf"{_LONG_YEAR}\.{_MONTH}\.{_DAY}",
        r"[0-3][0-9]\.[01][0-9]\.[0-9]{2}",
    ]
    return found + dotted


def _named_dates() -> list[str]:
    return [
        rf"{_DAY}(st|[nr]d|th)?[ ./-]{{0,2}}{_MONTH_NAME}[ ,./-]{{0,2}}{_YEAR}",
        rf"{_MONTH_NAME}[ -]?{_DAY}(st|[nr]d|th)?,?[ -]{_YEAR}",
    ]


_DATE = rf"^ *{_WEEKDAY}({'|'.join([*_numeric_dates(), *_named_dates()])}){_TIME} *$"


_MAY_BE_DATE = r"[0-9][a-z]{0,2}[ ,./-]"
"""A number and a separator behind it."""
_DATE_LENGTHS = (6, 60)
_SHOWN_DATES = 20
"""Dates that are kept to detect their form."""
_UUID_LENGTHS = (32, 38)


_CODES = np.arange(256)
_IS_DIGIT = np.isin(_CODES, list(b"0123456789"))
_IS_BLANK = np.isin(_CODES, list(b" \t\r\n"))
_IS_BEFORE, _IS_BEHIND = np.isin(_CODES, list(b"+-(.")), np.isin(_CODES, list(b"%)-"))
_IS_FOREIGN = np.isin(_CODES, [0xC2, 0xD9, 0xDB, 0xE0, 0xE1, 0xE2, 0xEF])
"""What digits of other scripts, typographic signs and no-break spaces begin with in UTF-8; letters do as well."""


class TextLooks:
    """Counts what sampled texts look like."""

    def __init__(self) -> None:
        self.count = 0
        """Texts that were looked at."""
        self.date_count = 0
        self.uuid_count = 0
        self.number_count = 0
        """Texts that begin or end as numbers and dates do: to be looked at more closely where most do."""
        self.blank_count = 0
        """Texts that begin or end with a blank."""
        self.blank: str | None = None
        """The first of them."""
        self.date: str | None = None
        """A text that looks like a date."""
        self.dates: list[str] = []
        """Different ones, the first of them."""
        self._texts: dict[str, None] = {}
        """Different texts, the first ones, as far as their words are counted."""

    def feed(self, texts: pa.Array) -> None:
        """Look at the next texts, none missing."""
        self.count += len(texts)
        self._look_at_ends(texts)
        found = pc.value_counts(texts)
        # arrow builds an automaton for each call, and of these patterns it takes a millisecond: most columns need none
        dates = _of_length(found, _DATE_LENGTHS)
        dates = _matching(_matching(dates, _MAY_BE_DATE), _DATE)
        self.date_count += _sum(dates)
        self.uuid_count += _sum(_matching(_of_length(found, _UUID_LENGTHS), _UUID))
        if self.date is None and len(dates):
            self.date = dates.field("values")[0].as_py()
        if len(self.dates) < _SHOWN_DATES:
            new = dates.field("values").slice(0, _SHOWN_DATES).to_pylist()
            self.dates = list(dict.fromkeys([*self.dates, *new]))[:_SHOWN_DATES]
        self._keep(found.field("values"))

    @property
    def words(self) -> WordCounts | None:
        """The words of the texts; None where there is no text."""
        return count_words(self._texts) if self._texts else None

    def _keep(self, texts: pa.Array) -> None:
        if len(self._texts) < LOOKED_AT_TEXTS:
            beginnings = pc.utf8_slice_codeunits(texts.slice(0, LOOKED_AT_TEXTS), 0, LONGEST_LOOKED_AT)
            self._texts.update(dict.fromkeys(beginnings.to_pylist()[: LOOKED_AT_TEXTS - len(self._texts)]))

    def _look_at_ends(self, texts: pa.Array) -> None:
        """Count texts that have at one end what numbers have there, and those that have a blank."""
        lengths = cell_lengths(texts)
        present = np.flatnonzero(lengths)
        starts, data = cell_starts(texts)[present], all_bytes(texts)
        first, last = data[starts], data[starts + lengths[present] - 1]
        is_number_like = _IS_DIGIT[first] | _IS_DIGIT[last] | _IS_BEFORE[first] | _IS_BEHIND[last] | _IS_FOREIGN[first]
        self.number_count += int(np.count_nonzero(is_number_like))
        blank = present[_IS_BLANK[first] | _IS_BLANK[last]]
        self.blank_count += len(blank)
        if self.blank is None and len(blank):
            self.blank = texts[int(blank[0])].as_py()


def _of_length(found: pa.StructArray, limits: tuple[int, int]) -> pa.StructArray:
    lengths = pc.binary_length(found.field("values"))
    return found.filter(pc.and_(pc.greater_equal(lengths, limits[0]), pc.less_equal(lengths, limits[1])))


def _matching(found: pa.StructArray, pattern: str) -> pa.StructArray:
    if not len(found):
        return found
    return found.filter(pc.match_substring_regex(found.field("values"), pattern=pattern, ignore_case=True))


def _sum(found: pa.StructArray) -> int:
    return pc.sum(found.field("counts")).as_py() or 0
