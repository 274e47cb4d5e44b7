"""In which form the numbers of a column of text are written, if nearly all of its texts are numbers. Pure.

Nothing is read by what is found here: it is told, and whoever knows the table says whether it is right.
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
"""Texts that mean "no value" among numbers; the evaluator's marks, which a test compares."""
NUMBER_FRACTION: Final = 0.8
"""So many of a column's values are numbers where it is taken to be one of numbers with odd cells."""
_FEW_ODD_FRACTION: Final = 0.5
_FEW_ODD_TEXTS: Final = 3
_FEWEST_NUMBERS: Final = 3
_FEWEST_DIFFERENT: Final = 10
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
"""In this order: where `1,234` is all that is known, it is likelier a thousand than a fraction of three digits."""
_NUMBER = r"[+\-\u2212]?(?:\d[\d.,'\u2019 \u00a0\u202f\u2009]*\d|\d)[.,]?"
_BEFORE = re.compile(rf"^[+\-\u2212(]?(?P<unit>[^\d\s+\-\u2212(),']{{1,20}}?)\s?{_NUMBER}[-)]?$")
_BEHIND = re.compile(rf"^[(]?{_NUMBER}\s?(?P<unit>[^\d\s+\-\u2212().,'%][^\d+\-\u2212()%]{{0,19}}?)[-)]?$")
_CURRENCIES: Final = re.compile(
    r"AED|ARS|AUD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN|MYR|NGN|NOK|NZD|PEN|PHP|"
    r"PKR|PLN|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|Fr\.?|Rs\.?|kr\.?|RM|Rp"
)
"""What stands before a number and is no part of a code, as `A 12` and `ABC 12` are; beside the signs of currencies."""
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class LikelyNumbers:
    """Texts that are numbers but for a few."""

    form: NumberForm
    """In which most of them are written."""
    number_count: int
    """Texts that are numbers of that form, without a zero before them."""
    count: int
    """Texts, those left out that mean "no value"."""
    odd: str | None
    """The first that is no such number."""


def likely_numbers(counts: Mapping[str, int]) -> LikelyNumbers | None:
    """What the texts are, if nearly all of them are numbers.

    Args:
        counts: How often each text occurs; some hundreds of a column are enough.
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
    # a zero before a number keeps it text, though it is one
    odd = [text for text in present if text not in numbers or is_padded(text)]
    return LikelyNumbers(form, total - sum(present[text] for text in odd), total, odd[0] if odd else None)


def _are_nearly_all(found: int, total: int, different: int, odd_different: int) -> bool:
    if found >= NUMBER_FRACTION * total:
        return found >= _FEWEST_NUMBERS or (found == total and found > 0)
    # one word for "no value" that nobody knows may well stand in a third of the cells
    return found >= _FEW_ODD_FRACTION * total and odd_different <= _FEW_ODD_TEXTS and different >= _FEWEST_DIFFERENT


def best_form(counts: Mapping[str, int]) -> NumberForm:
    """The plainest form that reads nearly all of the texts, else the plainest of those that read the most."""
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
    """The forms that the texts may have, the plainer before the others."""
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
    """What percent signs may mean; as a number, where only some of the texts have one."""
    percent_count = sum(count for text, count in counts.items() if "%" in text)
    if not percent_count:
        return [None]
    return ["fraction" if percent_count * 2 > sum(counts.values()) else None, "number"]


def likely_unit(counts: Mapping[str, int]) -> str | None:
    """What stands most often before or behind the digits, if it can be a unit; None if nothing does."""
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
        return None  # `5" pipe` is a description: of inches the sign alone is the unit
    try:
        return None if found is None else NumberForm(unit=found.strip()).unit
    except ValidationError:
        return None


def _is_currency(unit: str) -> bool:
    return _CURRENCIES.fullmatch(unit) is not None or any(unicodedata.category(one) == "Sc" for one in unit)


def is_ambiguous(form: NumberForm, texts: Iterable[str]) -> bool:
    """Whether a comma or a point between groups of three digits may as well be a decimal mark in all of the texts."""
    mark = form.thousands_mark
    if mark not in (".", ",") or form.grouping != "thousands":
        return False
    other = form.model_copy(update={"thousands_mark": None, "decimal_mark": mark})
    return all(plain_numeral(text, other) is not None for text in texts)
