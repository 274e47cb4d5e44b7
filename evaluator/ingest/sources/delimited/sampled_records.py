"""The records of a file's beginning, and what they look like: headers, units, numbers. Nothing of it is kept."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from modelbus.evaluator.ingest.sources.dialect import NO_DELIMITER
from modelbus.shared.tabular.cells.likely_forms import likely_numbers
from modelbus.shared.tabular.cells.marks import MISSING_MARKS

_NUMBER: Final = re.compile(r"[+-]?(\d[\d.,' \u00a0]*|[.,]\d+)([eE][+-]?\d+)?\s?%?|[+-]?inf", re.IGNORECASE)
_MOMENT: Final = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}.*)?")
_UNIT: Final = re.compile(r"(\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>)")
_POWER: Final = re.compile(r"\d+ ?(/|[\^*·\u00d7]|[⁰¹²³⁴-⁹⁻]).*[^\W\d_].*")
"""Units that begin with a number, such as `1/s` and `10^3 kg`."""
_DIMENSIONLESS: Final = ("", "-")
_NUMERIC_FRACTION: Final = 0.7


@dataclass(frozen=True)
class SampledRecord:
    """One record of the sample, no blank one."""

    line: int
    """At which it begins, from 1."""
    fields: list[str]
    text: str
    """Its first line."""

    @property
    def is_marked(self) -> bool:
        """Whether it begins as a comment does."""
        return self.text.lstrip().startswith("#")


def read_records(
    text: str, delimiter: str, *, has_quotes: bool = True, skip_initial_space: bool = False, is_strict: bool = False
) -> list[SampledRecord]:
    """The records of a sample; none, where they cannot be read.

    Args:
        text: Whole lines.
        delimiter: One character.
        has_quotes: Whether quotes around a field are syntax.
        skip_initial_space: Whether spaces behind a delimiter are not part of the field.
        is_strict: Whether text behind a quote that closes a field makes the sample unreadable.
    """
    lines = io.StringIO(text, newline="").readlines()
    reader = csv.reader(
        lines,
        delimiter=delimiter or NO_DELIMITER,
        quoting=csv.QUOTE_MINIMAL if has_quotes else csv.QUOTE_NONE,
        skipinitialspace=skip_initial_space,
        strict=is_strict,
    )
    found = []
    before = 0
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                shown = lines[before].strip().encode("latin-1", "replace").decode("utf-8", "replace")
                found.append(SampledRecord(before + 1, fields, shown))
            before = reader.line_num
    except csv.Error:
        return [] if is_strict else found
    return found


def is_number(field: str) -> bool:
    """Whether a field holds a number or a date, in whatever form."""
    text = field.strip()
    return _NUMBER.fullmatch(text) is not None or _MOMENT.fullmatch(text) is not None


def has_numbers(record: SampledRecord) -> bool:
    """Whether one of its fields is a number or a date."""
    return any(map(is_number, record.fields))


def numeric_columns(body: Sequence[SampledRecord]) -> list[int]:
    """The columns that hold numbers or dates, judging by the records."""
    width = min((len(record.fields) for record in body), default=0)
    found = []
    for index in range(width):
        present = [record.fields[index] for record in body if record.fields[index].strip() not in MISSING_MARKS]
        if present and sum(map(is_number, present)) >= _NUMERIC_FRACTION * len(present):
            found.append(index)
    return found


def is_above_numbers(record: SampledRecord, body: Sequence[SampledRecord]) -> bool:
    """Whether the record is certainly a header: no numbers, above columns of which at least one holds numbers."""
    numeric = [index for index in numeric_columns(body) if index < len(record.fields)]
    return not has_numbers(record) and any(record.fields[index].strip() for index in numeric)


def are_units(record: SampledRecord) -> bool:
    """Whether all of its fields are units in brackets: `[kg]`, `(m/s)`; some may be empty. `(5)` is a number."""
    filled = [field.strip() for field in record.fields if field.strip()]
    return bool(filled) and all(map(_is_unit, filled))


def _is_unit(field: str) -> bool:
    if _UNIT.fullmatch(field) is None:
        return False
    within = field[1:-1].strip()
    if _POWER.match(within):
        return True
    is_mark = within in MISSING_MARKS and within not in _DIMENSIONLESS
    return not (is_mark or is_number(within) or _has_digits_only(within) or likely_numbers({within: 1}) is not None)


def _has_digits_only(text: str) -> bool:
    """Whether there are digits, and no letter: `1; 2`, `3/4`."""
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
