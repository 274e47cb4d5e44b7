"""Guesses the form of the numbers in a text column if nearly all cells are numbers. Pure.

The result is only reported, never applied: the user decides whether it is right.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

from pydantic import ValidationError

from modelbus.shared.contracts.number_forms import DecimalMark, NumberForm, Percent, ThousandsMark
from modelbus.shared.tabular.cells.foreign_characters import in_plain_characters
from modelbus.shared.tabular.cells.written_numbers import plain_numeral
from modelbus.shared.tabular.cells.zero_padding import is_padded, padding_of

MISSING_WORDS: Final = frozenset(
    ("", "-", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "null", "NULL", "None", "?")
)
"""Markers of missing values among numbers; equal to the evaluator's, which a test checks."""
NUMBER_FRACTION: Final = 0.8
"""Minimum fraction of numbers in a column for it to count as numbers with odd cells."""
_FEW_ODD_FRACTION: Final = 0.5
_FEW_ODD_TEXTS: Final = 3
_MINIMUM_NUMBERS: Final = 3
_MINIMUM_DISTINCT: Final = 10
_MARKS: tuple[tuple[ThousandsMark | None, DecimalMark], ...] = (
    (None, "."),
    (",", "."),
    (" ", "."),
    ("'", "."),
    (None, ","),
    (".", ","),
    (" ", ","),
    ("'", ","),
)
"""In order of preference: `1,234` is more likely a thousand than a fraction with three digits."""
_NUMBER = r"[+\-\u2212]?(?:\d[\d.,'\u2019 \u00a0\u202f\u2009]*\d|\d)[.,]?"
_BEFORE = re.compile(rf"^[+\-\u2212(]?(?P<unit>[^\d\s+\-\u2212(),']{{1,20}}?)\s?{_NUMBER}[-)]?$")
_BEHIND = re.compile(rf"^[(]?{_NUMBER}\s?(?P<unit>[^\d\s+\-\u2212().,'%][^\d+\-\u2212()%]{{0,19}}?)[-)]?$")
_CURRENCIES: Final = re.compile(
    r"AED|ARS|AUD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN|MYR|NGN|NOK|NZD|PEN|PHP|"
    r"PKR|PLN|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|Fr\.?|Rs\.?|kr\.?|RM|Rp"
)
"""Currencies that may precede a number, besides currency signs; other letters, as in `A 12`, form a code."""
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class LikelyNumbers:
    """A text column whose cells are numbers, with few exceptions."""

    form: NumberForm
    """The form of most of them."""
    number_count: int
    """Cells that are numbers of this form, without leading zeros."""
    count: int
    """Cells, without markers of missing values."""
    odd: str | None
    """The first cell that is not such a number."""


def likely_numbers(counts: Mapping[str, int]) -> LikelyNumbers | None:
    """The form of the numbers, if nearly all texts are numbers; else None.

    Args:
        counts: The count of each text; a few hundred texts of a column are enough.
    """
    present = {text.strip(" \t"): count for text, count in counts.items() if text.strip(" \t") not in MISSING_WORDS}
    if sum(bool(_DIGIT.search(text)) for text in present) * 2 < len(present):
        return None
    total = sum(present.values())
    if padding_of(present).are_codes:
        return None
    form = best_form(present)
    numbers = {text for text in present if plain_numeral(text, form) is not None}
    odd_count = len(present) - len(numbers)
    if not _are_nearly_all(sum(present[text] for text in numbers), total, len(numbers), odd_count):
        return None
    # a number with a leading zero stays text
    odd = [text for text in present if text not in numbers or is_padded(text)]
    return LikelyNumbers(form, total - sum(present[text] for text in odd), total, odd[0] if odd else None)


def _are_nearly_all(found: int, total: int, different: int, odd_different: int) -> bool:
    if found >= NUMBER_FRACTION * total:
        return found >= _MINIMUM_NUMBERS or (found == total and found > 0)
    # a single unknown marker of missing values may fill a third of the cells
    return found >= _FEW_ODD_FRACTION * total and odd_different <= _FEW_ODD_TEXTS and different >= _MINIMUM_DISTINCT


def best_form(counts: Mapping[str, int]) -> NumberForm:
    """The simplest form that reads nearly all texts, or else the simplest of those that read the most."""
    total = sum(counts.values())
    read = {
        form: sum(count for text, count in counts.items() if plain_numeral(text, form) is not None)
        for form in _forms(counts)
    }
    most = max(read.values())
    enough = NUMBER_FRACTION * total
    is_plain_enough = (form for form, count in read.items() if form == NumberForm() and count >= enough)
    return next(is_plain_enough, next(form for form, count in read.items() if count == most))


def _forms(counts: Mapping[str, int]) -> Iterable[NumberForm]:
    """The possible forms of the texts, the simplest first."""
    counts = {in_plain_characters(text): count for text, count in counts.items()}
    percents = _percents(counts)
    has_signs = any("(" in text or text.endswith("-") for text in counts)
    unit = likely_unit(counts)
    for has_accounting_signs, one, percent in product([False, True][: 1 + has_signs], {None: 0, unit: 0}, percents):
        for thousands_mark, decimal_mark in _MARKS:
            form = NumberForm(
                decimal_mark=decimal_mark,
                thousands_mark=thousands_mark,
                percent=percent,
                unit=one,
                has_accounting_signs=has_accounting_signs,
            )
            yield form
            if thousands_mark == "," and any(text.count(",") > 1 for text in counts):
                yield form.model_copy(update={"grouping": "indian"})


def _percents(counts: Mapping[str, int]) -> list[Percent | None]:
    """The possible meanings of percent signs; `number` if only some of the texts have one."""
    percent_count = sum(count for text, count in counts.items() if "%" in text)
    if not percent_count:
        return [None]
    return ["fraction" if percent_count * 2 > sum(counts.values()) else None, "number"]


def likely_unit(counts: Mapping[str, int]) -> str | None:
    """The most frequent text before or after the digits, if it can be a unit; else None."""
    units: Counter[str] = Counter()
    for text, count in counts.items():
        unit = _unit_of(text)
        if unit is not None:
            units[unit] += count
    return units.most_common(1)[0][0] if units else None


def _unit_of(text: str) -> str | None:
    before, behind = _BEFORE.match(text), _BEHIND.match(text)
    found = behind["unit"] if behind else before["unit"] if before and _is_currency(before["unit"]) else None
    if found is not None and '"' in found and found.strip() != '"':
        return None  # `5" pipe` is a description; only the sign itself is the unit of inches
    try:
        return None if found is None else NumberForm(unit=found.strip()).unit
    except ValidationError:
        return None


def _is_currency(unit: str) -> bool:
    return _CURRENCIES.fullmatch(unit) is not None or any(unicodedata.category(one) == "Sc" for one in unit)


def is_ambiguous(form: NumberForm, texts: Iterable[str]) -> bool:
    """Whether the thousands separator of this form could be a decimal mark in all of the texts."""
    mark = form.thousands_mark
    if mark not in (".", ",") or form.grouping != "thousands":
        return False
    other = form.model_copy(update={"thousands_mark": None, "decimal_mark": mark})
    return all(plain_numeral(text, other) is not None for text in texts)
